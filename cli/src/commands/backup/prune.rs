//! `jewelctl backup prune`: what no rule keeps goes, and what is kept says why.

use std::time::Duration;

use jewel_backup::retention::Keep;
use jewel_backup::{Plan, prune};
use jiff::Timestamp;
use serde_json::json;

use super::Kept;
use crate::Run;
use crate::args::KeepArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::ui;
use crate::wiring::{Shop, lock};

/// Shows what goes and what stays, asks, deletes.
pub(super) async fn run(run: &Run, args: KeepArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let kept = Kept::open(&shop, &outputs).await?;
    let keep = Keep { daily: args.daily, weekly: args.weekly, monthly: args.monthly };
    let plan = Plan::new(&kept.all().await?, keep, Timestamp::now());
    let going: Vec<&str> = plan.going().collect();
    let decisions: Vec<_> = plan
        .decisions
        .iter()
        .map(|one| json!({ "id": one.what, "keeps": one.reason.keeps(), "reason": one.reason.to_string() }))
        .collect();
    let result = json!({
        "deletes": going, "decisions": decisions, "leftovers": plan.leftovers, "doubtful": plan.doubtful,
        "dry_run": args.dry_run,
    });
    let text = words(&plan);
    if args.dry_run || going.is_empty() {
        run.ui.result(&result, || text);
        return Ok(Exit::Done);
    }
    run.ui.say(&text);
    run.ui.consent(&format!("Delete {} of them?", going.len()))?;
    let phase = run.ui.phase("Prune");
    lock::holding(run, &shop, Duration::ZERO, async |_| {
        let mut tell = |event: jewel_backup::Event| phase.now(&ui::words::backup(&event));
        Ok(prune(&kept.backups, &plan, &mut tell).await.map_err(jewel_runbooks::Error::from)?)
    })
    .await?;
    phase.done(&format!("{} are deleted", going.len()));
    run.ui.result(&result, || format!("{} backups are deleted", going.len()));
    Ok(Exit::Done)
}

fn words(plan: &Plan) -> String {
    let decided = plan.decisions.iter().map(|one| {
        [one.what.clone(), if one.reason.keeps() { "stays" } else { "goes" }.to_owned(), one.reason.to_string()]
    });
    let leftovers = plan.leftovers.iter().map(|id| [id.clone(), "goes".into(), "it was never finished".into()]);
    let doubtful =
        plan.doubtful.iter().map(|id| [id.clone(), "stays".into(), "it is damaged; look at it first".into()]);
    ui::table(["backup", "", "because"], decided.chain(leftovers).chain(doubtful))
}
