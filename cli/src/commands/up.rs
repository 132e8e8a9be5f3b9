//! `jewelctl up`: the whole shop, step by step. Each step finds what is done already and does the rest.

use std::time::Duration;

use jewel_engine::{Held, Plan, PlanOptions};
use serde::Serialize;

use super::plan::{look, make, refuse, within_budget};
use super::{apply, deploy, doctor, init, local, migrate, provision};
use crate::Run;
use crate::args::{Target, UpArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// What `up` did.
#[derive(Debug, Serialize)]
struct Done {
    /// The shop's address.
    url: String,
    /// Resources written.
    provisioned: usize,
    /// Migrations applied.
    migrated: usize,
    /// Pieces put into the catalogue.
    seeded: usize,
    /// Whether the API was given a new release or new settings.
    deployed: bool,
    /// The release that serves.
    release: String,
    /// Files of the site that were sent.
    site_files_sent: usize,
}

/// Brings everything up.
pub async fn run(run: &Run, args: &UpArgs) -> Outcome {
    if run.global.target == Target::Local {
        init::offer(run)?;
        // What is wrong with the file is said before a minute is spent on the machine.
        crate::settings::Settings::load(&run.global)?;
        if !args.dry_run {
            doctor::ensure_local(run).await?;
            local::up(run).await?;
        }
    }
    let shop = Shop::open(run).await?;
    let binary = deploy::find_binary(args.binary.as_deref())?;
    let seen = look(run, &shop).await?;
    let plan = make(&shop, &seen, PlanOptions::default());
    refuse(&plan)?;
    if args.dry_run {
        run.ui.result(&plan, || {
            format!("{}\nthen: migrate, deploy the API and the site, check", ui::plan(&plan, run.ui.verbose()))
        });
    }
    within_budget(&plan, args.over_budget)?;
    if args.dry_run {
        return Ok(Exit::Done);
    }
    if !plan.is_empty() {
        provision::consent(run, &shop, &plan).await?;
    }
    let wait = Duration::from_secs(args.lock_wait);
    let done =
        lock::holding(run, &shop, wait, async |held| steps(run, args, &shop, &plan, &binary, held).await).await?;
    run.ui.result(&done, || format!("the shop is up: {}", done.url));
    Ok(Exit::Done)
}

/// Everything after consent, under the lock.
async fn steps(
    run: &Run,
    args: &UpArgs,
    shop: &Shop,
    plan: &Plan,
    binary: &std::path::Path,
    held: &Held,
) -> Result<Done, Failure> {
    let provisioned = if plan.is_empty() { 0 } else { apply::apply(run, shop, plan, held).await?.written() };
    let outputs = shop.outputs().await?;
    // Only now is there a secret that could hold the keys.
    shop.payments().check(&shop.clients, &outputs.api_secret).await?;
    let context = shop.context(&outputs).await?;
    let seeds = args.seed || (run.global.target == Target::Local && !args.no_seed);
    let release = deploy::Wanted::new(deploy::from_here(binary));
    // One connection, one open door, for everything that happens on the first instance.
    let (migrated, seeded, mut deployed) = interruptible(
        run,
        context.on_instance(async |reach| {
            let database = jewel_runbooks::database::open(reach).await?;
            let migrated = migrate::apply(run, &database, migrate::LOCK_WAIT).await?;
            let seeded = if seeds { migrate::seed(run, reach).await? } else { 0 };
            let deployed = deploy::api(run, shop, reach, release).await?;
            Ok::<_, Failure>((migrated, seeded, deployed))
        }),
    )
    .await?;
    deployed.changed |= interruptible(run, deploy::further(run, shop, &context, release)).await?;
    let site_files_sent = interruptible(run, deploy::site(run, shop, &context, None)).await?.sent;
    let url = shop.url(&outputs).await?;
    check(run, &url).await?;
    Ok(Done {
        url,
        provisioned,
        migrated,
        seeded,
        deployed: deployed.changed,
        release: deployed.release,
        site_files_sent,
    })
}

/// Gives up at the first Ctrl-C: each of these steps can be cut anywhere and run again.
async fn interruptible<T>(run: &Run, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::select! {
        outcome = work => outcome,
        () = run.cancel.cancelled() => Err(Failure::interrupted("working on the shop")),
    }
}

/// Asks the shop what a visitor would ask.
async fn check(run: &Run, url: &str) -> Result<(), Failure> {
    let phase = run.ui.phase("Check");
    phase.now(url);
    let within = Duration::from_secs(60);
    let health = jewel_runbooks::check(&jewel_runbooks::Check { url, within, pass: None }).await;
    run.ui.event("check", &health);
    if let Some((probe, failure)) = health.probes.iter().find_map(|probe| Some((probe, probe.failure.as_ref()?))) {
        return Err(Failure::new(
            Exit::CheckFailed,
            format!("the shop does not answer as it should: {} ({})", probe.name, probe.url),
        )
        .because(failure.to_string())
        .hint("everything is in place; `jewelctl status` asks again"));
    }
    let slowest = health.probes.iter().map(|probe| probe.elapsed_ms).max().unwrap_or(0);
    phase.done(&format!("page, catalogue and pictures answer, the slowest in {slowest} ms"));
    Ok(())
}
