//! What the migrator tells while it works, and what it says at the end.

use serde::Serialize;

use crate::forecast::Forecast;

/// Something that happened during [`up`](crate::up). Durations are in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another session holds the migration lock; waiting for it.
    WaitingForLock {
        /// The holder's connection id on the server, where known.
        holder: Option<u64>,
    },
    /// A migration begins, or goes on where an earlier run stopped.
    MigrationStarted {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// How many statements it has.
        statements: u32,
        /// How many of them an earlier run has already done.
        done_before: u32,
    },
    /// A statement was sent to the server.
    StatementStarted {
        /// The migration's version.
        version: u32,
        /// Which statement, counted from 1.
        ordinal: u32,
        /// How many statements the migration has.
        of: u32,
        /// The beginning of the statement.
        summary: String,
    },
    /// How a pending statement will be done: told for each before the first is sent.
    Foreseen {
        /// The statement and how the server will do it.
        #[serde(flatten)]
        forecast: Forecast,
    },
    /// A statement takes its time; told again and again until it ends.
    StatementProgress {
        /// The migration's version.
        version: u32,
        /// Which statement, counted from 1.
        ordinal: u32,
        /// How many statements the migration has.
        of: u32,
        /// How long it has taken so far.
        elapsed_ms: u64,
        /// What the server is at, in its own words, where it says.
        stage: Option<String>,
        /// How much is done, 0 to 100, where the server says.
        percent: Option<u8>,
        /// How long it will take from here at this pace, where the server says how much is done.
        remaining_ms: Option<u64>,
        /// How many rows it has changed, where the server says.
        rows_changed: Option<u64>,
    },
    /// The server did the statement and its progress is recorded.
    StatementFinished {
        /// The migration's version.
        version: u32,
        /// Which statement, counted from 1.
        ordinal: u32,
        /// How many statements the migration has.
        of: u32,
        /// How long it took.
        elapsed_ms: u64,
        /// The statement had been sent by a run that died before it could note the outcome, and turned out to be done.
        found_done: bool,
    },
    /// A migration is complete.
    MigrationFinished {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// How long it took in this run.
        elapsed_ms: u64,
    },
}

/// What a run of [`up`](crate::up) did, or would do when it was a dry run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The schema version before.
    pub from: Option<u32>,
    /// The schema version after.
    pub to: Option<u32>,
    /// Nothing was written; `applied` is what would be.
    pub dry_run: bool,
    /// The migrations completed, in order.
    pub applied: Vec<AppliedMigration>,
    /// How each statement that was pending would be done (in a dry run), or was foreseen to be.
    pub statements: Vec<Forecast>,
}

/// One migration in a [`Report`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AppliedMigration {
    /// The migration's version.
    pub version: u32,
    /// The migration's name.
    pub name: String,
    /// How many statements this run executed (or would).
    pub statements: u32,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}
