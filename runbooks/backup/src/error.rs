//! What can go wrong, to what, and what to do about it.

use std::time::Duration;

use crate::{hash::Hash, store::StoreError};

/// Why a backup could not be made, checked or restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A recipient that is none.
    #[error("`{text}` is no age recipient; one begins with age1")]
    Recipient {
        /// What was given.
        text: String,
    },
    /// Nobody could read it.
    #[error("a backup needs a recipient: without one nobody could read it")]
    NoRecipient,
    /// An identity that is none. What was given is not said: it is a secret.
    #[error("that is no age identity; one begins with AGE-SECRET-KEY-1")]
    Identity,
    /// A seal that could be guessed.
    #[error("the seal is too short: 32 characters or more, that nobody can guess")]
    ShortSeal,
    /// The server refused, or could not be reached.
    #[error("the database failed while {doing}{}", next_step(source))]
    Server {
        /// What was being done, such as `reading table orders`.
        doing: String,
        /// What it said.
        #[source]
        source: mysql_async::Error,
    },
    /// The server answered something that is no answer to what it was asked.
    #[error("the database gave an answer that is none while {doing}")]
    Answer {
        /// What was being done.
        doing: String,
    },
    /// Tables whose engine has no snapshots.
    #[error("not InnoDB, so that no consistent copy can be made while the shop runs: {}; convert them with ALTER TABLE … ENGINE=InnoDB", tables.join(", "))]
    Engine {
        /// Their names, each with its engine.
        tables: Vec<String>,
    },
    /// What this crate cannot carry.
    #[error("the schema has what a backup cannot carry: {}", what.join(", "))]
    Unsupported {
        /// What it is.
        what: Vec<String>,
    },
    /// Somebody changed a definition while it was read.
    #[error("changed while the backup was made: {}; make it again when no migration runs", what.join(", "))]
    DefinitionChanged {
        /// Tables, views and so on.
        what: Vec<String>,
    },
    /// A transaction or a query was in the way of the moment in which nobody writes.
    #[error(
        "no moment without writers in {attempts} attempts of {limit:?} each: a long transaction holds a table; SHOW PROCESSLIST names it"
    )]
    Busy {
        /// How often it was tried.
        attempts: u32,
        /// How long writers were held up at most each time.
        limit: Duration,
    },
    /// The store failed.
    #[error("the store failed with {key}")]
    Store {
        /// The object, or the prefix.
        key: String,
        /// What it said.
        #[source]
        source: StoreError,
    },
    /// An object of this name, and with other contents, is there.
    #[error("{key} is there already and holds something else: nobody else should write there; make the backup again")]
    Taken {
        /// The object.
        key: String,
    },
    /// There is no such backup.
    #[error("there is no backup {id}: it has no manifest, so it was never complete; the list says which are")]
    NoBackup {
        /// Its name.
        id: String,
    },
    /// The manifest is not to be believed.
    #[error("the manifest of {id} is not to be believed; restore another backup, and find out who wrote to the store")]
    Distrusted {
        /// The backup.
        id: String,
        /// Why.
        #[source]
        source: Distrust,
    },
    /// An object is not what the manifest says.
    #[error("{key} is damaged; restore another backup")]
    Damaged {
        /// The object.
        key: String,
        /// What is wrong with it.
        #[source]
        source: Damage,
    },
    /// Objects are not there or too short or too long, which is known before anything is touched.
    #[error("the backup {id} is not whole: {}; restore another one", list(findings))]
    NotWhole {
        /// The backup.
        id: String,
        /// What is wrong with which.
        findings: Vec<Finding>,
    },
    /// There is something in the schema to restore into.
    #[error(
        "`{schema}` is not empty ({found}, …): nothing was touched; restore into another one, or say that it may be replaced"
    )]
    NotEmpty {
        /// The schema.
        schema: String,
        /// The first thing that is there.
        found: String,
    },
    /// Another restore into the schema runs.
    #[error("another restore into `{schema}` is running; wait for its end")]
    Restoring {
        /// The schema.
        schema: String,
    },
    /// Another backup was half restored into the schema.
    #[error("`{schema}` holds a part of the backup {other}: go on with that one, or say that it may be replaced")]
    OtherBackup {
        /// The schema.
        schema: String,
        /// The other backup.
        other: String,
    },
    /// The server took fewer rows than there were.
    #[error("{key} has {expected} rows and the server took {taken}{}", said.as_ref().map(|said| format!("; it said: {said}")).unwrap_or_default())]
    Rows {
        /// The object.
        key: String,
        /// Rows in it.
        expected: u64,
        /// Rows that were taken.
        taken: u64,
        /// The first warning.
        said: Option<String>,
    },
    /// What is in the database is not what was backed up.
    #[error("the restored data differs from the backup: {}; do not use it", differences.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Differs {
        /// How.
        differences: Vec<Difference>,
    },
    /// Something local: encryption, memory, a thread.
    #[error("it failed here while {doing}")]
    Local {
        /// What was being done.
        doing: String,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
}

/// Why a manifest is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// It was changed, or was not written by the shop, or is sealed with another key.
    #[error("its seal does not fit: it was changed, or sealed with another key")]
    Seal,
    /// It stands under another backup's name.
    #[error("it is the manifest of {0}")]
    Id(String),
    /// A newer program wrote it.
    #[error("its format is {0}, and this program reads 1; use a newer one")]
    Format(u32),
    /// It cannot be read although its seal fits.
    #[error("it cannot be read")]
    Syntax(#[from] serde_json::Error),
}

/// What is wrong with an object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// It is not there.
    #[error("it is missing")]
    Missing,
    /// It was cut, or something was added.
    #[error("it has {found} bytes instead of {expected}")]
    Length {
        /// According to the manifest.
        expected: u64,
        /// As it is.
        found: u64,
    },
    /// Other bytes.
    #[error("its SHA-256 is {found} instead of {expected}")]
    Changed {
        /// According to the manifest.
        expected: Hash,
        /// As it is.
        found: Hash,
    },
    /// It is encrypted for others.
    #[error("this key does not open it ({0})")]
    Locked(String),
    /// It cannot be decrypted or decompressed although its hash fits.
    #[error("it cannot be read ({0})")]
    Unreadable(String),
    /// What is in it has another hash.
    #[error("the SHA-256 of its contents is {found} instead of {expected}")]
    Content {
        /// According to the manifest.
        expected: Hash,
        /// As it is.
        found: Hash,
    },
    /// Another number of rows.
    #[error("it has {found} rows instead of {expected}")]
    Rows {
        /// According to the manifest.
        expected: u64,
        /// As it is.
        found: u64,
    },
}

/// What is wrong with which object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The object.
    pub key: String,
    /// What is wrong with it.
    pub damage: Damage,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}: {}", self.key, self.damage)
    }
}

/// How a restored database differs from its backup.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Difference {
    /// Another number of rows.
    #[error("{table} has {found} rows instead of {expected}")]
    Rows {
        /// The table.
        table: String,
        /// In the backup.
        expected: u64,
        /// In the database.
        found: u64,
    },
    /// Other values.
    #[error("{table} has other values (checksum {found} instead of {expected})")]
    Sum {
        /// The table.
        table: String,
        /// In the backup.
        expected: u64,
        /// In the database.
        found: u64,
    },
    /// Another definition.
    #[error("{what} is defined differently")]
    Definition {
        /// The table, view or the like.
        what: String,
    },
}

impl Error {
    pub(crate) fn server(doing: impl Into<String>) -> impl FnOnce(mysql_async::Error) -> Self {
        let doing = doing.into();
        |source| Self::Server { doing, source }
    }

    pub(crate) fn local(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        |source| Self::Local { doing, source }
    }

    pub(crate) fn store(key: impl Into<String>) -> impl FnOnce(StoreError) -> Self {
        let key = key.into();
        |source| Self::Store { key, source }
    }
}

fn list(findings: &[Finding]) -> String {
    const NAMED: usize = 5;
    let mut named: Vec<String> = findings.iter().take(NAMED).map(ToString::to_string).collect();
    if findings.len() > NAMED {
        named.push(format!("and {} more", findings.len() - NAMED));
    }
    named.join("; ")
}

/// What to do about an error of the server that has a known cure.
fn next_step(error: &mysql_async::Error) -> &'static str {
    let mysql_async::Error::Server(said) = error else { return "" };
    match said.code {
        // ER_BINLOG_CREATE_ROUTINE_NEED_SUPER
        1419 => "; set its parameter log_bin_trust_function_creators to 1 and go on",
        // ER_NET_PACKET_TOO_LARGE
        1153 => "; raise its parameter max_allowed_packet",
        // ER_TABLE_DEF_CHANGED
        1412 => ": a definition was changed meanwhile; make the backup again when no migration runs",
        _ => "",
    }
}
