//! `jewelctl snapshot keep`: daily snapshots go with their machine, so that one a week is turned into one that stays.

use std::time::Duration;

use jewel_aws::{AutomaticSnapshot, SnapshotOf, Snapshots};
use jewel_runbooks::snapshots;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::create::counted;
use super::machines;
use crate::Run;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// One that shows a moment of this span is enough.
const WEEK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is kept, and as what.
struct Due {
    of: SnapshotOf,
    automatic: AutomaticSnapshot,
    name: String,
}

/// Says what will be kept, asks, copies, waits.
pub(super) async fn run(run: &Run, dry_run: bool) -> Outcome {
    let shop = Shop::open(run).await?;
    let spec = shop.spec();
    let store = Snapshots::new(&spec, &shop.clients);
    let (due, lacking) = due(&shop, &store).await?;
    for machine in &lacking {
        run.ui.warn(&format!("{machine} has no automatic snapshot yet, and none of the last 7 days is kept of it"));
    }
    let values: Vec<Value> = due
        .iter()
        .map(|one| json!({ "name": one.name, "source": one.automatic.source, "date": one.automatic.date }))
        .collect();
    let line = |one: &Due| format!("{} keeps the automatic snapshot of {}", one.name, one.automatic.date);
    let text = match due.is_empty() {
        true => "nothing to keep".to_owned(),
        false => due.iter().map(line).collect::<Vec<_>>().join("\n"),
    };
    if dry_run || due.is_empty() {
        let word = if dry_run { "would_keep" } else { "kept" };
        run.ui.result(&json!({ word: values, "lacking": lacking }), || text);
        return Ok(Exit::Done);
    }
    run.ui.say(&text);
    run.ui.consent(&format!("Keep {}? It costs until it is deleted.", counted(due.len())))?;
    lock::holding(run, &shop, Duration::ZERO, async |_| {
        for one in &due {
            let phase = run.ui.phase("Snapshot");
            store.copy(&one.of, &one.automatic, &one.name).await?;
            let is_local = shop.local.is_some();
            let mut tell = |state: &str| phase.waits(state);
            snapshots::await_whole(&store, &one.of, &one.name, is_local, &mut tell).await?;
            // Not before: whoever is killed here copies nothing anew, because the name is there, and marks it then.
            store.mark(&one.name).await?;
            run.ui
                .event("snapshot", &json!({ "snapshot": one.name, "of": one.automatic.source, "state": "available" }));
            phase.done(&one.name);
        }
        Ok(())
    })
    .await?;
    run.ui.result(&json!({ "kept": values, "lacking": lacking }), || text);
    Ok(Exit::Done)
}

/// What is due, and the machines of which nothing can be kept although it is.
async fn due(shop: &Shop, store: &Snapshots<'_>) -> Result<(Vec<Due>, Vec<String>), Failure> {
    let (kept, now) = (store.all().await?, Timestamp::now());
    let (mut all, mut lacking) = (Vec::new(), Vec::new());
    for (of, machine) in machines(shop).await? {
        if !snapshots::is_due(&kept, &of, now, WEEK) {
            continue;
        }
        match store.automatic(&machine).await?.into_iter().rfind(|one| one.is_whole) {
            Some(automatic) => {
                let name = snapshots::name(&machine, automatic.created_at);
                all.push(Due { of, automatic, name });
            }
            None => lacking.push(machine),
        }
    }
    Ok((all, lacking))
}
