//! What can go wrong while migrating, with the migration, the statement and the server's words in it.

use crate::{
    lint::Finding,
    plan::{Problem, Step},
    statement::{SplitError, Statement},
};

/// An error of the migrator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A migration file cannot be read as SQL.
    #[error("migration {version:04}_{name} cannot be split into statements")]
    Split {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// Why.
        #[source]
        source: SplitError,
    },
    /// The database's history contradicts the files; nothing was changed.
    #[error("{}", join(problems))]
    Refused {
        /// Every contradiction found.
        problems: Vec<Problem>,
    },
    /// What is pending would break the release that runs; nothing was changed.
    #[error("what is pending would break the release that runs: {}", lines(findings))]
    Unsafe {
        /// Every finding of lint.
        findings: Vec<Finding>,
    },
    /// A statement failed on the scratch copy; nothing was changed.
    #[error(
        "migration {version:04}_{name} would fail at statement {ordinal} of {of} (line {line}), as it did on an empty \
         copy of the schema; nothing was changed: {summary}{}",
        server_words(source)
    )]
    Rehearsal {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// Which statement of the file, counted from 1.
        ordinal: u32,
        /// How many statements the file has.
        of: u32,
        /// The statement's line in the file.
        line: usize,
        /// The beginning of the statement.
        summary: String,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
    /// What `repair` is told to do cannot be done.
    #[error("statement {ordinal} of migration {version} {why}")]
    Unrepairable {
        /// The migration's version.
        version: u32,
        /// Which statement of it, counted from 1.
        ordinal: u32,
        /// Why.
        why: &'static str,
    },
    /// Somebody changed the history between looking at it and repairing it; nothing was changed.
    #[error("the migration history changed since it was looked at; nothing was changed")]
    Stale,
    /// Another migrator holds the lock, and went on holding it until the deadline.
    #[error("another migration is running on database {database} (connection {}); gave up after {waited_seconds} s", holder.map_or_else(|| "unknown".to_owned(), |id| id.to_string()))]
    LockHeld {
        /// The database.
        database: String,
        /// The server's connection id of the holder, where known.
        holder: Option<u64>,
        /// How long the lock was waited for.
        waited_seconds: u64,
    },
    /// The server could not answer the request for the lock.
    #[error("the server gave no answer to GET_LOCK on database {database}")]
    LockUnanswered {
        /// The database.
        database: String,
    },
    /// The connection has no database selected.
    #[error("the connection has no database selected")]
    NoDatabase,
    /// A statement failed. Everything before it is applied and recorded; the next run starts with it.
    #[error(
        "migration {version:04}_{name} failed at statement {ordinal} of {of} (line {line}): {summary}{}",
        server_words(source)
    )]
    Statement {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// Which statement of the file, counted from 1.
        ordinal: u32,
        /// How many statements the file has.
        of: u32,
        /// The statement's line in the file.
        line: usize,
        /// The beginning of the statement.
        summary: String,
        /// What the server or the connection said.
        #[source]
        source: sqlx::Error,
    },
    /// Reading or writing the migrator's own tables failed.
    #[error("could not {action}")]
    History {
        /// What was being done.
        action: &'static str,
        /// What the server or the connection said.
        #[source]
        source: sqlx::Error,
    },
}

impl Error {
    /// What an operator can do about it, where there is something to say.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Refused { problems } => problems.first().map(Problem::hint),
            Self::Unsafe { findings } => findings.first().map(|finding| {
                format!("{}; or write why it is safe before the statement: `-- jewel: safe because …`", finding.instead)
            }),
            Self::Rehearsal { .. } => Some("mend the statement and migrate again".to_owned()),
            Self::Stale => Some("look at it again".to_owned()),
            Self::Unrepairable { .. } => Some("`migrate status` says which statements were sent or applied".to_owned()),
            Self::LockHeld { .. } => {
                Some("wait for the other run to end, or allow a longer wait for the lock".to_owned())
            }
            Self::Statement { .. } => {
                Some("mend the statement (those before it must stay as they are) and migrate again".to_owned())
            }
            Self::Split { .. } | Self::LockUnanswered { .. } | Self::NoDatabase | Self::History { .. } => None,
        }
    }

    pub(crate) fn refused_in_rehearsal(
        step: &Step<'_>,
        ordinal: u32,
        statement: &Statement,
        source: sqlx::Error,
    ) -> Self {
        Self::Rehearsal {
            version: step.migration.version,
            name: step.migration.name.to_string(),
            ordinal,
            of: step.count(),
            line: statement.line,
            summary: statement.summary(),
            source,
        }
    }

    pub(crate) fn history(action: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::History { action, source }
    }
}

/// The number of the server's error, where it was the server that refused.
pub(crate) fn server_code(error: &sqlx::Error) -> Option<u16> {
    error
        .as_database_error()
        .and_then(|error| error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>())
        .map(sqlx::mysql::MySqlDatabaseError::number)
}

fn server_words(error: &sqlx::Error) -> String {
    server_code(error).map_or_else(String::new, |code| format!(" (server error {code})"))
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(|finding| format!("\n  {finding}")).collect()
}

fn join(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
