//! The cloud on this machine: real instances, real databases and real networks behind AWS's wire protocols.
//!
//! One background daemon owns a *cloud*, which is one data directory ([`Layout`]). Everything AWS offers but Lightsail is
//! answered by ministack, Lightsail is answered by [`lightsail`]; instances are systemd machines and databases are server
//! processes. This crate must not know the engine or the AWS clients that are pointed at it: it speaks only the wire, so
//! that it can disagree with them.

mod call;
mod copies;
pub mod daemon;
pub mod database;
pub mod doctor;
mod edge;
pub mod error;
mod event;
mod files;
mod hops;
pub mod layout;
pub mod lightsail;
pub mod machine;
pub mod ministack;
pub mod network;
mod options;
mod process;
mod usage;

pub use crate::daemon::{Part, Status};
pub use crate::daemon::{auto_snapshot, down, endpoints, public_url, reset, status, up};
pub use crate::error::Error;
pub use crate::event::Event;
pub use crate::layout::Layout;
pub use crate::options::{Endpoints, Options};
