//! How each pending statement will be carried out, said before it is.

use serde::Serialize;

/// One statement that is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The migration's version.
    pub version: u32,
    /// The migration's name.
    pub name: String,
    /// Which statement of it, counted from 1.
    pub ordinal: u32,
    /// How many statements the migration has.
    pub of: u32,
    /// The statement as the file has it.
    pub sql: String,
    /// How the server will do it.
    pub method: Method,
    /// How many rows its table has, by the server's estimate.
    pub rows: Option<u64>,
}

/// How the server does a statement, and who waits meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "how", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Method {
    /// It changes rows, in a transaction.
    Rows,
    /// It touches no table that is in use.
    New,
    /// `ALGORITHM=INSTANT`: only the definition changes.
    Instant,
    /// `ALGORITHM=INPLACE` (or MariaDB's `NOCOPY`): the server works beside those who use the table.
    InPlace {
        /// `LOCK=NONE`; otherwise `LOCK=SHARED`: reads go on and writes wait.
        writes_go_on: bool,
    },
    /// `ALGORITHM=COPY, LOCK=SHARED`: every row is copied, reads go on and writes wait.
    Copy,
    /// The statement says algorithm or lock itself, and the server accepts that.
    AsWritten,
    /// It was tried on the scratch copy, and has no algorithm to speak of.
    Tried,
    /// Not tried beforehand.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rows => f.write_str("changes rows, in a transaction"),
            Self::New => f.write_str("on a table nobody uses yet"),
            Self::Instant => f.write_str("ALGORITHM=INSTANT, no lock: only the definition changes"),
            Self::InPlace { writes_go_on: true } => f.write_str("ALGORITHM=INPLACE, LOCK=NONE: reads and writes go on"),
            Self::InPlace { writes_go_on: false } => f.write_str("ALGORITHM=INPLACE, LOCK=SHARED: writes wait"),
            Self::Copy => f.write_str("ALGORITHM=COPY, LOCK=SHARED: every row is copied and writes wait"),
            Self::AsWritten => f.write_str("as the statement says itself"),
            Self::Tried => f.write_str("tried on an empty copy"),
            Self::Unknown { reason } => write!(f, "not tried beforehand: {reason}"),
        }
    }
}
