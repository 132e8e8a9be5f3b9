//! Reaching an instance: an SSH connection with pinned keys, and on it commands, files, tunnels, releases and rollouts.
//!
//! This crate must not know AWS, SQL or what the service does: it is given an [`Access`], a binary and an environment.
//! It never prints; a rollout reports through [`Event`], and everything it runs on the host is a [`Command`] value that
//! is built apart from running it.

mod access;
mod command;
mod environment;
mod error;
mod event;
mod exec;
mod files;
mod http;
pub mod layout;
mod release;
mod rollout;
mod service;
mod setup;
mod ssh;
mod tunnel;
mod units;

pub use access::Access;
pub use command::{Command, quote};
pub use environment::Environment;
pub use error::Error;
pub use event::Event;
pub use exec::{Output, Source, Status};
pub use files::{Uploaded, digest};
pub use http::Answer;
pub use release::{Release, ReleaseId, State};
pub use rollout::{OnEvent, Report, Rollout, inspect, releases, rollout};
pub use ssh::{Session, connect};
pub use tunnel::Tunnel;
