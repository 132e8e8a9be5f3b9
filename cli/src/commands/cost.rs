//! `jewelctl cost`: what the shop of this `jewel.toml` costs a month, line by line. Asks nobody.

use jewel_aws::{Clients, Rate, Traffic};
use jewel_engine::{Bill, Subscription, Usd};
use serde::Serialize;

use crate::Run;
use crate::args::CostArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::ui;
use crate::wiring;

/// The account is part of names, not of prices.
const ANY_ACCOUNT: &str = "000000000000";

/// What a month costs.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// In all. Where CloudFront's Free plan is asked for and may be refused: without it.
    pub total_usd: Usd,
    /// In all, if CloudFront's Free plan is granted; nothing where it is not asked for.
    pub free_plan_total_usd: Option<Usd>,
    /// What it may cost.
    pub budget_usd: Usd,
    /// Whether it costs more.
    pub over_budget: bool,
    /// Each item.
    #[serde(flatten)]
    pub bill: Bill,
    /// What the lines with an `assumption` assume: `[traffic]` of the file.
    pub assumptions: Traffic,
}

/// Prints it.
pub async fn run(run: &Run, args: &CostArgs) -> Outcome {
    if args.prices {
        let rates: Vec<Rate> = jewel_aws::rates();
        run.ui.result(&rates, || ui::cost::rates(&rates));
        return Ok(Exit::Done);
    }
    let settings = Settings::load(&run.global)?;
    let spec = wiring::spec(&settings, ANY_ACCOUNT);
    let stack = jewel_aws::stack(&spec, &Clients::offline(&spec.region).await?)?;
    let bill = jewel_aws::bill(&spec, &stack);
    let budget = Usd::dollars(settings.file.budget.monthly_usd).rounded();
    let total = bill.total().rounded();
    let asked = jewel_aws::subscription(&spec, &Default::default()) != Subscription::None;
    let cost = Cost {
        total_usd: total,
        free_plan_total_usd: asked.then(|| bill.subscribed_total().rounded()),
        budget_usd: budget,
        over_budget: total > budget,
        bill,
        assumptions: spec.traffic,
    };
    run.ui.result(&cost, || ui::cost::bill(&cost, run.ui.verbose()));
    if cost.over_budget { Err(over_budget(total, budget)) } else { Ok(Exit::Done) }
}

/// Exit 7: it costs more than it may.
pub fn over_budget(total: Usd, budget: Usd) -> Failure {
    Failure::new(
        Exit::Refused,
        format!("the shop would cost USD {total} a month, and `budget.monthly_usd` allows USD {budget}"),
    )
    .hint("`jewelctl cost` shows each line; make it cheaper, raise the budget, or go on with --over-budget")
}
