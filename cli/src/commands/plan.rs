//! `jewelctl plan`: reads everything, compares, prints. Changes nothing.

use std::io::Write as _;
use std::path::Path;

use jewel_engine::{ObserveOptions, Observed, Plan, PlanOptions, Stack, Usd};

use super::cost;
use crate::Run;
use crate::args::PlanArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// Shows what `provision` would change.
pub async fn run(run: &Run, args: &PlanArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let seen = look(run, &shop).await?;
    let plan = make(&shop, &seen, args.consent.options(&seen.stack)?);
    if let Some(path) = &args.out {
        save(&plan, path)?;
    }
    run.ui.result(&plan, || ui::plan(&plan, run.ui.verbose()));
    refuse(&plan)?;
    within_budget(&plan, args.consent.over_budget)?;
    Ok(if args.exit_code && !plan.is_empty() { Exit::Pending } else { Exit::Done })
}

/// A stack, and what is there of it.
pub struct Seen {
    /// What is wanted.
    pub stack: Stack,
    /// What is there.
    pub observed: Observed,
}

/// Reads the whole stack.
pub async fn look(run: &Run, shop: &Shop) -> Result<Seen, Failure> {
    let stack = shop.stack()?;
    let phase = run.ui.phase("Reading");
    let (options, sink) =
        (ObserveOptions::default(), |event: jewel_engine::Event| phase.now(&event.address.to_string()));
    let observed = tokio::select! {
        observed = jewel_engine::observe(&stack, &options, &sink) => observed,
        () = run.cancel.cancelled() => return Err(Failure::interrupted("reading what is there")),
    };
    if let Some((_, failure)) = observed.first_failure() {
        return Err(Failure::from(failure.clone()));
    }
    Ok(Seen { stack, observed })
}

/// Compares what is wanted with what is there, and what that costs with what it may cost.
pub fn make(shop: &Shop, seen: &Seen, options: PlanOptions) -> Plan {
    let options = PlanOptions {
        budget: Some(Usd::dollars(shop.settings.file.budget.monthly_usd)),
        subscription: jewel_aws::subscription(&shop.spec(), &seen.observed.outputs()),
        ..options
    };
    jewel_engine::plan(&seen.stack, &seen.observed, &options)
}

/// Fails when the plan would change something and the shop would cost more than it may. What is paid already is no
/// reason to refuse a plan that changes nothing.
pub fn within_budget(plan: &Plan, over_budget: bool) -> Result<(), Failure> {
    if over_budget || plan.is_empty() || !plan.cost.is_over_budget() {
        return Ok(());
    }
    Err(cost::over_budget(plan.cost.after_usd, plan.cost.budget_usd.unwrap_or_default()))
}

/// Fails when the plan must not be applied.
pub fn refuse(plan: &Plan) -> Result<(), Failure> {
    let Some(first) = plan.refusals.first() else { return Ok(()) };
    let mut failure = Failure::from(first.failure.clone()).with_exit(Exit::Refused);
    for other in plan.refusals.iter().skip(1) {
        failure = failure.because(other.failure.to_string());
    }
    Err(failure)
}

/// Reads a plan written by `--out`.
pub fn load(path: &Path) -> Result<Plan, Failure> {
    let text = fs_err::read_to_string(path).map_err(|error| Failure::from_error(Exit::Usage, &error))?;
    serde_json::from_str(&text).map_err(|error| {
        Failure::from_error(Exit::Usage, &error)
            .while_doing(format!("`{}` is not a plan", path.display()))
            .hint("`jewelctl plan --out FILE` writes one")
    })
}

fn save(plan: &Plan, path: &Path) -> Result<(), Failure> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".plan-").tempfile_in(folder)?;
    let text = serde_json::to_string_pretty(plan).map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| Failure::from(error.error))?;
    Ok(())
}
