//! One drill: customers come, the damage is done, commands are typed, and everything is looked at.

use std::time::Duration;

use jewel_engine::PlanOptions;
use jewel_runbooks::drill::canary::{Canary, CanaryOptions, Seen};
use jewel_runbooks::drill::{
    Assertion, Canaries, Customers, Damage, DrillStore, Facts, Leaked, Moment, Report, Scenario, Typed,
    acknowledged_that_are_missing, do_damage,
};
use jewel_runbooks::{Check, Reach};
use jiff::Timestamp;
use tokio::time::{Instant, sleep};

use super::operator::types;
use crate::Run;
use crate::args::{DrillRunArgs, Target};
use crate::commands::plan;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::Shop;

/// So many orders are confirmed before anything is damaged: otherwise there would be nothing to lose.
const PROMISES: usize = 10;
/// The canary gets them within this, and sees the shop again within this after the last command.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// Runs a drill, and keeps its report.
pub(super) async fn rehearse(
    run: &Run,
    shop: &Shop,
    scenario: &Scenario,
    args: &DrillRunArgs,
) -> Result<Report, Failure> {
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let url = shop.url(&outputs).await?;
    let mut facts = Facts { before: Timestamp::now(), restore: None };
    let mut moments = Vec::new();
    for words in scenario.prepares {
        let prepared = types(run, &Typed { words, exit: 0, killed_after: None }, &mut facts).await?;
        if prepared.exit != 0 {
            let mut failure =
                Failure::new(Exit::Failed, format!("`{}` failed, before anything was damaged", prepared.line));
            for line in prepared.said {
                failure = failure.because(line);
            }
            return Err(failure);
        }
    }
    let options = CanaryOptions { readers: args.readers, buyers: args.buyers };
    let canary = Canary::begin(&url, options).await.map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    until(|| canary.so_far().promises.len() >= PROMISES, "the canary has bought something").await?;
    let phase = run.ui.phase("Damage");
    // A whole second between what was promised and the damage: point-in-time goes by seconds.
    facts.before = whole_second(Timestamp::now());
    until(|| Timestamp::now().as_second() > facts.before.as_second() + 1, "a second passes").await?;
    let leaked = match scenario.damage {
        Damage::LeakCredentials => Some(Leaked::take(&context).await?),
        _ => None,
    };
    let damage_at = Timestamp::now();
    let done = do_damage(&context, &shop.spec(), scenario.damage).await?;
    phase.done(&done);
    moments.push(Moment { at: damage_at, what: done });
    if scenario.customers == Customers::Notice {
        until(|| has_failed(&canary.so_far(), damage_at), "a customer notices").await?;
    }
    let declared_at = Timestamp::now();
    let mut commands = Vec::new();
    for typed in scenario.recovers {
        let phase = run.ui.phase("Recovery");
        phase.now(&typed.words.join(" "));
        let command = types(run, typed, &mut facts).await?;
        phase.done(&format!("{} ended with {}", command.line, command.exit));
        commands.push(command);
    }
    let commands_ended_at = Timestamp::now();
    // Whether customers are back is theirs to say; that they are not is a result too.
    let _ = until(|| is_back(&canary.so_far(), commands_ended_at), "customers are back").await;
    let seen = canary.end().await;

    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let promises = &seen.promises;
    let missing =
        context.on_instance(async |reach: &Reach<'_>| acknowledged_that_are_missing(reach, promises).await).await?;
    let canary = Canaries::of(&seen, missing, damage_at);
    moments.extend(noticed(&canary));
    moments.extend(commands.iter().map(|one| Moment { at: one.at, what: format!("typed: {}", one.line) }));
    moments.push(Moment { at: commands_ended_at, what: "the last command has ended".to_owned() });
    moments.sort_by_key(|moment| moment.at);
    let mut assertions = assertions(run, shop, &url).await?;
    if let Some(leaked) = &leaked {
        let open = context.on_instance(async |reach: &Reach<'_>| leaked.still_open(reach).await).await?;
        let seen = if open.is_empty() { "key, password and proof are refused".to_owned() } else { open.join(", ") };
        assertions.push(Assertion { what: "the old credentials are dead".to_owned(), holds: open.is_empty(), seen });
    }
    let store = DrillStore::new(&shop.spec(), &shop.clients);
    let before = store.all().await?.into_iter().rfind(|report| report.scenario == scenario.name);
    let mut report = Report {
        format_version: Report::FORMAT,
        id: drill_id(run, scenario),
        scenario: scenario.name.to_owned(),
        story: scenario.story.to_owned(),
        stack: shop.settings.name(),
        target: if run.global.target == Target::Local { "local" } else { "aws" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        damage_at,
        declared_at,
        commands_ended_at,
        moments,
        commands,
        canary,
        assertions,
        by_hand: Vec::new(),
        left_behind: left_behind(shop).await?,
        verdicts: Vec::new(),
        before_seconds: before.map(|report| report.rto_seconds()),
    };
    report.judge(scenario.customers);
    store.put(&report).await?;
    Ok(report)
}

/// One run may be several drills.
fn drill_id(run: &Run, scenario: &Scenario) -> String {
    format!("{}-{}", run.record.id(), scenario.name)
}

fn has_failed(seen: &Seen, since: Timestamp) -> bool {
    seen.reads.iter().chain(&seen.writes).any(|answer| answer.at >= since && !answer.good)
}

fn is_back(seen: &Seen, since: Timestamp) -> bool {
    let last = |answers: &[jewel_runbooks::drill::canary::Answer]| {
        answers.iter().rev().take(3).all(|answer| answer.good && answer.at >= since)
    };
    last(&seen.reads) && last(&seen.writes)
}

fn noticed(canary: &Canaries) -> Vec<Moment> {
    let mut moments = Vec::new();
    for (what, outage) in [("look", canary.reads), ("buy", canary.writes)] {
        let say = |at: Option<Timestamp>, text: String| at.map(|at| Moment { at, what: text });
        moments.extend(say(outage.first_failure, format!("a customer could not {what}")));
        moments.extend(say(outage.back, format!("customers can {what} again")));
    }
    moments
}

/// What must be so after every recovery, whatever it was.
async fn assertions(run: &Run, shop: &Shop, url: &str) -> Result<Vec<Assertion>, Failure> {
    let seen = plan::look(run, shop).await?;
    let made = plan::make(shop, &seen, PlanOptions::default());
    let changes: Vec<String> = made.changes().map(|step| step.address.to_string()).collect();
    let health = jewel_runbooks::check(&Check { url, within: Duration::ZERO, pass: None }).await;
    let failed: Vec<&str> =
        health.probes.iter().filter(|probe| probe.failure.is_some()).map(|probe| probe.name).collect();
    let closed = jewel_aws::closed(&shop.spec(), &shop.clients).await?.is_some();
    let said = |list: &[String], none: &str| if list.is_empty() { none.to_owned() } else { list.join(", ") };
    Ok(vec![
        Assertion {
            what: "a plan shows no change".to_owned(),
            holds: made.is_empty() && made.refusals.is_empty(),
            seen: said(&changes, "none"),
        },
        Assertion {
            what: "a visitor's questions are answered".to_owned(),
            holds: health.healthy,
            seen: if failed.is_empty() { "all".to_owned() } else { format!("not {}", failed.join(", ")) },
        },
        Assertion {
            what: "the shop is open".to_owned(),
            holds: !closed,
            seen: if closed { "closed" } else { "open" }.to_owned(),
        },
    ])
}

/// What a recovery keeps on purpose, and a person deletes once it is not needed any more.
async fn left_behind(shop: &Shop) -> Result<Vec<String>, Failure> {
    let spec = shop.spec();
    let current = jewel_aws::pointers(&spec, &shop.clients).await?;
    let databases = jewel_aws::Databases::new(&spec, &shop.clients).all().await?;
    let old = databases.into_iter().filter(|name| *name != current.database);
    let delete = |name: &String| {
        format!("database {name}, kept: `aws lightsail delete-relational-database --relational-database-name {name}`")
    };
    Ok(old.map(|name| delete(&name)).collect())
}

fn whole_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

async fn until(is_so: impl Fn() -> bool, what: &str) -> Result<(), Failure> {
    let ends = Instant::now() + PATIENCE;
    while !is_so() {
        if Instant::now() >= ends {
            let why = format!("after {} s it is not yet so that {what}", PATIENCE.as_secs());
            return Err(Failure::new(Exit::Failed, why).hint("`jewelctl status` says how the shop is"));
        }
        sleep(LOOK).await;
    }
    Ok(())
}
