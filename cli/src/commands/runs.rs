//! `jewelctl runs`: what was done to the shop, by whom, from where, and how it ended.
//!
//! Records come from the operations bucket, where every machine's are, and from this machine, which also has those of
//! runs that changed nothing, and those of a shop whose bucket is gone.

use std::collections::BTreeMap;

use jewel_aws::{RunRecord, RunStore};
use jewel_engine::Sight;
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::Run;
use crate::args::RunsCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::record::{folder, kept};
use crate::settings::{Folders, Settings};
use crate::ui;
use crate::wiring::{Shop, lock};

/// Runs one of them.
pub async fn run(run: &Run, command: RunsCommand) -> Outcome {
    match command {
        RunsCommand::List { limit } => {
            let records = records(run, limit).await?;
            let rows: Vec<Value> = records.iter().map(described).collect();
            run.ui.result(&json!({ "runs": rows }), || list(&records));
        }
        RunsCommand::Show { id } => {
            let records = records(run, if id == "last" { 1 } else { usize::MAX }).await?;
            let found = if id == "last" { records.last() } else { records.iter().find(|record| record.id == id) };
            let record = found.ok_or_else(|| {
                Failure::new(Exit::Usage, format!("there is no record of a run `{id}`"))
                    .hint("`jewelctl runs` lists those there are")
            })?;
            run.ui.result(&described(record), || show(record));
        }
    }
    Ok(Exit::Done)
}

/// The last records of the shop, the oldest first. A cloud that does not answer costs only those it alone has.
async fn records(run: &Run, limit: usize) -> Result<Vec<RunRecord>, Failure> {
    let settings = Settings::load(&run.global)?;
    let here = kept(&folder(&Folders::find()?, settings.target, &settings.name()));
    let there = async {
        let shop = Shop::connect(run, settings).await?;
        Ok::<_, Failure>(RunStore::new(&shop.spec(), &shop.clients).last(limit).await?)
    };
    let there = match there.await {
        Ok(records) => records,
        Err(failure) if !here.is_empty() => {
            run.ui.warn(&format!("only the records on this machine are shown: {}", failure.lines().join(": ")));
            Vec::new()
        }
        Err(failure) => return Err(failure),
    };
    let mut all: BTreeMap<String, RunRecord> = BTreeMap::new();
    for record in there.into_iter().chain(here) {
        // Of two versions of one record, the one with an end is the later.
        if record.ended_at.is_some() || !all.contains_key(&record.id) {
            all.insert(record.id.clone(), record);
        }
    }
    let too_many = all.len().saturating_sub(limit);
    Ok(all.into_values().skip(too_many).collect())
}

/// How it ended, in a word.
fn outcome(record: &RunRecord) -> String {
    match record.exit_code {
        Some(0) => "done".into(),
        Some(3) => "failed: credentials".into(),
        Some(4) => "stale plan".into(),
        Some(5) => "lock was held".into(),
        Some(7) => "refused".into(),
        Some(8) => "check failed".into(),
        Some(130) => "interrupted".into(),
        Some(code) => format!("failed ({code})"),
        None if lock::is_here(&record.holder) && alive(record) => "running".into(),
        None => "unfinished".into(),
    }
}

fn alive(record: &RunRecord) -> bool {
    let lease = jewel_engine::LeaseRecord {
        format_version: 1,
        id: record.id.clone(),
        holder: record.holder.clone(),
        acquired_at: record.started_at,
        renewed_at: record.started_at,
        expires_at: record.started_at,
    };
    lock::sight(&lease) == Sight::Alive
}

fn described(record: &RunRecord) -> Value {
    let mut value = serde_json::to_value(record).unwrap_or_default();
    value["outcome"] = outcome(record).into();
    value
}

fn list(records: &[RunRecord]) -> String {
    if records.is_empty() {
        return "no run has changed anything yet".to_owned();
    }
    let rows = records.iter().map(|record| {
        [
            record.id.clone(),
            time(record.started_at),
            took(record),
            outcome(record),
            record.holder.user.clone(),
            record.holder.command.clone(),
        ]
    });
    ui::table(["run", "began", "took", "outcome", "by", "command"], rows)
}

fn show(record: &RunRecord) -> String {
    let mut blocks = Vec::new();
    let host = &record.holder.host;
    let facts = [
        ("command", record.holder.command.clone()),
        ("by", format!("{} on {host} (process {})", record.holder.user, record.holder.pid)),
        ("shop", format!("{} in account {}", record.stack, record.account_id)),
        ("version", record.version.clone()),
        ("began", time(record.started_at)),
        ("took", took(record)),
        ("outcome", outcome(record)),
    ];
    blocks.push(ui::table(["run", &record.id], facts.map(|(name, value)| [name.to_owned(), value])));
    if !record.phases.is_empty() {
        let rows = record.phases.iter().map(|phase| [phase.name.clone(), seconds(phase.took_ms)]);
        blocks.push(ui::table(["phase", "took"], rows));
    }
    if !record.steps.is_empty() {
        let rows = record.steps.iter().map(|step| {
            [step.address.clone(), step.action.clone(), step.status.replace('_', " "), seconds(step.took_ms)]
        });
        blocks.push(ui::table(["resource", "planned", "outcome", "took"], rows));
    }
    if !record.calls.is_empty() {
        let rows = record.calls.iter().map(|(call, count)| [call.clone(), count.to_string()]);
        blocks.push(ui::table(["call", "count"], rows));
    }
    if !record.errors.is_empty() {
        blocks.push(format!("errors\n{}", record.errors.join("\n")));
    }
    blocks.join("\n\n")
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

fn took(record: &RunRecord) -> String {
    let Some(ended) = record.ended_at else { return "-".to_owned() };
    let span = ended.duration_since(record.started_at).round(Unit::Millisecond);
    span.map_or_else(|_| "-".to_owned(), |span| seconds(u64::try_from(span.as_millis()).unwrap_or_default()))
}

fn seconds(milliseconds: u64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}
