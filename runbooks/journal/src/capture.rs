//! Rows as they are, in a form that outlives the database they are in.

use serde_json::{Map, Value};
use sqlx::mysql::MySqlRow;
use sqlx::{AssertSqlSafe, Column as _, MySqlConnection, Row as _, TypeInfo as _, ValueRef as _};
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

use crate::{Change, Table};

/// Why rows could not be captured.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The database failed.
    #[error("reading what changed failed")]
    Database(#[from] sqlx::Error),
    /// A row that was said to have changed is not there.
    #[error("{table} {id} was said to have changed and is not there")]
    Missing {
        /// Its table.
        table: &'static str,
        /// Its key.
        id: Uuid,
    },
    /// A column of a kind that the journal has no form for.
    #[error("column {column} of {table} is of type {kind}, which the journal has no form for")]
    Kind {
        /// The table.
        table: &'static str,
        /// The column.
        column: String,
        /// Its type, as the server calls it.
        kind: String,
    },
}

/// These rows of a table as they are now, in the order of their keys. Within the transaction that changed them they
/// cannot change meanwhile.
///
/// # Errors
/// When the database fails, or a row is not there.
pub async fn capture(
    connection: &mut MySqlConnection,
    table: &'static Table,
    ids: &[Uuid],
) -> Result<Vec<Change>, CaptureError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let marks = vec!["?"; ids.len()].join(", ");
    let Table { name, key } = table;
    // Names of ours alone.
    let query = AssertSqlSafe(format!("SELECT * FROM {name} WHERE {key} IN ({marks}) ORDER BY {key}"));
    let mut query = sqlx::query(query);
    for id in ids {
        query = query.bind(*id);
    }
    let rows = query.fetch_all(connection).await?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in &rows {
        changes.push(Change { table: (*name).to_owned(), row: read(table, row)? });
    }
    if changes.len() < ids.len() {
        let there = |id: &str| changes.iter().any(|change| change.row[*key] == id);
        let id = ids.iter().find(|id| !there(&id.to_string())).copied().unwrap_or_default();
        return Err(CaptureError::Missing { table: name, id });
    }
    Ok(changes)
}

/// Whether a column holds an id, which is BINARY(16). So the columns of journaled tables are named.
pub(crate) fn is_id(column: &str) -> bool {
    column == "id" || column.ends_with("_id")
}

fn read(table: &'static Table, row: &MySqlRow) -> Result<Map<String, Value>, CaptureError> {
    let mut image = Map::new();
    for (index, column) in row.columns().iter().enumerate() {
        let kind = column.type_info().name();
        let value = if row.try_get_raw(index)?.is_null() {
            Value::Null
        } else {
            match kind {
                "BINARY" if is_id(column.name()) => row.try_get::<Uuid, _>(index)?.to_string().into(),
                // Text whose collation is binary is told with these names too.
                "CHAR" | "VARCHAR" | "TEXT" | "MEDIUMTEXT" | "LONGTEXT" | "BINARY" | "VARBINARY" | "BLOB"
                | "MEDIUMBLOB" | "LONGBLOB" => row.try_get_unchecked::<String, _>(index)?.into(),
                "TINYINT" | "SMALLINT" | "INT" | "BIGINT" => row.try_get::<i64, _>(index)?.into(),
                "BOOLEAN" => i64::from(row.try_get::<bool, _>(index)?).into(),
                "DATETIME" => {
                    let time = row.try_get::<time::PrimitiveDateTime, _>(index)?.assume_utc();
                    time.format(&Rfc3339).map_err(|error| sqlx::Error::Decode(error.into()))?.into()
                }
                other => {
                    let (column, kind) = (column.name().to_owned(), other.to_owned());
                    return Err(CaptureError::Kind { table: table.name, column, kind });
                }
            }
        };
        image.insert(column.name().to_owned(), value);
    }
    Ok(image)
}
