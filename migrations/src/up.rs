//! Applies what is pending, one statement at a time, so that it may be killed anywhere and run again.
//!
//! A statement that takes part in transactions (INSERT, UPDATE, DELETE, REPLACE) is committed together with its progress
//! record: it happens exactly once. Any other commits by itself, so its record is written twice: `sent` before, `done`
//! after. A run that finds `sent` sends the statement again, and takes the server's "is already there" (or "is already
//! gone") for the outcome that the dead run did not live to note. DDL is atomic in all servers we support.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::{
    embedded::{Migration, embedded},
    error::{Error, server_code},
    event::{AppliedMigration, Event, Report},
    history::{self, StatementState},
    lock::Lock,
    plan::{Plan, Step},
    statement::Statement,
};

/// How [`up`] behaves.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// How long to wait for another migrator to finish. Rounded up to whole seconds.
    pub lock_timeout: Duration,
    /// How long a statement may wait for the tables it changes (`lock_wait_timeout`, which is a year by default).
    pub table_timeout: Duration,
    /// Only report what would be applied. Nothing is written and no lock is taken.
    pub dry_run: bool,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self { lock_timeout: Duration::from_secs(30), table_timeout: Duration::from_secs(60), dry_run: false }
    }
}

/// Applies the embedded migrations that are pending.
///
/// The connection must be a dedicated one with its database selected; its session settings are changed.
pub async fn up(
    conn: &mut MySqlConnection,
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    up_with(conn, embedded(), options, on_event).await
}

/// [`up`] for migrations other than the embedded ones.
pub async fn up_with(
    conn: &mut MySqlConnection,
    migrations: &[Migration],
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    if options.dry_run {
        let plan = read_plan(conn, migrations).await?;
        return Ok(foresee(&plan));
    }
    let lock = Lock::acquire(conn, options.lock_timeout, |holder| on_event(Event::WaitingForLock { holder })).await?;
    let result = up_locked(conn, migrations, options, on_event).await;
    lock.release(conn).await;
    result
}

async fn read_plan<'a>(conn: &mut MySqlConnection, migrations: &'a [Migration]) -> Result<Plan<'a>, Error> {
    let plan = Plan::new(migrations, &history::read(conn).await?)?;
    if plan.problems.is_empty() { Ok(plan) } else { Err(Error::Refused { problems: plan.problems }) }
}

fn foresee(plan: &Plan<'_>) -> Report {
    let applied: Vec<AppliedMigration> = plan
        .pending()
        .map(|step| AppliedMigration {
            version: step.migration.version,
            name: step.migration.name.to_owned(),
            statements: count(step.statements.len() - step.done),
            elapsed_ms: 0,
        })
        .collect();
    let to = applied.last().map(|last| last.version).or(plan.applied);
    Report { from: plan.applied, to, dry_run: true, applied }
}

async fn up_locked(
    conn: &mut MySqlConnection,
    migrations: &[Migration],
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let plan = read_plan(conn, migrations).await?;
    let mut report = Report { from: plan.applied, to: plan.applied, ..Report::default() };
    if plan.pending().next().is_none() {
        return Ok(report);
    }
    sqlx::query("SET SESSION lock_wait_timeout = ?")
        .bind(options.table_timeout.as_secs().max(1))
        .execute(&mut *conn)
        .await
        .map_err(Error::history("limit how long statements wait for tables"))?;
    history::create_tables(conn).await?;
    for step in plan.pending() {
        let applied = apply(conn, step, on_event).await?;
        report.to = Some(applied.version);
        report.applied.push(applied);
    }
    Ok(report)
}

async fn apply(
    conn: &mut MySqlConnection,
    step: &Step<'_>,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<AppliedMigration, Error> {
    let (version, name, of) = (step.migration.version, step.migration.name, step.count());
    let begun = Instant::now();
    on_event(Event::MigrationStarted { version, name: name.into(), statements: of, done_before: count(step.done) });
    history::start(conn, step.migration, of).await?;
    for (index, statement) in step.statements.iter().enumerate().skip(step.done) {
        let ordinal = count(index + 1);
        on_event(Event::StatementStarted { version, ordinal, of, summary: statement.summary() });
        let sent = Instant::now();
        let in_doubt = step.in_doubt && index == step.done;
        let found_done =
            execute(conn, version, ordinal, statement, in_doubt).await.map_err(|source| Error::Statement {
                version,
                name: name.to_owned(),
                ordinal,
                of,
                line: statement.line,
                summary: statement.summary(),
                source,
            })?;
        on_event(Event::StatementFinished { version, ordinal, of, elapsed_ms: millis(sent), found_done });
    }
    history::finish(conn, version).await?;
    on_event(Event::MigrationFinished { version, name: name.into(), elapsed_ms: millis(begun) });
    let statements = count(step.statements.len() - step.done);
    Ok(AppliedMigration { version, name: name.to_owned(), statements, elapsed_ms: millis(begun) })
}

/// Executes one statement and records it. True when an earlier run turned out to have done it already.
async fn execute(
    conn: &mut MySqlConnection,
    version: u32,
    ordinal: u32,
    statement: &Statement,
    in_doubt: bool,
) -> Result<bool, sqlx::Error> {
    let outcome = if statement.is_transactional() {
        in_transaction(conn, version, ordinal, statement).await
    } else {
        by_itself(conn, version, ordinal, statement, in_doubt).await
    };
    if let Err(sqlx::Error::Database(error)) = &outcome {
        // The server refused: there is no doubt about this statement, and its text may change.
        let message = error.to_string();
        history::record(conn, version, ordinal, statement, StatementState::Failed, Some(&message)).await?;
    }
    outcome
}

async fn in_transaction(
    conn: &mut MySqlConnection,
    version: u32,
    ordinal: u32,
    statement: &Statement,
) -> Result<bool, sqlx::Error> {
    let mut transaction = conn.begin().await?;
    send(&mut transaction, statement).await?;
    history::record(&mut transaction, version, ordinal, statement, StatementState::Done, None).await?;
    transaction.commit().await?;
    Ok(false)
}

async fn by_itself(
    conn: &mut MySqlConnection,
    version: u32,
    ordinal: u32,
    statement: &Statement,
    in_doubt: bool,
) -> Result<bool, sqlx::Error> {
    history::record(conn, version, ordinal, statement, StatementState::Sent, None).await?;
    let found_done = match send(conn, statement).await {
        Ok(()) => false,
        Err(error) if in_doubt && says_already_done(statement, &error) => true,
        Err(error) => return Err(error),
    };
    history::record(conn, version, ordinal, statement, StatementState::Done, None).await?;
    Ok(found_done)
}

/// Sends a statement by the text protocol, because many DDL statements cannot be prepared.
async fn send(conn: &mut MySqlConnection, statement: &Statement) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(statement.sql.clone())).execute(conn).await.map(drop)
}

/// Whether the server's refusal means that the statement's effect is there already.
///
/// Numbers from the MySQL error reference; MariaDB shares them, but reports a duplicate foreign key as 1005 with the
/// storage engine's number 121.
fn says_already_done(statement: &Statement, error: &sqlx::Error) -> bool {
    let Some(code) = server_code(error) else { return false };
    match statement.verb().as_str() {
        // Database, table, key, routine, trigger exists.
        "CREATE" => matches!(code, 1007 | 1050 | 1061 | 1304 | 1359),
        // Column, key, foreign key, check exists; column or key is not there to drop; check is not there to drop.
        "ALTER" => {
            matches!(code, 1060 | 1061 | 1091 | 1826 | 3821 | 3822)
                || (code == 1005 && error.to_string().contains("errno: 121"))
        }
        // Database, table, key, routine, trigger is not there.
        "DROP" => matches!(code, 1008 | 1051 | 1091 | 1305 | 1360),
        // The old name is not there.
        "RENAME" => code == 1146,
        _ => false,
    }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
