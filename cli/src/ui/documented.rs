//! Holds the page on the JSON stream to its word: its examples are what the program prints, and no event is left out.

use std::collections::BTreeSet;

use jewel_engine::{Event, EventKind};
use jewel_runbooks::restore::{Findings, Restore, Source, Step, Subject};
use serde_json::{Value, json};

const PAGE: &str = include_str!("../../../runbooks/pages/events.md");

/// The lines of every JSON block.
fn examples() -> Vec<Value> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in PAGE.lines() {
        match line {
            "```json" => inside = true,
            "```" => inside = false,
            line if inside => lines.push(serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"))),
            _ => {}
        }
    }
    lines
}

/// Every kind there is, by its name on the wire. A new one does not compile until it is named here, and the test below
/// then asks for its example.
const fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Read { .. } => "read",
        EventKind::Started { .. } => "started",
        EventKind::Waiting { .. } => "waiting",
        EventKind::Retrying { .. } => "retrying",
        EventKind::Finished { .. } => "finished",
        EventKind::Failed { .. } => "failed",
        EventKind::Skipped { .. } => "skipped",
    }
}
const KINDS: usize = 7;

#[test]
fn every_event_of_the_engine_has_an_example_that_the_engine_would_print() {
    let mut documented = BTreeSet::new();
    for example in examples().iter().filter(|example| example["source"] == "provision") {
        let event: Event =
            serde_json::from_value(example["event"].clone()).unwrap_or_else(|why| panic!("{why}: {example}"));
        assert_eq!(serde_json::to_value(&event).unwrap(), example["event"], "the engine prints it otherwise");
        assert!(PAGE.contains(&format!("`{}`:", name(&event.kind))), "{} is not explained", name(&event.kind));
        documented.insert(name(&event.kind));
    }
    assert_eq!(documented.len(), KINDS, "only {documented:?} have an example");
}

#[test]
fn every_line_is_of_a_documented_type() {
    let types: BTreeSet<String> = examples().iter().map(|example| example["type"].to_string()).collect();
    for kind in types.iter().filter(|kind| *kind != "null") {
        assert!(PAGE.contains(&format!("| `{}` |", kind.trim_matches('"'))), "{kind} is not in the table");
    }
    assert!(examples().iter().any(|example| example["type"] == "error" && example["report"]["failed"].is_array()));
}

#[test]
fn every_source_is_named() {
    let commands = [
        include_str!("../commands/apply.rs"),
        include_str!("../commands/migrate.rs"),
        include_str!("../commands/deploy.rs"),
        include_str!("../commands/up.rs"),
        include_str!("../commands/site_releases.rs"),
        include_str!("../commands/snapshot/create.rs"),
        include_str!("../commands/snapshot/keep.rs"),
        include_str!("../commands/snapshot/prune.rs"),
        include_str!("../commands/backup/create.rs"),
        include_str!("../commands/restore/database.rs"),
        include_str!("../commands/restore/drive.rs"),
        include_str!("../commands/restore/objects.rs"),
        include_str!("../commands/drill/operator.rs"),
        include_str!("../commands/runbook.rs"),
        include_str!("phase.rs"),
    ];
    for source in commands.iter().flat_map(|text| text.split("ui.event(").skip(1)) {
        let source = source.split('"').nth(1).unwrap();
        assert!(PAGE.contains(&format!("`{source}`")), "the source {source} is not on the page");
    }
}

#[test]
fn the_steps_of_a_restore_are_those_of_the_page() {
    let source = Source::Backup("b".into());
    let mut restore = Restore::new("r", "shop-prod", Subject::Database, source, "shop-prod-db-1", "shop-prod-db-2");
    restore.reopens = true;
    let names: Vec<String> = restore.steps().iter().map(|step| json!(step).as_str().unwrap().to_owned()).collect();
    let listed = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    assert!(PAGE.contains(&listed), "the page does not say {listed}");
    let done: Vec<Value> = examples().into_iter().filter(|one| one["source"] == "restore").collect();
    assert!(done.iter().any(|one| serde_json::from_value::<Step>(one["event"]["done"].clone()).is_ok()), "{done:?}");

    let found = json!(Findings { products: 24, orders: 1204, pending: 0, wrong: Vec::new() });
    let example = examples().into_iter().find(|one| one["source"] == "verify").expect("an example");
    assert_eq!(example["event"], found);
}
