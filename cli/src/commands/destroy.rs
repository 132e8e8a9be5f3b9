//! `jewelctl destroy`: takes the shop down. Data stays, and the answer says where, unless `--delete-data`.

use jewel_engine::{Action, DestroyOptions, Plan, Step};
use serde_json::{Value, json};

use super::plan::{look, refuse};
use super::provision::carry_out;
use crate::Run;
use crate::args::DestroyArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// Deletes what a shop consists of.
pub async fn run(run: &Run, args: &DestroyArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    if !args.dry_run {
        consent(&shop.settings.name(), args)?;
    }
    let seen = look(run, &shop).await?;
    let options = DestroyOptions { delete_data: args.delete_data };
    let plan = jewel_engine::plan_destroy(&seen.stack, &seen.observed, &options);
    refuse(&plan)?;
    if args.dry_run {
        run.ui.result(&plan, || ui::plan(&plan, run.ui.verbose()));
        return Ok(Exit::Done);
    }
    let applied = carry_out(run, &shop, &plan, args.lock_wait).await?;
    let kept = kept(&plan);
    let deleted = applied.written();
    run.ui.result(&json!({ "deleted": deleted, "took_ms": applied.took_ms, "cost": plan.cost, "kept": kept }), || {
        let mut text = match deleted {
            0 => "nothing was there to delete".to_owned(),
            deleted => {
                let seconds = applied.took_ms as f64 / 1000.0;
                format!("{deleted} resources deleted in {seconds:.1} s\n{}", ui::cost(&plan))
            }
        };
        if !kept.is_empty() {
            text.push_str("\nkept, because they hold data (--delete-data deletes them):\n");
            let rows = plan.steps.iter().filter(|step| step.action == Action::Keep);
            let place = |step: &Step| step.reasons.join("; ").replace("it holds data: ", "");
            text.push_str(&ui::table(["resource", "where"], rows.map(|step| [step.address.to_string(), place(step)])));
        }
        text
    });
    Ok(Exit::Done)
}

/// The typed name; `--yes` is not enough.
fn consent(name: &str, args: &DestroyArgs) -> Result<(), Failure> {
    match &args.confirm {
        Some(typed) if typed == name => Ok(()),
        Some(typed) => {
            Err(Failure::new(Exit::Refused, format!("`{typed}` is not this shop's name; nothing was deleted"))
                .hint(format!("--confirm {name}")))
        }
        None => Err(Failure::new(Exit::Refused, "taking a shop down needs its name typed; nothing was deleted")
            .hint(format!("`jewelctl destroy --dry-run` shows what would go; --confirm {name} consents"))),
    }
}

fn kept(plan: &Plan) -> Vec<Value> {
    plan.steps
        .iter()
        .filter(|step| step.action == Action::Keep)
        .map(|step| json!({ "address": step.address, "title": step.title, "why": step.reasons }))
        .collect()
}
