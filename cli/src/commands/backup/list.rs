//! `jewelctl backup list` and `jewelctl backup show`.

use jewel_backup::{Manifest, State, Summary};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::Kept;
use crate::Run;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::ui;
use crate::wiring::Shop;

/// Dollars for a gigabyte and month of S3 Standard in Singapore, as the table of prices has it.
const USD_PER_GB: f64 = 0.025;

pub(super) async fn list(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let all = Kept::open(&shop, &outputs).await?.all().await?;
    let objects: Vec<Value> = all
        .iter()
        .map(|one| {
            let (state, at) = state(one);
            json!({ "id": one.id, "at": at, "state": state, "objects": one.objects, "bytes": one.bytes })
        })
        .collect();
    let total: u64 = all.iter().map(|one| one.bytes).sum();
    let monthly = total as f64 / 1e9 * USD_PER_GB;
    run.ui.result(&json!({ "backups": objects, "bytes": total, "monthly_usd": monthly }), || {
        if all.is_empty() {
            return "there is no backup yet; `jewelctl backup create` makes one".to_owned();
        }
        let row = |one: &Summary| {
            let (state, at) = state(one);
            let age = at.map_or_else(|| "-".to_owned(), |at| ui::words::age(at, Timestamp::now()));
            [one.id.clone(), age, ui::words::bytes(one.bytes), state]
        };
        let table = ui::table(["backup", "age", "size", "state"], all.iter().map(row));
        format!("{table}\n{} in all, USD {monthly:.2} a month", ui::words::bytes(total))
    });
    Ok(Exit::Done)
}

fn state(one: &Summary) -> (String, Option<Timestamp>) {
    match &one.state {
        State::Complete(manifest) if manifest.shrunk.is_empty() => ("whole".to_owned(), Some(manifest.at)),
        State::Complete(manifest) => ("whole, much smaller than the one before".to_owned(), Some(manifest.at)),
        State::Damaged(manifest, findings) => (format!("DAMAGED: {} objects", findings.len()), Some(manifest.at)),
        State::Unfinished => ("unfinished".to_owned(), None),
        State::Distrusted(why) => (format!("NOT TO BE BELIEVED: {why}"), None),
    }
}

pub(super) async fn show(run: &Run, id: Option<&str>) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let kept = Kept::open(&shop, &outputs).await?;
    let id = kept.id(id).await?;
    let read = jewel_backup::manifest(&kept.backups, &id, &kept.keys.seal).await;
    let manifest = read.map_err(jewel_runbooks::Error::from)?;
    run.ui.result(&json!({ "manifest": manifest, "place": kept.backups.place(&id) }), || {
        words(&manifest, &kept.backups.place(&id))
    });
    Ok(Exit::Done)
}

fn words(manifest: &Manifest, place: &str) -> String {
    let rows = manifest.tables.iter().map(|table| {
        let stored: u64 = table.chunks.iter().map(|chunk| chunk.object.bytes).sum();
        [
            table.name.clone(),
            table.rows.to_string(),
            ui::words::bytes(table.plain_bytes),
            ui::words::bytes(stored),
            table.chunks.len().to_string(),
        ]
    });
    let position = manifest.position.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    format!(
        "{} of {} on {}, made by {}\nat {place}; the journal stood at {position}\n{}",
        manifest.at,
        manifest.schema,
        manifest.server,
        manifest.tool,
        ui::table(["table", "rows", "size", "stored", "objects"], rows)
    )
}
