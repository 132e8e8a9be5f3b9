//! The migrator's own two tables: which migrations are complete, and how far the unfinished one got.
//!
//! All SQL about them is here. Statement texts are kept next to their hashes so that a later edit can be shown as a
//! difference and not only as two unequal numbers.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use crate::{
    embedded::Migration,
    error::{Error, server_code},
    statement::Statement,
};

const NO_SUCH_TABLE: u16 = 1146;

const TABLES: [&str; 2] = [
    "CREATE TABLE IF NOT EXISTS schema_migrations (
        version     INT UNSIGNED NOT NULL,
        name        VARCHAR(200) NOT NULL,
        statements  INT UNSIGNED NOT NULL,
        started_at  DATETIME(6)  NOT NULL,
        finished_at DATETIME(6)  NULL,
        PRIMARY KEY (version)
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci",
    "CREATE TABLE IF NOT EXISTS schema_migration_statements (
        version  INT UNSIGNED NOT NULL,
        ordinal  INT UNSIGNED NOT NULL,
        hash     CHAR(64)     NOT NULL,
        body     MEDIUMTEXT   NOT NULL,
        state    VARCHAR(8)   NOT NULL,
        error    TEXT         NULL,
        sent_at  DATETIME(6)  NOT NULL,
        done_at  DATETIME(6)  NULL,
        fingerprint CHAR(64)  NULL,
        PRIMARY KEY (version, ordinal),
        CONSTRAINT schema_migration_statements_state CHECK (state IN ('sent', 'failed', 'done'))
    ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_ci",
];

/// Databases that were migrated before statements had one.
const FINGERPRINT: &str = "ALTER TABLE schema_migration_statements ADD COLUMN fingerprint CHAR(64) NULL";
const DUPLICATE_COLUMN: u16 = 1060;

/// The highest migration that is complete in this database; `None` when none is, or the migrator never ran there.
///
/// Never writes.
pub async fn applied_version(conn: &mut MySqlConnection) -> Result<Option<u32>, Error> {
    let query = "SELECT version FROM schema_migrations WHERE finished_at IS NOT NULL ORDER BY version DESC LIMIT 1";
    match sqlx::query_scalar(query).fetch_optional(conn).await {
        Err(error) if server_code(&error) == Some(NO_SUCH_TABLE) => Ok(None),
        other => other.map_err(Error::history("read the schema version")),
    }
}

/// All that was recorded, by version.
#[derive(Debug, Clone, Default)]
pub(crate) struct History(pub(crate) BTreeMap<u32, Recorded>);

/// One migration as recorded.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recorded {
    pub(crate) name: String,
    /// RFC 3339, UTC; `None` while it is unfinished.
    pub(crate) finished_at: Option<String>,
    /// In order of their ordinals, without gaps.
    pub(crate) statements: Vec<RecordedStatement>,
}

/// One statement as recorded.
#[derive(Debug, Clone)]
pub(crate) struct RecordedStatement {
    pub(crate) hash: String,
    pub(crate) body: String,
    pub(crate) state: StatementState,
    /// Of the tables it changes, before it was sent.
    pub(crate) fingerprint: Option<String>,
}

/// How far a statement got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StatementState {
    /// Sent to the server, outcome not yet noted. Seen by a later run, it means that the earlier one died.
    Sent,
    /// The server refused it.
    Failed,
    /// The server did it.
    Done,
}

impl StatementState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Done => "done",
        }
    }
}

pub(crate) async fn read(conn: &mut MySqlConnection) -> Result<History, Error> {
    match read_tables(conn).await {
        Err(error) if server_code(&error) == Some(NO_SUCH_TABLE) => Ok(History::default()),
        other => other.map_err(Error::history("read the migration history")),
    }
}

async fn read_tables(conn: &mut MySqlConnection) -> Result<History, sqlx::Error> {
    let mut history = History::default();
    let migrations = "SELECT version, name, DATE_FORMAT(finished_at, '%Y-%m-%dT%H:%i:%sZ') AS finished
        FROM schema_migrations ORDER BY version";
    for row in sqlx::query(migrations).fetch_all(&mut *conn).await? {
        let recorded =
            Recorded { name: row.try_get("name")?, finished_at: row.try_get("finished")?, statements: Vec::new() };
        history.0.insert(row.try_get("version")?, recorded);
    }
    // All columns: an older database has no fingerprints, and reading must not add them.
    let statements = "SELECT * FROM schema_migration_statements ORDER BY version, ordinal";
    for row in sqlx::query(statements).fetch_all(&mut *conn).await? {
        let state = match row.try_get::<String, _>("state")?.as_str() {
            "done" => StatementState::Done,
            "failed" => StatementState::Failed,
            _ => StatementState::Sent,
        };
        let fingerprint = row.try_get("fingerprint").unwrap_or_default();
        let statement =
            RecordedStatement { hash: row.try_get("hash")?, body: row.try_get("body")?, state, fingerprint };
        let version: u32 = row.try_get("version")?;
        if let Some(recorded) = history.0.get_mut(&version) {
            recorded.statements.push(statement);
        }
    }
    Ok(history)
}

pub(crate) async fn create_tables(conn: &mut MySqlConnection) -> Result<(), Error> {
    for table in TABLES {
        sqlx::raw_sql(table).execute(&mut *conn).await.map_err(Error::history("create the migration tables"))?;
    }
    let columns = "SHOW COLUMNS FROM schema_migration_statements LIKE 'fingerprint'";
    let known = sqlx::raw_sql(columns).fetch_optional(&mut *conn).await;
    if known.map_err(Error::history("look at the migration tables"))?.is_none() {
        match sqlx::raw_sql(FINGERPRINT).execute(conn).await {
            Err(error) if server_code(&error) == Some(DUPLICATE_COLUMN) => {}
            other => {
                other.map_err(Error::history("extend the migration tables"))?;
            }
        }
    }
    Ok(())
}

pub(crate) async fn start(conn: &mut MySqlConnection, migration: &Migration, statements: u32) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO schema_migrations (version, name, statements, started_at) VALUES (?, ?, ?, UTC_TIMESTAMP(6))
         ON DUPLICATE KEY UPDATE name = ?, statements = ?",
    )
    .bind(migration.version)
    .bind(migration.name.as_ref())
    .bind(statements)
    .bind(migration.name.as_ref())
    .bind(statements)
    .execute(conn)
    .await
    .map_err(Error::history("record the start of a migration"))?;
    Ok(())
}

pub(crate) async fn finish(conn: &mut MySqlConnection, version: u32) -> Result<(), Error> {
    sqlx::query("UPDATE schema_migrations SET finished_at = UTC_TIMESTAMP(6) WHERE version = ?")
        .bind(version)
        .execute(conn)
        .await
        .map_err(Error::history("record the end of a migration"))?;
    Ok(())
}

/// Where a statement stands: the migration's version, and which of its statements, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) version: u32,
    pub(crate) ordinal: u32,
}

/// What is to be noted about a statement.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Note<'a> {
    /// It is about to be sent; what its tables are like now, where that can be told.
    Sent {
        fingerprint: Option<&'a str>,
    },
    /// The server refused it, with these words.
    Failed {
        error: &'a str,
    },
    Done,
}

/// Records how far a statement got.
pub(crate) async fn record(
    conn: &mut MySqlConnection,
    place: Place,
    statement: &Statement,
    note: Note<'_>,
) -> Result<(), sqlx::Error> {
    let (state, error, fingerprint) = match note {
        Note::Sent { fingerprint } => (StatementState::Sent, None, fingerprint),
        Note::Failed { error } => (StatementState::Failed, Some(error), None),
        Note::Done => (StatementState::Done, None, None),
    };
    let done_at = if state == StatementState::Done { "UTC_TIMESTAMP(6)" } else { "NULL" };
    let query = format!(
        "INSERT INTO schema_migration_statements
             (version, ordinal, hash, body, state, error, fingerprint, sent_at, done_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, UTC_TIMESTAMP(6), {done_at})
         ON DUPLICATE KEY UPDATE hash = ?, body = ?, state = ?, error = ?, fingerprint = ?, done_at = {done_at}"
    );
    let hash = statement.hash();
    let mut query = sqlx::query(AssertSqlSafe(query)).bind(place.version).bind(place.ordinal);
    for _ in ["insert", "update"] {
        query = query.bind(&hash).bind(&statement.sql).bind(state.as_str()).bind(error).bind(fingerprint);
    }
    query.execute(conn).await.map(drop)
}

/// Takes the file's text for what was applied.
pub(crate) async fn accept(conn: &mut MySqlConnection, place: Place, statement: &Statement) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE schema_migration_statements SET hash = ?, body = ? WHERE version = ? AND ordinal = ?")
        .bind(statement.hash())
        .bind(&statement.sql)
        .bind(place.version)
        .bind(place.ordinal)
        .execute(conn)
        .await
        .map(drop)
}

/// Forgets that a statement was sent or applied.
pub(crate) async fn forget(conn: &mut MySqlConnection, place: Place) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM schema_migration_statements WHERE version = ? AND ordinal = ?")
        .bind(place.version)
        .bind(place.ordinal)
        .execute(conn)
        .await
        .map(drop)
}
