//! The one background process that owns a cloud, and how others start it, ask it and stop it.
//!
//! Nothing here must be needed for correctness between two runs: the daemon may be killed at any moment, and the next
//! `up` finds everything in the data directory.

mod admin;
mod client;
mod guard;
pub(crate) mod ports;
mod reset;
mod run;
mod settings;
mod slots;
mod start;
mod stop;

pub(crate) use client::base_port;
pub use client::{Part, Status, auto_snapshot, endpoints, public_url, status};
pub use reset::reset;
pub use run::run;
pub use start::up;
pub use stop::down;
