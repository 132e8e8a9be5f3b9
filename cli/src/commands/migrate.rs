//! `jewelctl migrate`: the schema, through the tunnel.

mod lint;
mod repair;
mod words;

use std::time::Duration;

use jewel_migrations::{Event, Method, Migration, UpOptions, embedded};
use jewel_runbooks::{Database, Reach};

use crate::Run;
use crate::args::{MigrateCommand, MigrateUpArgs, SourceArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// How long `up` waits for another migrator.
pub const LOCK_WAIT: Duration = Duration::from_secs(30);

/// A statement that takes long leaves a line this often, where nobody watches a terminal.
const LINE_EVERY_MS: u64 = 30_000;

/// Runs one of them.
pub async fn run(run: &Run, command: MigrateCommand) -> Outcome {
    match command {
        MigrateCommand::Up(args) => apply_pending(run, &args).await,
        MigrateCommand::Status { exit_code, source } => status(run, &source, exit_code).await,
        MigrateCommand::Lint { files, source } => lint::run(run, &files, &source),
        MigrateCommand::Repair(args) => repair::run(run, &args).await,
    }
}

async fn status(run: &Run, source: &SourceArgs, exit_code: bool) -> Outcome {
    let migrations = read(source)?;
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let status = context
        .on_instance(async |reach| jewel_runbooks::migrate::status(reach, &migrations).await.map_err(Failure::from))
        .await?;
    run.ui.result(&status, || words::status(&status));
    Ok(match exit_code {
        true if !status.problems.is_empty() => Exit::CheckFailed,
        true if status.pending() > 0 => Exit::Pending,
        _ => Exit::Done,
    })
}

async fn apply_pending(run: &Run, args: &MigrateUpArgs) -> Outcome {
    let migrations = read(&args.source)?;
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let lock_timeout = Duration::from_secs(args.lock_wait);
    let (dry_run, rehearse) = (args.dry_run, !args.unrehearsed);
    let options = UpOptions { lock_timeout, dry_run, rehearse, ..UpOptions::default() };
    let work = async || {
        let on = async |reach: &Reach<'_>| {
            let database = jewel_runbooks::database::open(reach).await?;
            up(run, &database, &migrations, &options).await
        };
        context.on_instance(on).await
    };
    let report =
        if dry_run { work().await? } else { lock::holding(run, &shop, lock_timeout, async |_| work().await).await? };
    run.ui.result(&report, || words::report(&report));
    Ok(Exit::Done)
}

/// The migrations that a command is about.
fn read(source: &SourceArgs) -> Result<Vec<Migration>, Failure> {
    match &source.dir {
        Some(folder) => Ok(jewel_migrations::read_folder(folder)?),
        None => Ok(embedded().to_vec()),
    }
}

/// Applies what is pending; gives how many migrations that were.
pub async fn apply(run: &Run, database: &Database, lock_timeout: Duration) -> Result<usize, Failure> {
    let options = UpOptions { lock_timeout, ..UpOptions::default() };
    Ok(up(run, database, embedded(), &options).await?.applied.len())
}

/// Puts the demonstration catalogue in; gives how many pieces were new.
pub async fn seed(run: &Run, reach: &Reach<'_>) -> Result<usize, Failure> {
    use jewel_runbooks::demo::Event;

    let phase = run.ui.phase("Catalogue");
    let database = jewel_runbooks::database::open(reach).await?;
    let mut connection = database.connect().await?;
    let context = reach.context();
    let (s3, bucket) = (&context.clients.s3, &context.outputs.media_bucket);
    let report = jewel_runbooks::demo::seed(&mut connection, s3, bucket, &mut |event| {
        run.ui.event("seed", &event);
        phase.now(&match event {
            Event::PictureSent { done, total } => format!("picture {done} of {total}"),
            Event::RowsWritten { added, updated } => format!("{added} pieces added, {updated} updated"),
            _ => String::new(),
        });
    })
    .await?;
    phase.done(&match (report.added, report.updated) {
        (0, 0) => format!("{} pieces, as they were", report.pieces),
        (added, updated) => format!("{added} pieces added, {updated} updated"),
    });
    Ok(report.added)
}

async fn up(
    run: &Run,
    database: &Database,
    migrations: &[Migration],
    options: &UpOptions,
) -> Result<jewel_migrations::Report, Failure> {
    let phase = run.ui.phase("Migrations");
    let mut lines = 0;
    let report = jewel_runbooks::migrate::up(database, migrations, options, &mut |event| {
        run.ui.event("migrate", &event);
        let words = ui::words::migration(&event);
        match &event {
            // Who waits for what, said beforehand.
            Event::Foreseen { forecast } if !matches!(forecast.method, Method::New | Method::Rows) => {
                phase.line(&words);
            }
            Event::StatementProgress { elapsed_ms, .. } if elapsed_ms / LINE_EVERY_MS != lines => {
                lines = elapsed_ms / LINE_EVERY_MS;
                phase.line(&words);
            }
            _ => phase.now(&words),
        }
    })
    .await?;
    phase.done(&match (report.applied.len(), report.to) {
        (count, _) if report.dry_run => format!("{count} would be applied"),
        (0, Some(version)) => format!("the schema is at {version:04}"),
        (count, _) => format!("{count} applied"),
    });
    Ok(report)
}
