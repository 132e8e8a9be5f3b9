//! The exit codes: one table, and the only place that knows the numbers.

use std::process::ExitCode;

/// How a command ended, as a shell or a pipeline sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// The operation failed.
    Failed = 1,
    /// Wrong usage or configuration; nothing was changed.
    Usage = 2,
    /// Credentials are missing or expired, or they belong to another account.
    Credentials = 3,
    /// The plan no longer fits what is there.
    StalePlan = 4,
    /// Another run holds the lock.
    Locked = 5,
    /// Changes are pending (`--exit-code`).
    Pending = 6,
    /// Refused: no consent, data or the running release at risk, or over budget.
    Refused = 7,
    /// A check failed.
    CheckFailed = 8,
    /// Interrupted by the operator.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table as `--help` prints it.
pub const TABLE: &str = "\
Exit codes:
  0 done   1 failed   2 usage or configuration   3 credentials or wrong account
  4 stale plan   5 lock held   6 changes pending (with --exit-code)
  7 refused (no consent, data at risk, budget)   8 a check failed   130 interrupted";
