//! `jewelctl snapshot prune`: what no rule keeps goes, and what is kept says why.

use std::time::Duration;

use jewel_aws::{SnapshotSight, Snapshots};
use jewel_backup::retention::Keep;
use jewel_runbooks::snapshots::{Why, thin_out};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::counted;
use super::is_meant;
use crate::Run;
use crate::args::SnapshotPruneArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::ui;
use crate::wiring::{Shop, lock};

/// Shows what goes and what stays, asks, deletes.
pub(super) async fn run(run: &Run, args: &SnapshotPruneArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let spec = shop.spec();
    let store = Snapshots::new(&spec, &shop.clients);
    let mut all = store.all().await?;
    all.retain(|one| is_meant(args.what, one));
    let keep = Keep { daily: args.keep.daily, weekly: args.keep.weekly, monthly: args.keep.monthly };
    let decided = thin_out(all, keep, Timestamp::now());
    let going: Vec<&SnapshotSight> = decided.iter().filter(|(_, why)| !why.keeps()).map(|(one, _)| one).collect();
    let names: Vec<&str> = going.iter().map(|one| one.name.as_str()).collect();
    let decisions: Vec<Value> = decided.iter().map(decision).collect();
    let result = json!({ "deletes": names, "decisions": decisions, "dry_run": args.keep.dry_run });
    let row = |(one, why): &(SnapshotSight, Why)| {
        [one.name.clone(), if why.keeps() { "stays" } else { "goes" }.to_owned(), why.to_string()]
    };
    let text = match decided.is_empty() {
        true => "there is no snapshot".to_owned(),
        false => ui::table(["snapshot", "", "because"], decided.iter().map(row)),
    };
    if args.keep.dry_run || going.is_empty() {
        run.ui.result(&result, || text);
        return Ok(Exit::Done);
    }
    run.ui.say(&text);
    run.ui.consent(&format!("Delete {} of them?", going.len()))?;
    let phase = run.ui.phase("Prune");
    lock::holding(run, &shop, Duration::ZERO, async |_| {
        for one in &going {
            phase.now(&one.name);
            store.delete(&one.of, &one.name).await?;
            run.ui.event("snapshot", &json!({ "snapshot": one.name, "of": one.source, "state": "deleted" }));
        }
        Ok(())
    })
    .await?;
    let said = format!("{} deleted", counted(going.len()));
    phase.done(&said);
    run.ui.result(&result, || said);
    Ok(Exit::Done)
}

fn decision((one, why): &(SnapshotSight, Why)) -> Value {
    json!({ "name": one.name, "keeps": why.keeps(), "reason": why.to_string() })
}
