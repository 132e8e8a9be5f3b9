//! The steps of a machine's restore.

use jewel_aws::{Instances, Machine};
use jewel_engine::Held;
use jewel_runbooks::restore::{self, Restore, Step};

use super::after;
use crate::Run;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::Phase;
use crate::wiring::Shop;

/// Does one step; says what came of it.
pub(super) async fn step(
    run: &Run,
    shop: &Shop,
    restore: &Restore,
    step: Step,
    held: &Held,
    phase: &Phase,
) -> Result<String, Failure> {
    let spec = shop.spec();
    let instances = Instances::new(&spec, &shop.clients, Machine::numbered(restore.machine));
    let target = restore.target.as_str();
    match step {
        Step::Make => {
            restore::make_instance(&instances, restore).await?;
            Ok(format!("{target}, of {}", restore.source))
        }
        Step::Enter => {
            restore::await_instance(&instances, target, &mut |state| phase.now(state)).await?;
            Ok(format!("{target} runs"))
        }
        Step::PutInUse => {
            restore::move_address(&instances, &restore.previous, target).await?;
            Ok(format!("the address leads to {target}"))
        }
        Step::Provision => after::provision(run, shop, held).await,
        Step::Deploy => {
            let outputs = shop.outputs().await?;
            after::redeploy(run, shop, &shop.context(&outputs).await?).await
        }
        Step::Check => after::check(shop, &shop.outputs().await?).await,
        other => Err(Failure::new(Exit::Failed, format!("a machine's restore has no step `{}`", other.title()))),
    }
}
