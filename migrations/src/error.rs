//! What can go wrong while migrating, with the migration, the statement and the server's words in it.

use crate::{plan::Problem, statement::SplitError};

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
            Self::Refused { problems } => problems.first().map(|problem| problem.hint().to_owned()),
            Self::LockHeld { .. } => {
                Some("wait for the other run to end, or allow a longer wait for the lock".to_owned())
            }
            Self::Statement { .. } => {
                Some("mend the statement (those before it must stay as they are) and migrate again".to_owned())
            }
            Self::Split { .. } | Self::LockUnanswered { .. } | Self::NoDatabase | Self::History { .. } => None,
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

fn join(problems: &[Problem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
