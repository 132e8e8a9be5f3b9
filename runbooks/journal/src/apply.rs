//! One event into one database, in one transaction.

use std::collections::{HashMap, HashSet};

use serde_json::Value;
use sqlx::{
    AssertSqlSafe, Connection as _, MySql, MySqlConnection, Row as _,
    mysql::{MySqlArguments, MySqlDatabaseError},
    query::Query,
};
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::well_known::Rfc3339};
use uuid::Uuid;

use crate::{Change, Event, Key, Table, capture::is_id, table};

/// What the server says when a unique key has a value already.
const DUPLICATE_ENTRY: u16 = 1062;

/// The types of all columns, by table and name.
pub(crate) type Columns = HashMap<String, HashMap<String, String>>;

/// What became of an event.
pub(crate) enum Applied {
    New { rows: u64, outdated: u64 },
    Known,
}

/// Why an event cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// It changes a table that is not there or not journaled.
    #[error("there is no table {0} for it: is the schema older than the event?")]
    Table(String),
    /// It has a column that is not there.
    #[error("{table} has no column {column}: is the schema older than the event?")]
    Column {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
    },
    /// It has no key or no version.
    #[error("a row of {0} has no key or no version")]
    Nameless(&'static str),
    /// A value is not what its column holds.
    #[error("column {column} of {table} cannot hold what the event has for it")]
    Value {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
    },
    /// Another row has what must be unique.
    #[error("another row of {table} has what must be unique")]
    Collision {
        /// The table.
        table: &'static str,
        /// What the server said.
        #[source]
        source: sqlx::Error,
    },
}

/// Reads what columns there are.
pub(crate) async fn columns(connection: &mut MySqlConnection) -> Result<Columns, sqlx::Error> {
    let query = "SELECT table_name, column_name, CAST(data_type AS CHAR(64))
         FROM information_schema.columns WHERE table_schema = DATABASE()";
    let rows: Vec<(String, String, String)> = sqlx::query_as(query).fetch_all(connection).await?;
    let mut columns = Columns::new();
    for (table, column, kind) in rows {
        columns.entry(table).or_default().insert(column, kind);
    }
    Ok(columns)
}

/// Which of these events are in the outbox.
pub(crate) async fn known(
    connection: &mut MySqlConnection,
    ids: impl ExactSizeIterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    if ids.len() == 0 {
        return Ok(HashSet::new());
    }
    let marks = vec!["?"; ids.len()].join(", ");
    let query = AssertSqlSafe(format!("SELECT event_id FROM outbox WHERE event_id IN ({marks})"));
    let mut query = sqlx::query_scalar(query);
    for id in ids {
        query = query.bind(id);
    }
    Ok(query.fetch_all(connection).await?.into_iter().collect())
}

/// Writes an event's row of the outbox and those of its rows that are newer than the database's.
pub(crate) async fn apply(
    connection: &mut MySqlConnection,
    columns: &Columns,
    key: Key,
    event: &Event,
    text: &str,
) -> Result<Applied, ApplyError> {
    // Dropped on any way out but the last, it is rolled back.
    let mut transaction = connection.begin().await?;
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let noted = sqlx::query(
        "INSERT INTO outbox (event_id, kind, body, created_at, journal_epoch, journal_seq) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(event.id)
    .bind(&event.kind)
    .bind(text)
    .bind(in_utc(event.at))
    .bind(number(key.epoch))
    .bind(number(key.seq))
    .execute(&mut *transaction)
    .await;
    match noted {
        Err(error) if is_duplicate(&error) => return Ok(Applied::Known),
        other => other?,
    };
    let mut newer = Vec::with_capacity(event.changes.len());
    for change in &event.changes {
        let table = table(&change.table).ok_or_else(|| ApplyError::Table(change.table.clone()))?;
        let columns = columns.get(table.name).ok_or_else(|| ApplyError::Table(change.table.clone()))?;
        let row = Image { table, columns, change };
        let (Some(_), Some(version)) = (change.row.get(table.key), change.row.get("version").and_then(Value::as_i64))
        else {
            return Err(ApplyError::Nameless(table.name));
        };
        let stored = row.stored_version()?.fetch_optional(&mut *transaction).await?;
        let stored: Option<i64> = stored.map(|stored| stored.try_get(0)).transpose()?;
        if stored.is_none_or(|stored| version > stored) {
            newer.push(row);
        }
    }
    // All are taken out before any is put in: rows of one event may have exchanged what must be unique. Nothing else
    // goes with them, for foreign keys are not looked at.
    for row in &newer {
        row.delete()?.execute(&mut *transaction).await?;
    }
    for row in &newer {
        let inserted = row.insert()?.execute(&mut *transaction).await;
        inserted.map_err(|source| match is_duplicate(&source) {
            true => ApplyError::Collision { table: row.table.name, source },
            false => source.into(),
        })?;
    }
    transaction.commit().await?;
    let rows = newer.len() as u64;
    Ok(Applied::New { rows, outdated: event.changes.len() as u64 - rows })
}

/// A row to write.
struct Image<'a> {
    table: &'static Table,
    columns: &'a HashMap<String, String>,
    change: &'a Change,
}

type Statement = Query<'static, MySql, MySqlArguments>;

impl Image<'_> {
    fn stored_version(&self) -> Result<Statement, ApplyError> {
        let Table { name, key } = self.table;
        let query = sqlx::query(AssertSqlSafe(format!("SELECT version FROM {name} WHERE {key} = ? FOR UPDATE")));
        self.bind(query, key, &self.change.row[*key])
    }

    fn delete(&self) -> Result<Statement, ApplyError> {
        let Table { name, key } = self.table;
        let query = sqlx::query(AssertSqlSafe(format!("DELETE FROM {name} WHERE {key} = ?")));
        self.bind(query, key, &self.change.row[*key])
    }

    fn insert(&self) -> Result<Statement, ApplyError> {
        let Table { name, .. } = self.table;
        // Only names that the database has get into the statement.
        let names: Vec<&str> = self.change.row.keys().map(String::as_str).collect();
        if let Some(unknown) = names.iter().find(|column| !self.columns.contains_key(**column)) {
            return Err(ApplyError::Column { table: name, column: (*unknown).to_owned() });
        }
        let (list, marks) = (names.join(", "), vec!["?"; names.len()].join(", "));
        let mut query = sqlx::query(AssertSqlSafe(format!("INSERT INTO {name} ({list}) VALUES ({marks})")));
        for (column, value) in &self.change.row {
            query = self.bind(query, column, value)?;
        }
        Ok(query)
    }

    /// The reverse of what [`capture`](crate::capture) does.
    fn bind(&self, query: Statement, column: &str, value: &Value) -> Result<Statement, ApplyError> {
        let refused = || ApplyError::Value { table: self.table.name, column: column.to_owned() };
        let is_time = self.columns.get(column).is_some_and(|kind| kind.eq_ignore_ascii_case("datetime"));
        Ok(match value {
            Value::Null => query.bind(None::<String>),
            Value::Number(number) => query.bind(number.as_i64().ok_or_else(refused)?),
            Value::String(text) if is_id(column) => query.bind(Uuid::parse_str(text).map_err(|_| refused())?),
            Value::String(text) if is_time => {
                query.bind(in_utc(OffsetDateTime::parse(text, &Rfc3339).map_err(|_| refused())?))
            }
            Value::String(text) => query.bind(text.clone()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => return Err(refused()),
        })
    }
}

fn in_utc(time: OffsetDateTime) -> PrimitiveDateTime {
    let time = time.to_offset(UtcOffset::UTC);
    PrimitiveDateTime::new(time.date(), time.time())
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    let refused = error.as_database_error().and_then(|refused| refused.try_downcast_ref::<MySqlDatabaseError>());
    refused.is_some_and(|refused| refused.number() == DUPLICATE_ENTRY)
}
