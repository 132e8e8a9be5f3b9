//! Reaching an instance: an SSH connection with pinned keys, and on it commands, files, tunnels, releases and rollouts.
//!
//! This crate must not know AWS, SQL or what the service does: it is given an [`Access`], a binary and an environment.
//! It never prints; a rollout reports through [`Event`], and everything it runs on the host is a [`Command`] value that
//! is built apart from running it.

mod about;
mod access;
mod command;
mod environment;
mod error;
mod event;
mod exec;
mod files;
mod fit;
mod gate;
mod http;
pub mod layout;
mod log;
mod release;
mod rollout;
mod service;
mod setup;
mod shell;
mod signing;
mod ssh;
mod tunnel;
mod units;

pub use about::About;
pub use access::Access;
pub use command::{Command, quote};
pub use environment::Environment;
pub use error::Error;
pub use event::Event;
pub use exec::{Output, Source, Status};
pub use files::{Uploaded, digest};
pub use fit::Machine;
pub use http::Answer;
pub use log::{LogLine, LogQuery};
pub use release::{Release, ReleaseId, State};
pub use rollout::{OnEvent, Origin, Report, Rollout, inspect, releases, rollout, stop};
pub use shell::Size;
pub use signing::SigningKey;
pub use ssh::{Session, connect};
pub use tunnel::Tunnel;
