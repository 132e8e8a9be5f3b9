//! `jewelctl backup create`.

use std::sync::Arc;
use std::time::Duration;

use jewel_backup::{CreateOptions, Event, Manifest, Shrinking};
use jewel_runbooks::{Reach, backup, database};
use serde_json::json;

use super::Kept;
use crate::Run;
use crate::args::BackupCreateArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// Makes one.
pub(super) async fn run(run: &Run, args: &BackupCreateArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    if args.dry_run {
        let (database, bucket) = (&outputs.database_name, &outputs.backups_bucket);
        run.ui.result(&json!({ "would_back_up": database, "into": bucket }), || {
            format!("would back {database} up into s3://{bucket}; the shop goes on meanwhile")
        });
        return Ok(Exit::Done);
    }
    let context = shop.context(&outputs).await?;
    let (manifest, has_recovery) = lock::holding(run, &shop, Duration::ZERO, async |_| {
        let kept = Kept::open(&shop, &outputs).await?;
        let has_recovery = kept.keys.has_recovery;
        Ok((context.on_instance(async |reach: &Reach<'_>| make(run, &kept, reach, args).await).await?, has_recovery))
    })
    .await?;
    if !has_recovery {
        run.ui.warn("nobody holds a printed key to the backups: `jewelctl backup recovery-key` makes one");
    }
    let place = backup::Backups::of(&shop.clients, &outputs).place(&manifest.id);
    let (rows, stored, plain) = (manifest.rows(), manifest.stored_bytes(), manifest.plain_bytes());
    let shrunk: Vec<String> = manifest.shrunk.iter().map(|table| table.to_string()).collect();
    let result = json!({
        "id": manifest.id, "at": manifest.at, "place": place, "tables": manifest.tables.len(), "rows": rows,
        "bytes": stored, "plain_bytes": plain, "shrunk": manifest.shrunk,
    });
    run.ui.result(&result, || {
        let (stored, plain) = (ui::words::bytes(stored), ui::words::bytes(plain));
        format!("{}: {} tables, {rows} rows, {stored} of {plain}, at {place}", manifest.id, manifest.tables.len())
    });
    if shrunk.is_empty() {
        return Ok(Exit::Done);
    }
    let mut failure = Failure::new(Exit::CheckFailed, "the backup is made, and much smaller than the one before");
    for table in shrunk {
        failure = failure.because(table);
    }
    Err(failure.hint("look whether rows were lost: page `tables-dropped`; `--may-shrink TABLE` says that it is meant"))
}

async fn make(run: &Run, kept: &Kept, reach: &Reach<'_>, args: &BackupCreateArgs) -> Result<Manifest, Failure> {
    let phase = run.ui.phase("Backup");
    let database = database::open(reach).await?;
    let schema = database.secret().dbname.clone();
    let tool = format!("jewelctl {}", env!("CARGO_PKG_VERSION"));
    let shrinking = Shrinking { allowed: args.may_shrink.iter().cloned().collect(), ..Shrinking::default() };
    let options =
        CreateOptions { position: Some(backup::POSITION.to_owned()), shrinking, ..CreateOptions::new(schema, tool) };
    let (mut rows, mut stored) = (0, 0);
    let store = Arc::new(kept.backups.clone());
    let server = backup::server(&database);
    let mut tell = |event: Event| {
        if let Event::Stored { rows: more, bytes, .. } = &event {
            (rows, stored) = (rows + more, stored + bytes);
            phase.now(&format!("{rows} rows, {}", ui::words::bytes(stored)));
        } else {
            phase.now(&ui::words::backup(&event));
        }
        run.ui.event("backup", &ui::words::backup(&event));
    };
    let made = jewel_backup::create(&server, &store, &kept.keys.making, &options, &mut tell).await;
    let manifest = made.map_err(jewel_runbooks::Error::from)?;
    phase.done(&format!("{rows} rows, {}", ui::words::bytes(stored)));
    Ok(manifest)
}
