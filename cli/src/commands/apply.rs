//! Carrying a plan out under the lock: watched, recorded, and reported resource by resource.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use jewel_engine::{
    Action, Address, ApplyOptions, DestroyOptions, EventKind, FailureKind, Held, Plan, PlanKind, PlanOptions, Report,
};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::plan::{Seen, look, make, refuse};
use crate::Run;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::{self, Phase, Progress};
use crate::wiring::Shop;

/// What an apply did.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Applied {
    /// Addresses of what was made, or made anew.
    pub created: Vec<String>,
    /// Of what was changed in place, or taken over.
    pub changed: Vec<String>,
    /// Of what was deleted.
    pub deleted: Vec<String>,
    /// How many were as they should be.
    pub unchanged: usize,
    /// How many were left because they hold data.
    pub kept: usize,
    /// Milliseconds it took.
    pub took_ms: u64,
}

impl Applied {
    /// Counted as the operator was told: the lock's bucket is there before the rest, and yet it is created.
    fn of(report: &Report, announced: &Plan) -> Self {
        let of = |actions: &[Action]| -> Vec<String> {
            let told = announced.steps.iter().filter(|step| actions.contains(&step.action));
            let wrote =
                |address: &Address| report.outcomes.iter().any(|outcome| outcome.wrote && outcome.address == *address);
            told.filter(|step| wrote(&step.address)).map(|step| step.address.to_string()).collect()
        };
        let (created, deleted) = (of(&[Action::Create, Action::Replace]), of(&[Action::Delete]));
        let changed = of(&[Action::Update, Action::Adopt]);
        let kept = report.outcomes.iter().filter(|outcome| outcome.action == Action::Keep).count();
        let unchanged = report.outcomes.len() - kept - report.written();
        Self { created, changed, deleted, unchanged, kept, took_ms: report.took_ms }
    }

    /// How many resources were written.
    pub fn written(&self) -> usize {
        self.created.len() + self.changed.len() + self.deleted.len()
    }

    /// `46 created, 2 changed`
    fn counts(&self) -> String {
        let counts = [
            (self.created.len(), "created"),
            (self.changed.len(), "changed"),
            (self.deleted.len(), "deleted"),
            (self.unchanged, "as they were"),
            (self.kept, "kept"),
        ];
        let words: Vec<String> =
            counts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        words.join(", ")
    }

    /// Whether a resource of this kind was made.
    pub fn has_made(&self, kind: &str) -> bool {
        is_among(&self.created, kind)
    }

    /// Whether a resource of this kind was changed.
    pub fn has_changed(&self, kind: &str) -> bool {
        is_among(&self.changed, kind)
    }
}

fn is_among(addresses: &[String], kind: &str) -> bool {
    addresses.iter().any(|address| address.split('.').next() == Some(kind))
}

/// `46 created, 2 changed in 31.4 s`
impl fmt::Display for Applied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {:.1} s", self.counts(), self.took_ms as f64 / 1000.0)
    }
}

/// Applies what is still to be done of the plan, under a lock.
pub async fn apply(run: &Run, shop: &Shop, announced: &Plan, held: &Held) -> Result<Applied, Failure> {
    // Somebody may have finished a run between our reading and our lock: do what is left of the plan, never more.
    let again = look(run, shop).await?;
    let left;
    let plan = if announced.check_fresh(&again.stack, &again.observed).is_ok() {
        announced
    } else {
        left = match announced.kind {
            PlanKind::Provision => {
                let options = PlanOptions {
                    adopt: announced.adopt,
                    replace: announced.replace.clone(),
                    ..PlanOptions::default()
                };
                make(shop, &again, options)
            }
            PlanKind::Destroy => {
                let delete_data = announced.steps.iter().any(|step| step.holds_data && step.action == Action::Delete);
                jewel_engine::plan_destroy(&again.stack, &again.observed, &DestroyOptions { delete_data })
            }
        };
        if !is_part_of(&left, announced) {
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
    let report = watched(run, &phase, &again, plan, &options, &ours_to_delete).await?;
    guard.abort();
    run.record.steps(&report);
    if report.interrupted && run.cancel.is_cancelled() {
        let (text, value) = ui::report(&report);
        return Err(Failure::interrupted("changing resources").report(text, value));
    }
    let lock_lost = report.interrupted;
    if lock_lost && real_failures(&report).next().is_none() {
        return Err(without_lock(shop, held).await);
    }
    judge(&report, lock_lost)?;
    let applied = Applied::of(&report, announced);
    phase.done(&applied.counts());
    Ok(applied)
}

/// Applies, and shows what happens and what is waited for.
async fn watched(
    run: &Run,
    phase: &Phase,
    again: &Seen,
    plan: &Plan,
    options: &ApplyOptions,
    ours_to_delete: &CancellationToken,
) -> Result<Report, Failure> {
    let progress = Progress::new(&run.ui, phase, plan);
    let sink = |event: jewel_engine::Event| {
        run.ui.event("provision", &event);
        progress.on(&event);
        if let EventKind::Started { action: Action::Delete, .. } = &event.kind
            && again.stack.resource(event.address.as_str()).is_some_and(|resource| resource.last_to_go())
        {
            // The last step of a destroy takes the lock with it: its renewals then fail, and nobody took it.
            ours_to_delete.cancel();
        }
    };
    let mut clock = tokio::time::interval(Duration::from_secs(1));
    let mut applying = pin!(jewel_engine::apply(&again.stack, plan, &again.observed, options, &sink));
    loop {
        tokio::select! {
            report = &mut applying => return Ok(report?),
            _ = clock.tick() => progress.tick(),
        }
    }
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
        None => Failure::new(Exit::Failed, "not every resource was changed"),
    };
    for other in failures {
        failure = failure.because(other.to_string());
    }
    let (text, value) = ui::report(report);
    failure = failure.report(text, value).next("the same command goes on from here");
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
