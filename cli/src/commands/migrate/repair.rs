//! `jewelctl migrate repair`: what the history says about statements, shown first and set with consent.

use std::time::Duration;

use jewel_migrations::{Change, Findings};
use jewel_runbooks::migrate::{plan_repair, repair};
use serde_json::json;

use crate::Run;
use crate::args::MigrateRepairArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// Shows what it would set, asks, and sets exactly that.
pub(super) async fn run(run: &Run, args: &MigrateRepairArgs) -> Outcome {
    let migrations = super::read(&args.source)?;
    let findings = Findings { done: args.done.clone(), again: args.again.clone() };
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let changes = context
        .on_instance(async |reach| plan_repair(reach, &migrations, &findings).await.map_err(Failure::from))
        .await?;
    if changes.is_empty() || args.dry_run {
        run.ui.result(&json!({ "dry_run": args.dry_run, "changes": changes }), || words(&changes));
        return Ok(Exit::Done);
    }
    run.ui.say(&words(&changes));
    run.ui.consent(&format!("Set this in the history of {}? The schema stays as it is.", shop.settings.name()))?;
    let wait = Duration::from_secs(args.lock_wait);
    lock::holding(run, &shop, wait, async |_| {
        context
            .on_instance(async |reach| {
                repair(reach, &migrations, &findings, &changes, wait).await.map_err(Failure::from)
            })
            .await
    })
    .await?;
    run.ui.result(&json!({ "dry_run": false, "changes": changes }), || {
        format!("{} set; `jewelctl migrate status` shows the history", changes.len())
    });
    Ok(Exit::Done)
}

fn words(changes: &[Change]) -> String {
    if changes.is_empty() {
        return "the history agrees with the files; nothing to repair".to_owned();
    }
    let one = |change: &Change| match change.diff() {
        Some(diff) => format!("{change}\n{diff}"),
        None => change.to_string(),
    };
    changes.iter().map(one).collect::<Vec<_>>().join("\n\n")
}
