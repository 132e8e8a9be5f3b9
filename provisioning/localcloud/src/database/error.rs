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

    pub(crate) fn network(id: &str, source: crate::Error) -> Self {
        Self::Network { id: id.to_owned(), source: Box::new(source) }
    }
}
