//! `jewelctl backup verify`: a backup that was not read back is a hope.

use std::sync::Arc;
use std::time::Duration;

use jewel_backup::{Event, RestoreOptions, Slice, Verified};
use jewel_runbooks::{Database, Reach, backup, database};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Kept;
use crate::Run;
use crate::args::BackupVerifyArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// A schema of this name beside the shop's is a verification's, and goes with it.
const SCRATCH: &str = "jewel_verify";

/// Reads back what is asked for.
pub(super) async fn run(run: &Run, args: &BackupVerifyArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let kept = Kept::open(&shop, &outputs).await?;
    let ids = match args.all {
        true => kept.all().await?.into_iter().map(|one| one.id).collect(),
        // The last one is looked at also when it is damaged: that is what is to be found.
        false => match (&args.id, kept.last().await?) {
            (None, Some(last)) => vec![last],
            _ => vec![kept.id(args.id.as_deref()).await?],
        },
    };
    if args.restore {
        return restore(run, &shop, &kept, &ids[0]).await;
    }
    let slice =
        args.slice.map_or(Slice::ALL, |days| Slice::of_day(Timestamp::now().to_zoned(TimeZone::UTC).date(), days));
    let (mut verified, mut wrong): (Vec<Value>, Vec<String>) = (Vec::new(), Vec::new());
    for id in &ids {
        let phase = run.ui.phase("Verify");
        let mut tell = |event: Event| phase.now(&ui::words::backup(&event));
        match jewel_backup::verify(&kept.backups, id, &kept.keys.reading, slice, &mut tell).await {
            Ok(found) => {
                wrong.extend(found.damaged.iter().map(ToString::to_string));
                phase.done(&format!("{id}: {}", words(&found)));
                verified.push(json!({
                    "id": id, "read": found.read, "seen": found.seen, "foreign": found.foreign,
                    "damaged": found.damaged.iter().map(ToString::to_string).collect::<Vec<_>>(),
                }));
            }
            // Of all, what was never finished is no damage.
            Err(jewel_backup::Error::NoBackup { .. }) if args.all => {}
            Err(error) => {
                wrong.push(error.to_string());
                verified.push(json!({ "id": id, "error": error.to_string() }));
            }
        }
    }
    run.ui.result(&json!({ "verified": verified }), || match wrong.len() {
        0 => format!("{} backups are whole", verified.len()),
        count => format!("{count} objects are damaged"),
    });
    if wrong.is_empty() {
        return Ok(Exit::Done);
    }
    let mut failure = Failure::new(Exit::CheckFailed, "not every backup can be restored");
    for one in wrong {
        failure = failure.because(one);
    }
    Err(failure.hint("make a new one now: `jewelctl backup create`; a restore refuses a damaged one"))
}

fn words(found: &Verified) -> String {
    match (found.damaged.len(), found.seen) {
        (0, 0) => format!("{} objects read, nothing wrong", found.read),
        (0, seen) => format!("{} objects read, {seen} only looked for, nothing wrong", found.read),
        (damaged, _) => format!("{damaged} objects damaged"),
    }
}

/// Loads it into a schema of its own and drops that. The restore itself compares.
async fn restore(run: &Run, shop: &Shop, kept: &Kept, id: &str) -> Outcome {
    run.ui.consent(&format!("Load {id} into the schema {SCRATCH} on the shop's server? It works hard meanwhile."))?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let rows = lock::holding(run, shop, Duration::ZERO, async |_| {
        let work = async |reach: &Reach<'_>| {
            let database = database::open(reach).await?;
            let rows = load(run, kept, &database, id).await;
            database.drop_schema(SCRATCH).await?;
            rows
        };
        context.on_instance(work).await
    })
    .await?;
    run.ui.result(&json!({ "id": id, "rows": rows, "same": true }), || {
        format!("{id} was restored beside the shop, {rows} rows, the same in every table, and removed again")
    });
    Ok(Exit::Done)
}

async fn load(run: &Run, kept: &Kept, database: &Database, id: &str) -> Result<u64, Failure> {
    let phase = run.ui.phase("Restore");
    let options = RestoreOptions { replace: true, ..RestoreOptions::new(SCRATCH) };
    let store = Arc::new(kept.backups.clone());
    let (server, keys) = (backup::server(database), &kept.keys.reading);
    let mut tell = |event: Event| phase.now(&ui::words::backup(&event));
    let restored = jewel_backup::restore(&store, id, keys, &server, &options, &mut tell).await;
    let restored = restored.map_err(jewel_runbooks::Error::from)?;
    phase.done(&format!("{} rows", restored.manifest.rows()));
    Ok(restored.manifest.rows())
}
