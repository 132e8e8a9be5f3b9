//! The one mapping from the libraries' errors to what the operator reads, and to an exit code.

use jewel_engine::{ApplyError, FailureKind, LeaseError};
use serde_json::json;

use crate::exit::Exit;
use crate::failure::Failure;

impl From<jewel_engine::Failure> for Failure {
    fn from(failure: jewel_engine::Failure) -> Self {
        let exit = match failure.kind {
            FailureKind::Credentials => Exit::Credentials,
            FailureKind::Interrupted => Exit::Interrupted,
            FailureKind::Foreign => Exit::Refused,
            FailureKind::NotFound
            | FailureKind::Conflict
            | FailureKind::Throttled
            | FailureKind::Denied
            | FailureKind::Transient
            | FailureKind::Deadline
            | FailureKind::Permanent => Exit::Failed,
        };
        match jewel_aws::Denial::of(&failure) {
            Some(denial) => Self::from_error(exit, &failure).hint(advice(&denial)),
            None => Self::from_error(exit, &failure).hint_opt(failure.hint()),
        }
    }
}

/// Which permission is missing, and where it has to be given.
fn advice(denial: &jewel_aws::Denial) -> String {
    let (who, action) = (&denial.principal, &denial.action);
    let resource = denial.resource.as_deref().unwrap_or("any resource");
    let mend = if denial.explicit {
        "a policy denies it outright: change that one".to_owned()
    } else {
        format!("add this statement to its policy: {}", denial.statement())
    };
    format!("{who} may not {action} on {resource}; {mend}; then run the same command again")
}

impl From<ApplyError> for Failure {
    fn from(error: ApplyError) -> Self {
        match error {
            ApplyError::Refused { .. } => Self::from_error(Exit::Refused, &error),
            ApplyError::OtherStack { .. } => Self::from_error(Exit::StalePlan, &error),
        }
    }
}

impl From<LeaseError> for Failure {
    fn from(error: LeaseError) -> Self {
        Self::from_error(Exit::Failed, &error)
    }
}

impl From<jewel_aws::Error> for Failure {
    fn from(error: jewel_aws::Error) -> Self {
        match error {
            jewel_aws::Error::Aws(failure) => Self::from(failure),
            jewel_aws::Error::Spec(error) => Self::from_error(Exit::Usage, &error).hint("mend it in `jewel.toml`"),
            jewel_aws::Error::Stack(_) => Self::from_error(Exit::Failed, &error),
        }
    }
}

impl From<jewel_localcloud::Error> for Failure {
    fn from(error: jewel_localcloud::Error) -> Self {
        use jewel_localcloud::Error;
        let exit = match &error {
            Error::NotLinux { .. } | Error::NotRoot | Error::Missing { .. } | Error::PortTaken { .. } => Exit::Usage,
            _ => Exit::Failed,
        };
        let hint = match &error {
            Error::PortTaken { .. } => Some(
                "stop what holds it, or give a cloud that is yet to be made other ports: `local.port` in jewel.toml, \
                 or JEWEL_LOCAL_PORT (0 picks free ones)"
                    .to_owned(),
            ),
            _ => error.hint(),
        };
        Self::from_error(exit, &error).hint_opt(hint)
    }
}

impl From<jewel_runbooks::Error> for Failure {
    fn from(error: jewel_runbooks::Error) -> Self {
        let hint = error.hint();
        match error {
            jewel_runbooks::Error::Aws(failure) => Self::from(failure),
            refused @ (jewel_runbooks::Error::SchemaTooNew { .. }
            | jewel_runbooks::Error::SchemaUnknown { .. }
            | jewel_runbooks::Error::NoneBefore { .. }
            | jewel_runbooks::Error::OriginSecret { .. }) => Self::from_error(Exit::Refused, &refused).hint_opt(hint),
            wrong @ (jewel_runbooks::Error::SecretForm { .. }
            | jewel_runbooks::Error::NoPaymentKeys { .. }
            | jewel_runbooks::Error::NoRelease { .. }
            | jewel_runbooks::Error::ManyReleases { .. }) => Self::from_error(Exit::Usage, &wrong).hint_opt(hint),
            jewel_runbooks::Error::Migration(error) => Self::from(error),
            other => Self::from_error(Exit::Failed, &other).hint_opt(hint),
        }
    }
}

impl From<jewel_migrations::Error> for Failure {
    fn from(error: jewel_migrations::Error) -> Self {
        use jewel_migrations::Error;
        let exit = match &error {
            Error::Split { .. } | Error::Unrepairable { .. } => Exit::Usage,
            Error::Stale => Exit::StalePlan,
            Error::LockHeld { .. } => Exit::Locked,
            Error::Refused { .. } | Error::Unsafe { .. } => Exit::Refused,
            _ => Exit::Failed,
        };
        let failure = Self::from_error(exit, &error).hint_opt(error.hint());
        match &error {
            Error::Refused { problems } => {
                let diffs: Vec<String> = problems.iter().filter_map(jewel_migrations::Problem::diff).collect();
                failure.report(diffs.join("\n\n"), json!({ "problems": problems }))
            }
            Error::Unsafe { findings } => failure.report("", json!({ "findings": findings })),
            _ => failure,
        }
    }
}

impl From<jewel_migrations::FilesError> for Failure {
    fn from(error: jewel_migrations::FilesError) -> Self {
        Self::from_error(Exit::Usage, &error)
    }
}

impl From<jewel_host::Error> for Failure {
    fn from(error: jewel_host::Error) -> Self {
        let hint = error.hint();
        Self::from_error(Exit::Failed, &error).hint_opt(hint)
    }
}

impl From<jewel_runbooks::demo::Error> for Failure {
    fn from(error: jewel_runbooks::demo::Error) -> Self {
        match error {
            jewel_runbooks::demo::Error::Aws(failure) => Self::from(failure),
            other => Self::from_error(Exit::Failed, &other),
        }
    }
}
