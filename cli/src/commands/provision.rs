//! `jewelctl provision`: plan, ask, lock, apply.

use std::time::Duration;

use jewel_engine::{
    Action, ApplyOptions, DestroyOptions, EventKind, FailureKind, Held, Plan, PlanKind, PlanOptions, Report, Status,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::plan::{load, look, refuse};
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
        None => jewel_engine::plan(&seen.stack, &seen.observed, &args.consent.options(&seen.stack)?),
    };
    refuse(&plan)?;
    if args.dry_run {
        run.ui.result(&plan, || ui::plan(&plan, run.ui.verbose()));
        return Ok(Exit::Done);
    }
    let changes = carry_out(run, &shop, &plan, args.lock_wait).await?;
    let outputs = shop.outputs().await?;
    run.ui.result(&json!({ "changes": changes, "outputs": outputs }), || match changes {
        0 => ui::summary(&plan),
        changes => format!("{changes} resources changed; {} is as `jewel.toml` says", shop.settings.name()),
    });
    Ok(Exit::Done)
}

/// Shows the plan, asks, takes the lock, reads again, applies. A plan without changes does none of that.
///
/// Gives the number of resources that were written.
pub async fn carry_out(run: &Run, shop: &Shop, plan: &Plan, lock_wait: u64) -> Result<usize, Failure> {
    if plan.is_empty() {
        lock::sweep(shop).await?;
        return Ok(0);
    }
    consent(run, shop, plan)?;
    let wait = Duration::from_secs(lock_wait);
    lock::holding(run, shop, wait, async |held| apply(run, shop, plan, held).await).await
}

/// Shows the plan and asks. A destroy has its own consent, the typed name.
pub fn consent(run: &Run, shop: &Shop, plan: &Plan) -> Result<(), Failure> {
    run.ui.say(&ui::plan(plan, run.ui.verbose()));
    match plan.kind {
        PlanKind::Provision => run.ui.consent(&format!("Change these in account {}?", shop.account_id)),
        PlanKind::Destroy => Ok(()),
    }
}

/// Applies what is still to be done of the plan, under a lock; gives the number of resources that were written.
pub async fn apply(run: &Run, shop: &Shop, plan: &Plan, held: &Held) -> Result<usize, Failure> {
    // Somebody may have finished a run between our reading and our lock: do what is left of the plan, never more.
    let again = look(run, shop).await?;
    let left;
    let plan = if plan.check_fresh(&again.stack, &again.observed).is_ok() {
        plan
    } else {
        left = match plan.kind {
            PlanKind::Provision => {
                let options =
                    PlanOptions { adopt: plan.adopt, replace: plan.replace.clone(), ..PlanOptions::default() };
                jewel_engine::plan(&again.stack, &again.observed, &options)
            }
            PlanKind::Destroy => {
                let delete_data = plan.steps.iter().any(|step| step.holds_data && step.action == Action::Delete);
                jewel_engine::plan_destroy(&again.stack, &again.observed, &DestroyOptions { delete_data })
            }
        };
        if !is_part_of(&left, plan) {
            return Err(Failure::new(
                Exit::StalePlan,
                "something changed between the plan and the lock; nothing was changed",
            )
            .hint("run the same command again and look at the new plan"));
        }
        &left
    };
    refuse(plan)?;
    let title = if plan.kind == PlanKind::Provision { "Provisioning" } else { "Destroying" };
    let phase = run.ui.phase(title);
    let cancel = run.cancel.child_token();
    let stop = cancel.clone();
    let (lost, ours_to_delete) = (held.lost().clone(), CancellationToken::new());
    let deleting = ours_to_delete.clone();
    let guard = tokio::spawn(async move {
        tokio::select! {
            biased;
            () = deleting.cancelled() => {}
            () = lost.cancelled() => stop.cancel(),
        }
    });
    let options = ApplyOptions { cancel, ..ApplyOptions::default() };
    let total = plan.changes().count();
    let done = std::sync::atomic::AtomicUsize::new(0);
    let report = jewel_engine::apply(&again.stack, plan, &again.observed, &options, &|event| {
        run.ui.event("provision", &event);
        match &event.kind {
            EventKind::Started { title, action } => {
                // The last step of a destroy takes the lock with it: its renewals then fail, and nobody took it.
                let last = again.stack.resource(event.address.as_str()).is_some_and(|resource| resource.last_to_go());
                if *action == Action::Delete && last {
                    ours_to_delete.cancel();
                }
                phase.now(title);
            }
            EventKind::Waiting { status, elapsed_ms } => {
                phase.now(&format!("{} is {status} ({} s)", event.address, elapsed_ms / 1000));
            }
            EventKind::Retrying { failure } => phase.now(&format!("again: {failure}")),
            EventKind::Finished { took_ms, .. } => {
                let number = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
                phase.line(&format!("[{number}/{total}] {} {:.1}s", event.address, *took_ms as f64 / 1000.0));
            }
            EventKind::Failed { failure, .. } => phase.line(&format!("failed: {failure}")),
            EventKind::Read { .. } | EventKind::Skipped { .. } => {}
        }
    })
    .await?;
    guard.abort();
    if report.interrupted && run.cancel.is_cancelled() {
        return Err(Failure::interrupted("changing resources"));
    }
    let lock_lost = report.interrupted;
    if lock_lost && real_failures(&report).next().is_none() {
        return Err(without_lock(shop, held).await);
    }
    judge(&report, lock_lost)?;
    phase.done(&format!("{} resources written", report.written()));
    Ok(report.written())
}

/// Whether everything that `left` does was announced by `plan`, or is the rest of something announced.
fn is_part_of(left: &Plan, plan: &Plan) -> bool {
    left.changes().all(|step| {
        plan.changes().any(|announced| {
            announced.address == step.address
                && (announced.action == step.action
                    || (step.action == Action::Update && announced.action != Action::Delete))
        })
    })
}

/// Whether the report is one of success.
fn judge(report: &Report, lock_lost: bool) -> Result<(), Failure> {
    if report.is_complete() {
        return Ok(());
    }
    let mut failures = real_failures(report);
    let mut failure = match failures.next() {
        Some(first) => Failure::from(first.clone()),
        None => Failure::new(Exit::Failed, "not every resource was changed").hint("run the same command again"),
    };
    for other in failures {
        failure = failure.because(other.to_string());
    }
    let skipped = report.outcomes.iter().filter(|outcome| matches!(outcome.status, Status::Skipped { .. })).count();
    if skipped > 0 {
        failure = failure.because(format!("{skipped} resources that need it were not attempted"));
    }
    if lock_lost {
        failure = failure
            .while_doing("the lock could not be kept, so nothing more was started")
            .hint("nothing is half done: the same command goes on from here");
    }
    Err(failure)
}

/// The report's failures but those of steps that were stopped because of another: they say nothing about the cause.
fn real_failures(report: &Report) -> impl Iterator<Item = &jewel_engine::Failure> {
    report.failures().map(|(_, failure)| failure).filter(|failure| failure.kind != FailureKind::Interrupted)
}

/// Why the lock was lost: somebody took it, or the cloud went silent.
async fn without_lock(shop: &Shop, held: &Held) -> Failure {
    let again = "nothing is half done: the same command goes on from here";
    match jewel_aws::lease(&shop.spec(), &shop.clients).status().await {
        Ok(Some(record)) if record.id == held.record().id => {
            Failure::new(Exit::Failed, "the lock could not be renewed in time, so nothing more was started").hint(again)
        }
        Ok(_) => Failure::new(Exit::Locked, "the lock was taken away meanwhile; nothing more was changed")
            .hint(format!("{again}, once nobody else works on the shop")),
        Err(error) => Failure::from(error)
            .while_doing("the cloud does not answer, so the lock could not be kept and nothing more was started")
            .hint(again),
    }
}
