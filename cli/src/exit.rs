//! The exit codes: one table, and the only place that knows the numbers.

use std::process::ExitCode;

/// How a command ended, as a shell or a pipeline sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// The operation failed.
    Failed,
    /// Wrong usage or configuration; nothing was changed.
    Usage,
    /// Credentials are missing or expired, or they belong to another account.
    Credentials,
    /// The plan no longer fits what is there.
    StalePlan,
    /// Another run holds the lock.
    Locked,
    /// Changes are pending (`--exit-code`).
    Pending,
    /// Refused: no consent, data or the running release at risk, or over budget.
    Refused,
    /// A check failed.
    CheckFailed,
    /// Interrupted by the operator.
    Interrupted,
    /// What a command on the instance ended with.
    Remote(u8),
}

impl Exit {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Credentials => 3,
            Self::StalePlan => 4,
            Self::Locked => 5,
            Self::Pending => 6,
            Self::Refused => 7,
            Self::CheckFailed => 8,
            Self::Interrupted => 130,
            Self::Remote(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// The table as `--help` prints it.
pub const TABLE: &str = "\
Exit codes:
  0 done   1 failed   2 usage or configuration   3 credentials or wrong account
  4 stale plan   5 lock held   6 changes pending (with --exit-code)
  7 refused (no consent, data at risk, budget)   8 a check failed   130 interrupted";
