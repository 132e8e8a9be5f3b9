//! What follows when something new plays a role: the rest of the cloud, the API, a visitor's questions.

use std::time::Duration;

use jewel_aws::Outputs;
use jewel_engine::{Action, Held, PlanOptions};
use jewel_host::Origin;
use jewel_runbooks::{Check, Context, Reach};

use crate::Run;
use crate::commands::{apply, deploy, plan};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::Shop;

/// How long the shop may take to answer.
const ANSWERS: Duration = Duration::from_secs(60);

/// Makes the cloud what the settings say: alarms, ports, windows and automatic snapshots of what is new. Nothing is
/// deleted by a restore.
pub(super) async fn provision(run: &Run, shop: &Shop, held: &Held) -> Result<String, Failure> {
    let seen = plan::look(run, shop).await?;
    let made = plan::make(shop, &seen, PlanOptions::default());
    plan::refuse(&made)?;
    if let Some(step) = made.changes().find(|step| matches!(step.action, Action::Delete | Action::Replace)) {
        let what = format!("{} would be deleted, which is no part of a restore", step.title);
        return Err(Failure::new(Exit::Refused, what).hint("settle it with `jewelctl provision` first"));
    }
    if made.is_empty() {
        return Ok("everything is as the settings say".to_owned());
    }
    Ok(apply::apply(run, shop, &made, held).await?.to_string())
}

/// Puts the API into service on every machine: the release that it has, or this program's own where it has none.
pub(super) async fn redeploy(run: &Run, shop: &Shop, context: &Context<'_>) -> Result<String, Failure> {
    let count = context.outputs.instances.len();
    let mut release = String::new();
    for (number, instance) in (1..).zip(&context.outputs.instances) {
        let work = async |reach: &Reach<'_>| {
            let state = jewel_host::inspect(reach.session()).await?;
            let binary;
            let origin = match state.current().filter(|current| current.served) {
                Some(current) => Origin::Kept(current),
                None => {
                    binary = deploy::find_binary(crate::environment::api_binary().as_deref())?;
                    deploy::from_here(&binary)
                }
            };
            deploy::one(run, shop, reach, deploy::Wanted::new(origin), number == count).await
        };
        release = context.on(instance, work).await?.release;
    }
    Ok(format!("{release} serves"))
}

/// Asks what a visitor would ask; of a shop that is closed, what its people see.
pub(super) async fn check(shop: &Shop, outputs: &Outputs) -> Result<String, Failure> {
    let url = shop.url(outputs).await?;
    let pass = jewel_aws::closed(&shop.spec(), &shop.clients).await?.map(|closed| closed.pass);
    let health = jewel_runbooks::check(&Check { url: &url, within: ANSWERS, pass: pass.as_deref() }).await;
    if let Some((probe, why)) = health.probes.iter().find_map(|probe| Some((probe, probe.failure.as_ref()?))) {
        let what = format!("the shop does not answer as it should: {} ({})", probe.name, probe.url);
        return Err(Failure::new(Exit::CheckFailed, what).because(why.to_string()));
    }
    Ok("page, catalogue and pictures answer".to_owned())
}
