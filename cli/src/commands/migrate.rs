//! `jewelctl migrate`: the schema, through the tunnel.

use std::time::Duration;

use jewel_migrations::{State, UpOptions};
use jewel_runbooks::Reach;

use crate::Run;
use crate::args::MigrateCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// How long `up` waits for another migrator.
pub const LOCK_WAIT: Duration = Duration::from_secs(30);

/// Runs one of them.
pub async fn run(run: &Run, command: MigrateCommand) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    match command {
        MigrateCommand::Status { exit_code } => {
            let status = context
                .on_instance(async |reach| jewel_runbooks::migrate::status(reach).await.map_err(Failure::from))
                .await?;
            run.ui.result(&status, || {
                let rows = status.migrations.iter().map(|migration| {
                    [format!("{:04}", migration.version), migration.name.to_string(), words(&migration.state)]
                });
                ui::table(["version", "name", "state"], rows)
            });
            Ok(if exit_code && status.pending() > 0 { Exit::Pending } else { Exit::Done })
        }
        MigrateCommand::Up { dry_run, lock_wait } => {
            let options = UpOptions { lock_timeout: Duration::from_secs(lock_wait), dry_run, ..UpOptions::default() };
            let report = if dry_run {
                context.on_instance(async |reach| up(run, reach, &options).await).await?
            } else {
                lock::holding(run, &shop, Duration::from_secs(lock_wait), async |_| {
                    context.on_instance(async |reach| up(run, reach, &options).await).await
                })
                .await?
            };
            run.ui.result(&report, || {
                let names: Vec<String> =
                    report.applied.iter().map(|done| format!("{:04} {}", done.version, done.name)).collect();
                match (names.is_empty(), dry_run) {
                    (true, _) => "nothing is pending".to_owned(),
                    (false, true) => format!("would apply {}", names.join(", ")),
                    (false, false) => format!("applied {}", names.join(", ")),
                }
            });
            Ok(Exit::Done)
        }
    }
}

/// Applies what is pending; gives how many migrations that were.
pub async fn apply(run: &Run, reach: &Reach<'_>, lock_timeout: Duration) -> Result<usize, Failure> {
    let options = UpOptions { lock_timeout, ..UpOptions::default() };
    Ok(up(run, reach, &options).await?.applied.len())
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

async fn up(run: &Run, reach: &Reach<'_>, options: &UpOptions) -> Result<jewel_migrations::Report, Failure> {
    let phase = run.ui.phase("Migrations");
    let report = jewel_runbooks::migrate::up(reach, options, &mut |event| {
        run.ui.event("migrate", &event);
        phase.now(&ui::words::migration(&event));
    })
    .await?;
    phase.done(&match (report.applied.len(), report.to) {
        (0, Some(version)) => format!("the schema is at {version:04}"),
        (count, _) => format!("{count} applied"),
    });
    Ok(report)
}

fn words(state: &State) -> String {
    match state {
        State::Applied { at } => format!("applied {at}"),
        State::Partial { done, statements } => format!("stopped after {done} of {statements} statements"),
        State::Pending { statements } => format!("pending ({statements} statements)"),
        State::Unknown => "applied, but not known to this version of jewelctl".to_owned(),
    }
}
