//! The only thing observation and apply say while they run.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Action, Address, Failure};

/// Receives events. It is called from the walk itself, so it must be quick.
pub type Sink<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// Something happened to a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which resource.
    pub address: Address,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

impl Event {
    pub(crate) fn new(address: &Address, kind: EventKind) -> Self {
        Self { at: Timestamp::now(), address: address.clone(), kind }
    }
}

/// What can happen to a resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// It was read.
    Read {
        /// Whether it exists.
        exists: bool,
    },
    /// Its step of the plan begins.
    Started {
        /// What it is called, for people.
        title: String,
        /// What will be done.
        action: Action,
    },
    /// It is being waited for.
    Waiting {
        /// What for, such as `creating`.
        status: String,
        /// Milliseconds since its step began.
        elapsed_ms: u64,
    },
    /// A call will be repeated.
    Retrying {
        /// Why.
        failure: Failure,
    },
    /// Its step is done.
    Finished {
        /// What was done.
        action: Action,
        /// Whether anything was written; a step that found its work done writes nothing.
        wrote: bool,
        /// Milliseconds the step took.
        took_ms: u64,
    },
    /// Its step failed.
    Failed {
        /// How.
        failure: Failure,
        /// Milliseconds the step took.
        took_ms: u64,
    },
    /// Its step was not attempted.
    Skipped {
        /// The failed resource it needs.
        because: Address,
    },
}
