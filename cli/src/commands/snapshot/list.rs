//! `jewelctl snapshot list`.

use jewel_aws::{AutomaticSnapshot, SnapshotOf, SnapshotSight, Snapshots, snapshots_usd};
use jewel_runbooks::snapshots;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::create::value;
use super::{is_meant, machines};
use crate::Run;
use crate::args::SnapshotWhat;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::ui;
use crate::wiring::Shop;

/// Prints them, the oldest first.
pub(super) async fn run(run: &Run, what: SnapshotWhat) -> Outcome {
    let shop = Shop::open(run).await?;
    let spec = shop.spec();
    let store = Snapshots::new(&spec, &shop.clients);
    let mut kept = store.all().await?;
    kept.retain(|one| is_meant(what, one));
    let mut automatic = Vec::new();
    if what.has_instances() {
        for (of, machine) in machines(&shop).await? {
            automatic.extend(store.automatic(&machine).await?.into_iter().map(|one| (of.clone(), one)));
        }
    }
    let gb: f64 = kept.iter().filter_map(|one| one.gb).map(f64::from).sum();
    let monthly = snapshots_usd(gb);
    let values: Vec<Value> = kept.iter().map(value).chain(automatic.iter().map(|(of, one)| daily(of, one))).collect();
    run.ui.result(&json!({ "snapshots": values, "gb": gb, "monthly_usd": monthly.as_f64() }), || {
        if values.is_empty() {
            return "there is no snapshot yet; `jewelctl snapshot create` takes one".to_owned();
        }
        let now = Timestamp::now();
        let rows = kept.iter().map(|one| row(one, now)).chain(automatic.iter().map(|(_, one)| daily_row(one, now)));
        let table = ui::table(["snapshot", "kind", "of", "age", "size", "USD a month", "state"], rows);
        format!(
            "{table}\nkept: {gb:.0} GB, at most USD {:.2} a month (what several of one disk share is paid once)",
            monthly.as_f64()
        )
    });
    Ok(Exit::Done)
}

fn row(one: &SnapshotSight, now: Timestamp) -> [String; 7] {
    let size = one.gb.map_or_else(|| "-".to_owned(), |gb| format!("{gb} GB"));
    let price = one.gb.map_or_else(|| "-".to_owned(), |gb| format!("{:.2}", snapshots_usd(f64::from(gb)).as_f64()));
    [
        one.name.clone(),
        if one.is_ours { "kept" } else { "not ours" }.to_owned(),
        one.source.clone(),
        ui::words::age(snapshots::shows(one), now),
        size,
        price,
        if one.is_whole() { "whole".to_owned() } else { one.state.clone() },
    ]
}

fn daily_row(one: &AutomaticSnapshot, now: Timestamp) -> [String; 7] {
    [
        one.date.clone(),
        "automatic".to_owned(),
        one.source.clone(),
        ui::words::age(one.created_at, now),
        "-".to_owned(),
        "-".to_owned(),
        if one.is_whole { "whole" } else { "not whole" }.to_owned(),
    ]
}

/// A daily one for programs. Lightsail says neither its size nor, until the bill, what it costs.
fn daily(of: &SnapshotOf, one: &AutomaticSnapshot) -> Value {
    let state = if one.is_whole { "available" } else { "pending" };
    json!({
        "name": one.date, "kind": "automatic", "of": of.role(), "source": one.source, "at": one.created_at, "state": state,
        "gb": null, "monthly_usd": null,
    })
}
