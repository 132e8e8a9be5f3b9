//! All AWS services but Lightsail: ministack, a server in Python, in an environment and under a launcher of our own.
//!
//! Knows nothing of the daemon: it is given ports, directories and credentials, and keeps one process alive.

mod environment;
mod supervisor;

pub(crate) use environment::{OLDEST_PYTHON, ensure, find_python};
pub(crate) use supervisor::{Ministack, Settings};

/// Where the launcher answers whether a key may do something in a service that is not ministack's.
pub(crate) const AUTHORIZE_PATH: &str = "/_jewel/authorize";
