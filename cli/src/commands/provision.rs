//! `jewelctl provision`: plan, ask, lock, apply.

use std::time::Duration;

use jewel_engine::{Plan, PlanKind};
use serde_json::json;

use super::apply::{self, Applied};
use super::guards;
use super::plan::{load, look, make, refuse, within_budget};
use crate::Run;
use crate::args::ProvisionArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// Makes the cloud what `jewel.toml` says.
pub async fn run(run: &Run, args: &ProvisionArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let seen = look(run, &shop).await?;
    let plan = match &args.plan {
        Some(path) => {
            let plan = load(path)?;
            if plan.kind != PlanKind::Provision {
                return Err(Failure::new(Exit::Usage, format!("`{}` is a plan to destroy", path.display())));
            }
            plan.check_fresh(&seen.stack, &seen.observed).map_err(|stale| {
                Failure::from_error(Exit::StalePlan, &stale)
                    .hint("nothing was changed; make a new plan with `jewelctl plan --out FILE` and look at it")
            })?;
            plan
        }
        None => make(&shop, &seen, args.consent.options(&seen.stack)?),
    };
    refuse(&plan)?;
    if args.dry_run {
        run.ui.result(&plan, || ui::plan(&plan, run.ui.verbose()));
    }
    within_budget(&plan, args.consent.over_budget)?;
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let applied = carry_out(run, &shop, &plan, args.lock_wait).await?;
    let outputs = shop.outputs().await?;
    let url = shop.url(&outputs).await?;
    let next = next_steps(&shop, &applied);
    let result = json!({
        "changes": applied.written(), "applied": applied, "cost": plan.cost, "url": url, "next": next,
        "outputs": outputs,
    });
    run.ui.result(&result, || {
        if applied.written() == 0 {
            return ui::summary(&plan);
        }
        let mut text = format!("{applied}\n{}\n{} is at {url}", ui::cost(&plan), shop.settings.name());
        if !next.is_empty() {
            text.push_str("\n\nnext:");
            next.iter().for_each(|step| text.push_str(&format!("\n  {step}")));
        }
        text
    });
    Ok(Exit::Done)
}

/// Shows the plan, asks, takes the lock, reads again, applies. A plan without changes does none of that.
///
/// Gives what was done.
pub async fn carry_out(run: &Run, shop: &Shop, plan: &Plan, lock_wait: u64) -> Result<Applied, Failure> {
    if plan.is_empty() {
        lock::sweep(shop).await?;
        return Ok(Applied::default());
    }
    consent(run, shop, plan).await?;
    let wait = Duration::from_secs(lock_wait);
    lock::holding(run, shop, wait, async |held| apply::apply(run, shop, plan, held).await).await
}

/// Shows the plan and asks. A destroy has its own consent, the typed name.
pub async fn consent(run: &Run, shop: &Shop, plan: &Plan) -> Result<(), Failure> {
    run.ui.say(&ui::plan(plan, run.ui.verbose()));
    guards::credentials(run, shop, plan).await?;
    match plan.kind {
        PlanKind::Provision => run.ui.consent(&format!("Change these in account {}?", shop.account_id)),
        PlanKind::Destroy => Ok(()),
    }
}

/// What the operator has to do now that the resources are there.
fn next_steps(shop: &Shop, applied: &Applied) -> Vec<String> {
    let mut next = Vec::new();
    if applied.has_made("instance") || applied.has_made("database") {
        next.push("jewelctl up: migrate the schema, deploy the API and the site, check".to_owned());
    }
    let emails = &shop.settings.file.alerts.emails;
    if (applied.has_made("topic") || applied.has_changed("topic")) && !emails.is_empty() {
        next.push(format!("confirm the mails that AWS sent to {}: no alarm is sent before", emails.join(", ")));
    }
    next
}
