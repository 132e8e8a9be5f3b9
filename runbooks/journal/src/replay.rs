//! Events become rows again: what a restored database lacks is applied to it, what it has is left alone.

use std::collections::HashMap;

use futures::{StreamExt, stream};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    Event, Key, Source, SourceError,
    apply::{self, Applied, ApplyError, Columns},
    chain::{Broken, Chain},
    upcast::{UPCASTS, Upcast, upcast},
};

/// How many objects are fetched at once.
const AHEAD: usize = 16;

/// What visitors are shown of products.
const SHOWCASE: &str = "showcase";

/// How to replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReplayOptions {
    /// The first epoch to read. All that is older must be in the database.
    pub from: u64,
    /// Go on where objects are missing, which are named in the report.
    pub accept_gaps: bool,
}

/// What a replay did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Objects read.
    pub objects: u64,
    /// Events in them, the same one perhaps more than once.
    pub read: u64,
    /// Events that the database did not have.
    pub new: u64,
    /// Events that it had.
    pub skipped: u64,
    /// Events that had to wait for a later one, since another row still had a name of theirs.
    pub deferred: u64,
    /// Rows written.
    pub rows: u64,
    /// Rows that were newer in the database than in the event.
    pub outdated: u64,
    /// The objects that were missing.
    pub gaps: Vec<Key>,
    /// The last epoch read.
    pub last_epoch: Option<u64>,
}

/// Why a replay ended early. What was applied stays, and it can be done again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The journal cannot be read.
    #[error("the journal cannot be read at {key}")]
    Source {
        /// Where.
        key: Key,
        /// Why.
        #[source]
        source: SourceError,
    },
    /// The journal is not whole.
    #[error("the journal is not whole")]
    Broken(#[from] Broken),
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// An event does not fit the database.
    #[error("event {event} of object {key} cannot be applied")]
    Event {
        /// Where it is.
        key: Key,
        /// Its id.
        event: Uuid,
        /// Why.
        #[source]
        source: ApplyError,
    },
    /// Rows refer to rows that are not there.
    #[error("{count} rows of {table} refer by {constraint} to rows that are not there")]
    Orphans {
        /// The table that refers.
        table: String,
        /// Its foreign key.
        constraint: String,
        /// How many rows.
        count: i64,
    },
}

/// Applies all that is in the journal and not in this database, whose schema must be the newest. Nobody else may change
/// the database meanwhile. Doing it again changes nothing.
///
/// # Errors
/// At the first thing that is not as it should be.
pub async fn replay(
    connection: &mut MySqlConnection,
    source: &impl Source,
    options: ReplayOptions,
) -> Result<Report, ReplayError> {
    replay_with(connection, source, options, UPCASTS).await
}

/// [`replay`] with other upcasts than this program's.
///
/// # Errors
/// As [`replay`].
pub async fn replay_with(
    connection: &mut MySqlConnection,
    source: &impl Source,
    options: ReplayOptions,
    upcasts: &[(u32, Upcast)],
) -> Result<Report, ReplayError> {
    // Events are applied in the order they were journaled, which need not be the order of parents and children.
    sqlx::query("SET SESSION foreign_key_checks = 0").execute(&mut *connection).await?;
    let result = Replay::new(&mut *connection, upcasts).await?.run(source, options).await;
    sqlx::query("SET SESSION foreign_key_checks = 1").execute(&mut *connection).await?;
    let report = result?;
    no_orphans(connection).await?;
    Ok(report)
}

struct Replay<'a> {
    connection: &'a mut MySqlConnection,
    columns: Columns,
    upcasts: &'a [(u32, Upcast)],
    report: Report,
    deferred: Vec<Deferred>,
}

/// An event that met a row which a later event changes.
struct Deferred {
    key: Key,
    event: Event,
    text: String,
    source: ApplyError,
}

impl<'a> Replay<'a> {
    async fn new(connection: &'a mut MySqlConnection, upcasts: &'a [(u32, Upcast)]) -> Result<Self, ReplayError> {
        let columns = apply::columns(connection).await?;
        Ok(Self { connection, columns, upcasts, report: Report::default(), deferred: Vec::new() })
    }

    async fn run(mut self, source: &impl Source, options: ReplayOptions) -> Result<Report, ReplayError> {
        let first = Key { epoch: options.from, seq: 0 };
        let keys = source.keys(first).await.map_err(|source| ReplayError::Source { key: first, source })?;
        let mut objects = stream::iter(keys).map(|key| async move { (key, source.get(key).await) }).buffered(AHEAD);
        let mut chain = Chain::default();
        if self.columns.contains_key(SHOWCASE) {
            // Made of other tables, and so not in the journal: the API makes it anew.
            sqlx::query("UPDATE showcase SET format = 0").execute(&mut *self.connection).await?;
        }
        while let Some((key, bytes)) = objects.next().await {
            let bytes = bytes.map_err(|source| ReplayError::Source { key, source })?;
            let object = match chain.accept(key, &bytes) {
                Err(Broken::Gap(missing)) if options.accept_gaps => {
                    self.report.gaps.push(missing);
                    chain.resume(key, &bytes)?
                }
                other => other?,
            };
            self.report.objects += 1;
            self.report.last_epoch = Some(key.epoch);
            self.object(key, object.events).await?;
        }
        self.deferred().await?;
        if let Some(epoch) = self.report.last_epoch {
            // The next process takes an epoch that nobody had.
            let epoch = i64::try_from(epoch).unwrap_or(i64::MAX);
            let query = sqlx::query("UPDATE journal_state SET epoch = GREATEST(epoch, ?)").bind(epoch);
            query.execute(&mut *self.connection).await?;
        }
        Ok(self.report)
    }

    async fn object(&mut self, key: Key, events: Vec<(Event, String)>) -> Result<(), ReplayError> {
        let known = apply::known(self.connection, events.iter().map(|(event, _)| event.id)).await?;
        for (mut event, text) in events {
            self.report.read += 1;
            if known.contains(&event.id) {
                self.report.skipped += 1;
                continue;
            }
            for change in &mut event.changes {
                upcast(change, event.schema, self.upcasts);
            }
            self.event(key, event, text).await?;
        }
        Ok(())
    }

    async fn event(&mut self, key: Key, event: Event, text: String) -> Result<(), ReplayError> {
        match apply::apply(self.connection, &self.columns, key, &event, &text).await {
            Ok(applied) => self.count(applied),
            Err(source @ ApplyError::Collision { .. }) => {
                self.deferred.push(Deferred { key, event, text, source });
            }
            Err(ApplyError::Database(source)) => return Err(ReplayError::Database(source)),
            Err(source) => return Err(ReplayError::Event { key, event: event.id, source }),
        }
        Ok(())
    }

    /// As long as one more finds its place, there is hope for the others.
    async fn deferred(&mut self) -> Result<(), ReplayError> {
        self.report.deferred = self.deferred.len() as u64;
        loop {
            let waiting = std::mem::take(&mut self.deferred);
            let before = waiting.len();
            for Deferred { key, event, text, .. } in waiting {
                self.event(key, event, text).await?;
            }
            if self.deferred.len() == before {
                break;
            }
        }
        match self.deferred.pop() {
            Some(Deferred { key, event, source, .. }) => Err(ReplayError::Event { key, event: event.id, source }),
            None => Ok(()),
        }
    }

    fn count(&mut self, applied: Applied) {
        match applied {
            Applied::New { rows, outdated } => {
                self.report.new += 1;
                self.report.rows += rows;
                self.report.outdated += outdated;
            }
            Applied::Known => self.report.skipped += 1,
        }
    }
}

/// Every foreign key holds, although none was looked at meanwhile.
async fn no_orphans(connection: &mut MySqlConnection) -> Result<(), ReplayError> {
    let query = "SELECT constraint_name, table_name, column_name, referenced_table_name, referenced_column_name
         FROM information_schema.key_column_usage
         WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL
         ORDER BY table_name, constraint_name, ordinal_position";
    let keys: Vec<[String; 5]> = {
        type Row = (String, String, String, String, String);
        let rows: Vec<Row> = sqlx::query_as(query).fetch_all(&mut *connection).await?;
        rows.into_iter().map(|(a, b, c, d, e)| [a, b, c, d, e]).collect()
    };
    type Pairs = Vec<(String, String)>;
    let mut constraints: HashMap<(String, String), (String, Pairs)> = HashMap::new();
    for [constraint, table, column, parent, parent_column] in keys {
        let (_, pairs) = constraints.entry((table, constraint)).or_insert_with(|| (parent, Vec::new()));
        pairs.push((column, parent_column));
    }
    for ((table, constraint), (parent, pairs)) in constraints {
        let all = |make: &dyn Fn(&(String, String)) -> String| pairs.iter().map(make).collect::<Vec<_>>().join(" AND ");
        let matches = all(&|(own, other)| format!("parent.{other} = child.{own}"));
        let refers = all(&|(own, _)| format!("child.{own} IS NOT NULL"));
        let query = sqlx::AssertSqlSafe(format!(
            "SELECT COUNT(*) FROM {table} child
             WHERE {refers} AND NOT EXISTS (SELECT 1 FROM {parent} parent WHERE {matches})"
        ));
        let count: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await?;
        if count > 0 {
            return Err(ReplayError::Orphans { table, constraint, count });
        }
    }
    Ok(())
}
