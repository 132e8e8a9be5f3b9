//! `jewelctl drill`: rehearsals of disasters, for real.

pub(crate) mod operator;
mod rehearse;

use jewel_runbooks::drill::{DrillStore, Report, Scenario};
use serde_json::{Value, json};

use crate::Run;
use crate::args::{DrillCommand, DrillRunArgs, Target};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// Runs one of them.
pub async fn run(run: &Run, command: DrillCommand) -> Outcome {
    match command {
        DrillCommand::List => list(run).await,
        DrillCommand::Run(args) => drill(run, &args).await,
        DrillCommand::Report { drill } => report(run, drill.as_deref()).await,
    }
}

async fn list(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let done = DrillStore::new(&shop.spec(), &shop.clients).all().await?;
    let last = |scenario: &Scenario| done.iter().rev().find(|report| report.scenario == scenario.name);
    let objects: Vec<Value> = Scenario::ALL
        .iter()
        .map(|one| {
            let last = last(one).map(|report| json!({ "id": report.id, "passed": report.passed() }));
            json!({ "name": one.name, "story": one.story, "last": last })
        })
        .collect();
    run.ui.result(&json!({ "scenarios": objects }), || {
        let row =
            |one: &Scenario| [one.name.to_owned(), one.story.to_owned(), last(one).map_or("never".into(), summary)];
        ui::table(["scenario", "what happens", "last"], Scenario::ALL.iter().map(row))
    });
    Ok(Exit::Done)
}

fn summary(report: &Report) -> String {
    let verdict = if report.passed() { "passed" } else { "FAILED" };
    let day = report.damage_at.strftime("%Y-%m-%d");
    format!("{day} {verdict}, back after {:.0} s", report.rto_seconds())
}

async fn report(run: &Run, id: Option<&str>) -> Outcome {
    let shop = Shop::open(run).await?;
    let store = DrillStore::new(&shop.spec(), &shop.clients);
    let found = match id {
        Some(id) => store.get(id).await?,
        None => store.all().await?.pop(),
    };
    let report = found.ok_or_else(|| {
        let what = id.map_or_else(|| "no drill was ever run".to_owned(), |id| format!("there is no drill {id}"));
        Failure::new(Exit::Usage, what).hint("`jewelctl drill list` shows the last of each")
    })?;
    run.ui.result(&report, || report.to_markdown());
    Ok(Exit::Done)
}

async fn drill(run: &Run, args: &DrillRunArgs) -> Outcome {
    let scenarios: Vec<&Scenario> = match args.name.as_str() {
        "all" => Scenario::ALL.iter().collect(),
        name => vec![Scenario::named(name).ok_or_else(|| unknown(name))?],
    };
    let shop = Shop::open(run).await?;
    if args.dry_run {
        let foretold: Vec<Value> = scenarios.iter().map(|one| foretold(one)).collect();
        run.ui.result(&json!({ "drills": foretold }), || {
            scenarios.iter().map(|one| foretell(one)).collect::<Vec<_>>().join("\n\n")
        });
        return Ok(Exit::Done);
    }
    not_production(run, &shop)?;
    let names: Vec<&str> = scenarios.iter().map(|one| one.name).collect();
    let question = format!("Damage {} for real ({})?", shop.settings.name(), names.join(", "));
    run.ui.consent(&question)?;
    let mut reports = Vec::new();
    for scenario in scenarios {
        let report = rehearse::rehearse(run, &shop, scenario, args).await?;
        run.ui.say(&report.to_markdown());
        reports.push(report);
    }
    let passed = reports.iter().filter(|report| report.passed()).count();
    run.ui.result(&json!({ "drills": reports, "passed": passed }), || {
        let lines = reports.iter().map(|report| format!("{}: {} ({})", report.scenario, summary(report), report.id));
        lines.collect::<Vec<_>>().join("\n")
    });
    Ok(if passed == reports.len() { Exit::Done } else { Exit::CheckFailed })
}

/// On AWS a drill works on a copy. What a copy costs is known before it is made.
fn not_production(run: &Run, shop: &Shop) -> Result<(), Failure> {
    if run.global.target == Target::Local || shop.settings.file.env != "prod" {
        return Ok(());
    }
    Err(Failure::new(Exit::Refused, "a drill damages the shop for real, and this one is in use").hint(
        "declare `[env.drill]` in jewel.toml; `jewelctl cost --env drill` says what a month of it costs (an hour is a \
         720th), `jewelctl up --env drill --seed` makes it, `jewelctl drill run NAME --env drill` rehearses there, and \
         `jewelctl destroy --env drill --delete-data` removes it; or rehearse with `--target local`, which costs nothing",
    ))
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = Scenario::ALL.iter().map(|one| one.name).collect();
    Failure::new(Exit::Usage, format!("there is no scenario `{name}`")).hint(format!("there are {}", names.join(", ")))
}

fn foretold(scenario: &Scenario) -> Value {
    let lines: Vec<String> = scenario.recovers.iter().map(|typed| typed.words.join(" ")).collect();
    json!({
        "scenario": scenario.name, "story": scenario.story, "damage": scenario.damage, "typed": lines,
        "prepared": scenario.prepares.iter().map(|words| words.join(" ")).collect::<Vec<_>>(),
    })
}

fn foretell(scenario: &Scenario) -> String {
    let mut text = format!("{}: {}", scenario.name, scenario.story);
    for words in scenario.prepares {
        text.push_str(&format!("\n  before:  jewelctl {}", words.join(" ")));
    }
    for typed in scenario.recovers {
        let killed = typed.killed_after.map_or_else(String::new, |step| format!("   (killed after `{step}`)"));
        text.push_str(&format!("\n  typed:   jewelctl {}{killed}", typed.words.join(" ")));
    }
    text
}
