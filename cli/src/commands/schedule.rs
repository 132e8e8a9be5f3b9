//! `jewelctl schedule`: the work that nobody should have to think of, and the alarm that rings when it is not done.

mod forms;

use jewel_aws::{RunStore, daily_work_is_done};
use jewel_runbooks::drill::Typed;
use serde_json::{Value, json};

use super::drill::operator::types;
use crate::Run;
use crate::args::{Every, ScheduleCommand};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// So many of the last runs are looked at for when it was done.
const RUNS: usize = 200;

type Words = &'static [&'static str];

/// A piece of work: why, and what is typed.
struct Work {
    every: Every,
    why: &'static str,
    words: Words,
}

const WORK: &[Work] = &[
    Work { every: Every::Daily, why: "a copy that needs no Lightsail", words: &["backup", "create"] },
    Work {
        every: Every::Daily,
        why: "every backup is read back once a week",
        words: &["backup", "verify", "--all", "--slice", "7"],
    },
    Work { every: Every::Daily, why: "what no rule keeps goes", words: &["backup", "prune"] },
    Work { every: Every::Daily, why: "nobody changed anything by hand", words: &["drift", "--exit-code"] },
    Work { every: Every::Daily, why: "the shop answers", words: &["status", "--exit-code"] },
    Work { every: Every::Weekly, why: "a machine's automatic snapshots die with it", words: &["snapshot", "keep"] },
    Work { every: Every::Weekly, why: "what no rule keeps goes", words: &["snapshot", "prune", "all"] },
];

/// Runs one of them.
pub async fn run(run: &Run, command: ScheduleCommand) -> Outcome {
    match command {
        ScheduleCommand::Show => show(run).await,
        ScheduleCommand::Run { every, dry_run } => work(run, every, dry_run).await,
        ScheduleCommand::Print { form } => {
            run.ui.raw(&forms::text(form, &run.global)?);
            Ok(Exit::Done)
        }
    }
}

const fn word(every: Every) -> &'static str {
    match every {
        Every::Daily => "daily",
        Every::Weekly => "weekly",
    }
}

async fn show(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let records = RunStore::new(&shop.spec(), &shop.clients).last(RUNS).await?;
    let last = |one: &Work| {
        let line = format!("jewelctl schedule run {}", word(one.every));
        let record = records.iter().rev().find(|run| run.holder.command.starts_with(&line));
        record.map(|run| (run.started_at, run.exit_code))
    };
    let objects: Vec<Value> = WORK
        .iter()
        .map(|one| {
            json!({
                "every": word(one.every), "command": one.words.join(" "), "why": one.why,
                "last": last(one).map(|(at, code)| json!({ "at": at, "exit_code": code })),
            })
        })
        .collect();
    run.ui.result(&json!({ "work": objects }), || {
        let row = |one: &Work| {
            let last = last(one).map_or_else(
                || "-".to_owned(),
                |(at, code)| {
                    let outcome = if code == Some(Exit::Done.code()) { "all done" } else { "NOT all done" };
                    format!("{}, {outcome}", at.strftime("%Y-%m-%d %H:%MZ"))
                },
            );
            [word(one.every).to_owned(), format!("jewelctl {}", one.words.join(" ")), one.why.to_owned(), last]
        };
        format!(
            "{}\n`jewelctl schedule print systemd` lets it run by itself; a day without it rings the alarm `{}`",
            ui::table(["every", "what", "why", "last"], WORK.iter().map(row)),
            jewel_aws::Names::new(&shop.spec()).role("schedule"),
        )
    });
    Ok(Exit::Done)
}

async fn work(run: &Run, every: Every, dry_run: bool) -> Outcome {
    let shop = Shop::open(run).await?;
    let due: Vec<&Work> = WORK.iter().filter(|one| one.every == every).collect();
    if dry_run {
        let lines: Vec<String> = due.iter().map(|one| format!("jewelctl {}", one.words.join(" "))).collect();
        run.ui.result(&json!({ "would_run": lines }), || lines.join("\n"));
        return Ok(Exit::Done);
    }
    run.ui.consent(&format!("Do the {} work on {}?", word(every), shop.settings.name()))?;
    let (mut done, mut failed) = (Vec::new(), Vec::new());
    for one in due {
        let phase = run.ui.phase(&one.words.join(" "));
        let command =
            types(run, &Typed { words: one.words, exit: 0, killed_after: None }, &mut Default::default()).await?;
        if command.exit == 0 {
            phase.done("done");
        } else {
            failed.push(format!("`{}` ended with {}: {}", command.line, command.exit, command.said.join("; ")));
        }
        done.push(json!({ "command": command.line, "exit_code": command.exit, "took_ms": command.took_ms }));
    }
    // Only work that was done is reported: what fails rings as what never ran.
    if every == Every::Daily && failed.is_empty() {
        daily_work_is_done(&shop.spec(), &shop.clients).await?;
    }
    let count = done.len();
    run.ui.result(&json!({ "work": done, "failed": failed.len() }), || {
        format!("{} of {count} pieces of {} work are done", count - failed.len(), word(every))
    });
    if failed.is_empty() {
        return Ok(Exit::Done);
    }
    let mut failure = Failure::new(Exit::CheckFailed, format!("not all of the {} work could be done", word(every)));
    for one in failed {
        failure = failure.because(one);
    }
    Err(failure.hint("each of them can be typed by itself, and says more then"))
}
