//! What can go wrong with a database server.

use std::{io, path::PathBuf};

/// A failure of a database server.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No server program.
    #[error("there is no mariadbd (looked in {searched}); Debian's package mariadb-server brings it")]
    NoEngine {
        /// The places.
        searched: String,
    },
    /// The server program does not say what it is.
    #[error("{} is not a MySQL or MariaDB server: {reason}", .binary.display())]
    UnknownEngine {
        /// Which one.
        binary: PathBuf,
        /// What it did instead.
        reason: String,
    },
    /// A file could not be read, written or removed.
    #[error("could not {action} {}", .path.display())]
    File {
        /// Such as "write".
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A program could not be run.
    #[error("could not run {}", .program.display())]
    Spawn {
        /// Which one.
        program: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The data directory could not be made.
    #[error("database {id}: the data directory could not be made ({status}): {last_lines}")]
    Initialise {
        /// Which one.
        id: String,
        /// How the program ended.
        status: String,
        /// The end of what it said.
        last_lines: String,
    },
    /// The server ended or did not accept logins in time.
    #[error("database {id}: the server {what}; the end of {}:\n{last_lines}", .log.display())]
    NotReady {
        /// Which one.
        id: String,
        /// What it did instead.
        what: String,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        last_lines: String,
    },
    /// The server does not run.
    #[error("database {id} does not run")]
    NotRunning {
        /// Which one.
        id: String,
    },
    /// A process of the database could not be ended.
    #[error("processes {pids:?} still use {} after they were killed", .directory.display())]
    Unkillable {
        /// Which ones.
        pids: Vec<i32>,
        /// What they use.
        directory: PathBuf,
    },
    /// The server refused a statement. Statements carry secrets and are not repeated.
    #[error("the server refused to {action}")]
    Sql {
        /// Such as "set the master password".
        action: String,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A key or certificate could not be made.
    #[error("could not make the certificate of {subject}")]
    Certificate {
        /// Whose.
        subject: String,
        /// Why.
        #[source]
        source: rcgen::Error,
    },
    /// Files of the database could not be copied, or its copies not be kept.
    #[error("database {id}: could not {action}")]
    Copy {
        /// Which one.
        id: String,
        /// Such as "copy its data".
        action: &'static str,
        /// Why.
        #[source]
        source: Box<crate::Error>,
    },
    /// A state of the past cannot be had.
    #[error("database {id} cannot be restored to that time: {reason}")]
    NotRestorable {
        /// Which one.
        id: String,
        /// Why, and what can be had.
        reason: String,
    },
    /// The program that reads binary logs is not there.
    #[error("there is no {tool} (looked for {searched}), without which no point in time can be restored{advice}")]
    NoReplayTool {
        /// Its name.
        tool: &'static str,
        /// The places.
        searched: String,
        /// Where it comes from, if that is known.
        advice: &'static str,
    },
    /// The program that reads binary logs failed.
    #[error("database {id}: its binary log could not be read ({status}): {said}")]
    Replay {
        /// Which one.
        id: String,
        /// How it ended.
        status: String,
        /// What it said.
        said: String,
    },
    /// The network could not be arranged.
    #[error("database {id}: its network could not be arranged")]
    Network {
        /// Which one.
        id: String,
        /// Why.
        #[source]
        source: Box<crate::Error>,
    },
}

impl Error {
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn copy(id: &str, action: &'static str) -> impl FnOnce(crate::Error) -> Self {
        let id = id.to_owned();
        move |source| Self::Copy { id, action, source: Box::new(source) }
    }

    pub(crate) fn network(id: &str, source: crate::Error) -> Self {
        Self::Network { id: id.to_owned(), source: Box::new(source) }
    }
}
