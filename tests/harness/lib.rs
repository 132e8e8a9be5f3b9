//! What the tests share: where the binaries are, how a command is run, what it answered.

pub mod browser;
mod cloud;
mod command;
pub mod inventory;
pub mod models;
mod moto;
mod proxied;
pub mod proxy;
mod python;
pub mod stripe;

pub use cloud::Cloud;
pub use command::{Answer, Jewelctl, binaries};
pub use moto::Moto;
pub use proxied::Proxied;
