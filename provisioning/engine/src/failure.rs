//! What can go wrong inside a resource, in the only terms the engine acts upon.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a failure means for what to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The thing asked for does not exist.
    NotFound,
    /// It exists already, is in use, or somebody changed it meanwhile: read again and decide anew.
    Conflict,
    /// Asked too often.
    Throttled,
    /// The caller may not do this.
    Denied,
    /// There are no credentials, or they are wrong or expired.
    Credentials,
    /// Network, time-out or a fault on the other side: the same call may succeed.
    Transient,
    /// The deadline of a wait has passed.
    Deadline,
    /// The run was told to stop.
    Interrupted,
    /// Somebody else's resource has our name.
    Foreign,
    /// Anything else: the same call will fail again.
    Permanent,
}

/// A failed action on one resource. Holds no secret and prints as one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What it means.
    pub kind: FailureKind,
    /// What was attempted, as a verb and an object: `create bucket shop-prod-site`.
    pub action: String,
    /// What the other side said.
    pub message: String,
    /// The other side's error code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The other side's request id, for its support desk and its logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Failure {
    /// A failure without a code.
    pub fn new(kind: FailureKind, action: impl Into<String>, message: impl Into<String>) -> Self {
        Self { kind, action: action.into(), message: message.into(), code: None, request_id: None }
    }

    /// A failure that will happen again.
    pub fn permanent(action: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(FailureKind::Permanent, action, message)
    }

    /// Whether the same call may succeed later, without anything having been changed.
    pub fn is_transient(&self) -> bool {
        matches!(self.kind, FailureKind::Throttled | FailureKind::Transient)
    }

    /// What a person can do about it, if there is something.
    pub fn hint(&self) -> Option<&'static str> {
        match self.kind {
            FailureKind::Denied => Some("allow this action to the credentials in use, then run the same command again"),
            FailureKind::Credentials => Some("renew the credentials, then run the same command again"),
            FailureKind::Throttled | FailureKind::Transient | FailureKind::Deadline | FailureKind::Interrupted => {
                Some("run the same command again; it resumes where it stopped")
            }
            FailureKind::Foreign => Some("choose another project or environment name, or take it over with `--adopt`"),
            FailureKind::NotFound | FailureKind::Conflict | FailureKind::Permanent => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: {}", self.action, self.message)?;
        match (&self.code, &self.request_id) {
            (Some(code), Some(id)) => write!(f, " ({code}, request {id})"),
            (Some(code), None) => write!(f, " ({code})"),
            (None, Some(id)) => write!(f, " (request {id})"),
            (None, None) => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
