//! Tries what is pending on an empty copy of the schema: what the server would refuse is refused before anything is
//! changed, and each `ALTER` is asked which algorithm and lock it will take.
//!
//! The copy is a schema of its own, made of the tables' definitions and gone when the rehearsal ends. Which algorithm
//! the server accepts depends on definitions and not on rows, so an empty table answers for a full one. (One exception:
//! a table that changed instantly very often must be rebuilt once; then the server takes the next best way by itself.)
//! Statements that change rows are not tried: without the rows they would prove nothing.

use std::{collections::HashMap, time::Duration};

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use crate::{
    error::{Error, server_code},
    forecast::{Forecast, Method},
    lock::{Lock, Purpose},
    plan::{Plan, Step},
    scratch::Scratch,
    shape::{Reading, Shape},
    statement::Statement,
};

/// The server's numbers for "may not": on a schema, on a table, for want of a privilege.
const DENIED: [u16; 3] = [1044, 1142, 1227];

/// Another rehearsal is over within this.
const ANOTHER: Duration = Duration::from_secs(60);

/// Says how each pending statement will be done. Changes nothing but its own scratch schema.
pub(crate) async fn rehearse(conn: &mut MySqlConnection, plan: &Plan<'_>) -> Result<Vec<Forecast>, Error> {
    let tables = tables(conn).await.map_err(Error::history("list the tables"))?;
    let touches =
        |statement: &Statement| Reading::of(statement).tables().iter().any(|table| tables.contains_key(*table));
    let needed = plan.pending().any(|step| step.remaining().any(|(_, statement)| touches(statement)));
    if !needed {
        return Ok(all(plan, &tables, |_| Method::New));
    }
    let lock = Lock::acquire(conn, Purpose::Rehearse, ANOTHER, |_| {}).await?;
    let answer = match Scratch::make(conn, &scratch_name(lock.database()), tables.keys()).await {
        Ok(scratch) => {
            let tried = on_scratch(conn, plan, &tables).await;
            scratch.leave(conn).await?;
            tried
        }
        Err(Error::History { source, .. }) if server_code(&source).is_some_and(|code| DENIED.contains(&code)) => {
            let reason = "this user of the database may not make a schema to try it in";
            Ok(all(plan, &tables, |_| Method::Unknown { reason: reason.to_owned() }))
        }
        Err(error) => Err(error),
    };
    lock.release(conn).await;
    answer
}

/// Every table of the schema with the server's estimate of its rows.
async fn tables(conn: &mut MySqlConnection) -> Result<HashMap<String, u64>, sqlx::Error> {
    let query = "SELECT CAST(table_name AS CHAR) AS name, CAST(COALESCE(table_rows, 0) AS UNSIGNED) AS estimate
        FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE'";
    let rows = sqlx::query(query).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("estimate")?))).collect()
}

fn scratch_name(database: &str) -> String {
    format!("jewel_rehearsal_{}", &hex::encode(Sha256::digest(database))[..16])
}

/// Every pending statement, untried.
pub(crate) fn untried_all(plan: &Plan<'_>, reason: &str) -> Vec<Forecast> {
    all(plan, &HashMap::new(), |_| Method::Unknown { reason: reason.to_owned() })
}

fn all(plan: &Plan<'_>, tables: &HashMap<String, u64>, other: impl Fn(&Statement) -> Method) -> Vec<Forecast> {
    let mut forecasts = Vec::new();
    for step in plan.pending() {
        for (ordinal, statement) in step.remaining() {
            let reading = Reading::of(statement);
            let method = if let Shape::Write { .. } = reading.shape { Method::Rows } else { other(statement) };
            forecasts.push(forecast(step, ordinal, statement, &reading, method, tables));
        }
    }
    forecasts
}

fn forecast(
    step: &Step<'_>,
    ordinal: u32,
    statement: &Statement,
    reading: &Reading,
    method: Method,
    tables: &HashMap<String, u64>,
) -> Forecast {
    Forecast {
        version: step.migration.version,
        name: step.migration.name.to_string(),
        ordinal,
        of: step.count(),
        sql: statement.sql.clone(),
        method,
        rows: reading.tables().first().and_then(|table| tables.get(*table)).copied(),
    }
}

async fn on_scratch(
    conn: &mut MySqlConnection,
    plan: &Plan<'_>,
    tables: &HashMap<String, u64>,
) -> Result<Vec<Forecast>, Error> {
    let mut forecasts = Vec::new();
    // Once a statement was left out, a later one may fail on the copy alone.
    let mut complete = true;
    for step in plan.pending() {
        for (ordinal, statement) in step.remaining() {
            let reading = Reading::of(statement);
            let method = match untried(&reading) {
                Some(method) => {
                    complete &= matches!(method, Method::Rows);
                    method
                }
                None => match attempt(conn, statement, &reading, tables).await {
                    Ok(method) => method,
                    Err(_) if !complete || step.doubt(ordinal).is_some() => {
                        complete = false;
                        Method::Unknown { reason: "what comes before it could not be tried".to_owned() }
                    }
                    Err(source) => return Err(Error::refused_in_rehearsal(step, ordinal, statement, source)),
                },
            };
            forecasts.push(forecast(step, ordinal, statement, &reading, method, tables));
        }
    }
    Ok(forecasts)
}

/// What is not tried, because it says nothing about an empty copy or might reach beyond it.
fn untried(reading: &Reading) -> Option<Method> {
    match reading.shape {
        Shape::Write { .. } => Some(Method::Rows),
        Shape::CreateOther { .. } | Shape::DropOther { .. } | Shape::Nothing | Shape::Other => {
            Some(Method::Unknown { reason: "only statements about tables are".to_owned() })
        }
        _ if reading.names_schema => Some(Method::Unknown { reason: "it names a schema".to_owned() }),
        _ if reading.has_executable => Some(Method::Unknown { reason: "it has words in `/*! */`".to_owned() }),
        _ => None,
    }
}

async fn attempt(
    conn: &mut MySqlConnection,
    statement: &Statement,
    reading: &Reading,
    tables: &HashMap<String, u64>,
) -> Result<Method, sqlx::Error> {
    let is_used = reading.tables().first().is_some_and(|table| tables.contains_key(*table));
    let is_index = matches!(reading.shape, Shape::CreateIndex { .. } | Shape::DropIndex { .. });
    let asks = is_used && !reading.says_how && (is_index || matches!(reading.shape, Shape::AlterTable { .. }));
    if asks {
        for (method, algorithm, lock) in WAYS {
            // `CREATE INDEX` takes its options without commas.
            let comma = if is_index { "" } else { "," };
            let lock = lock.map_or_else(String::new, |lock| format!("{comma} LOCK={lock}"));
            let asked = format!("{}\n{comma} ALGORITHM={algorithm}{lock}", statement.sql);
            if send(conn, asked).await.is_ok() {
                return Ok(method);
            }
        }
    }
    send(conn, statement.sql.clone()).await?;
    Ok(match reading.shape {
        _ if !is_used => Method::New,
        _ if reading.says_how => Method::AsWritten,
        _ => Method::Tried,
    })
}

/// From the best to the worst, which is the order in which the server chooses by itself. `NOCOPY` is MariaDB's; MySQL
/// does not know the word and refuses it.
const WAYS: [(Method, &str, Option<&str>); 6] = [
    (Method::Instant, "INSTANT", None),
    (Method::InPlace { writes_go_on: true }, "NOCOPY", Some("NONE")),
    (Method::InPlace { writes_go_on: true }, "INPLACE", Some("NONE")),
    (Method::InPlace { writes_go_on: false }, "NOCOPY", Some("SHARED")),
    (Method::InPlace { writes_go_on: false }, "INPLACE", Some("SHARED")),
    (Method::Copy, "COPY", Some("SHARED")),
];

async fn send(conn: &mut MySqlConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await.map(drop)
}
