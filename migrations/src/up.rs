//! Applies what is pending, one statement at a time, so that it may be killed anywhere and run again.
//!
//! A statement that takes part in transactions (INSERT, UPDATE, DELETE, REPLACE) is committed together with its progress
//! record: it happens exactly once. Any other commits by itself, so its record is written twice: `sent` before, `done`
//! after. A run that finds `sent` compares the statement's tables with what they were before it was sent: when they
//! changed, it had happened, and else it is sent again. DDL is atomic in all servers we support.
//!
//! Before the first statement, what is pending is linted and rehearsed on an empty copy of the schema: what can be
//! refused is refused while nothing is changed yet.

use std::time::{Duration, Instant};

use sqlx::MySqlConnection;

use crate::{
    embedded::{Migration, embedded},
    error::Error,
    event::{AppliedMigration, Event, Report},
    execute::Execution,
    forecast::Forecast,
    history::{self, Place},
    lint::lint,
    lock::{Lock, Purpose},
    plan::{Plan, Step},
    rehearsal,
    watch::Watch,
};

/// How [`up`] behaves.
#[derive(Debug, Clone)]
pub struct UpOptions {
    /// How long to wait for another migrator to finish. Rounded up to whole seconds.
    pub lock_timeout: Duration,
    /// How long a statement may wait for the tables it changes (`lock_wait_timeout`, which is a year by default).
    pub table_timeout: Duration,
    /// Only report what would be applied and how. The shop's schema is not written to and no migration lock is taken; a
    /// scratch schema beside it comes and goes.
    pub dry_run: bool,
    /// Try what is pending on an empty copy of the schema first.
    pub rehearse: bool,
    /// How often a statement that takes its time is looked at.
    pub progress_every: Duration,
}

impl Default for UpOptions {
    fn default() -> Self {
        Self {
            lock_timeout: Duration::from_secs(30),
            table_timeout: Duration::from_secs(60),
            dry_run: false,
            rehearse: true,
            progress_every: Duration::from_secs(2),
        }
    }
}

/// Applies the embedded migrations that are pending.
///
/// The connection must be a dedicated one with its database selected; its session settings are changed.
///
/// # Errors
/// When the files contradict the history, would break the release that runs, or fail; everything before a statement
/// that failed is applied and recorded, and the next run goes on there.
pub async fn up(
    conn: &mut MySqlConnection,
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    up_with(conn, None, embedded(), options, on_event).await
}

/// [`up`] for migrations other than the embedded ones, and watched: `second` is another connection to the same server,
/// on which the progress of long statements is asked; without one, only the time is told.
///
/// # Errors
/// As [`up`].
pub async fn up_with(
    conn: &mut MySqlConnection,
    second: Option<&mut MySqlConnection>,
    migrations: &[Migration],
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    if options.dry_run {
        let plan = read_plan(conn, migrations).await?;
        let statements = foresee(conn, &plan, migrations, options).await?;
        return Ok(would_apply(&plan, statements));
    }
    let waiting = |holder| on_event(Event::WaitingForLock { holder });
    let lock = Lock::acquire(conn, Purpose::Migrate, options.lock_timeout, waiting).await?;
    let result = up_locked(conn, second, migrations, options, on_event).await;
    lock.release(conn).await;
    result
}

async fn read_plan<'a>(conn: &mut MySqlConnection, migrations: &'a [Migration]) -> Result<Plan<'a>, Error> {
    let plan = Plan::new(migrations, &history::read(conn).await?)?;
    if plan.problems.is_empty() { Ok(plan) } else { Err(Error::Refused { problems: plan.problems }) }
}

/// Lints what is pending, and tries it.
async fn foresee(
    conn: &mut MySqlConnection,
    plan: &Plan<'_>,
    migrations: &[Migration],
    options: &UpOptions,
) -> Result<Vec<Forecast>, Error> {
    // On a database where nothing was ever applied no release runs.
    if let Some(applied) = plan.applied {
        let findings = lint(migrations, Some(applied))?;
        if !findings.is_empty() {
            return Err(Error::Unsafe { findings });
        }
    }
    if plan.pending().next().is_none() {
        return Ok(Vec::new());
    }
    sqlx::query("SET SESSION lock_wait_timeout = ?")
        .bind(options.table_timeout.as_secs().max(1))
        .execute(&mut *conn)
        .await
        .map_err(Error::history("limit how long statements wait for tables"))?;
    if options.rehearse {
        rehearsal::rehearse(conn, plan).await
    } else {
        Ok(rehearsal::untried_all(plan, "it was asked not to be"))
    }
}

fn would_apply(plan: &Plan<'_>, statements: Vec<Forecast>) -> Report {
    let applied: Vec<AppliedMigration> = plan
        .pending()
        .map(|step| AppliedMigration {
            version: step.migration.version,
            name: step.migration.name.to_string(),
            statements: count(step.statements.len() - step.done),
            elapsed_ms: 0,
        })
        .collect();
    let to = applied.last().map(|last| last.version).or(plan.applied);
    Report { from: plan.applied, to, dry_run: true, applied, statements }
}

async fn up_locked(
    conn: &mut MySqlConnection,
    second: Option<&mut MySqlConnection>,
    migrations: &[Migration],
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let plan = read_plan(conn, migrations).await?;
    let statements = foresee(conn, &plan, migrations, options).await?;
    for forecast in &statements {
        on_event(Event::Foreseen { forecast: forecast.clone() });
    }
    let mut report = Report { from: plan.applied, to: plan.applied, statements, ..Report::default() };
    if plan.pending().next().is_none() {
        return Ok(report);
    }
    let watched = sqlx::query_scalar("SELECT CONNECTION_ID()").fetch_one(&mut *conn).await;
    let mut watch = Watch::new(second, watched.map_err(Error::history("ask for the connection's id"))?);
    history::create_tables(conn).await?;
    for step in plan.pending() {
        let applied = apply(conn, &mut watch, step, options, on_event).await?;
        report.to = Some(applied.version);
        report.applied.push(applied);
    }
    Ok(report)
}

async fn apply(
    conn: &mut MySqlConnection,
    watch: &mut Watch<'_>,
    step: &Step<'_>,
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<AppliedMigration, Error> {
    let (version, name, of) = (step.migration.version, step.migration.name.to_string(), step.count());
    let begun = Instant::now();
    on_event(Event::MigrationStarted { version, name: name.clone(), statements: of, done_before: count(step.done) });
    history::start(conn, step.migration, of).await?;
    for (ordinal, statement) in step.remaining() {
        on_event(Event::StatementStarted { version, ordinal, of, summary: statement.summary() });
        let sent = Instant::now();
        let execution = Execution {
            place: Place { version, ordinal },
            of,
            statement,
            doubt: step.doubt(ordinal),
            watch,
            every: options.progress_every,
            on_event,
        };
        let found_done = execution.run(conn).await.map_err(|source| Error::Statement {
            version,
            name: name.clone(),
            ordinal,
            of,
            line: statement.line,
            summary: statement.summary(),
            source,
        })?;
        on_event(Event::StatementFinished { version, ordinal, of, elapsed_ms: millis(sent), found_done });
    }
    history::finish(conn, version).await?;
    on_event(Event::MigrationFinished { version, name: name.clone(), elapsed_ms: millis(begun) });
    let statements = count(step.statements.len() - step.done);
    Ok(AppliedMigration { version, name, statements, elapsed_ms: millis(begun) })
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
