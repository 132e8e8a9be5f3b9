//! Walks a plan: as much at once as its edges and a bound allow.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::{FutureExt as _, StreamExt as _, stream::FuturesUnordered};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    Action, Address, Attributes, Event, EventKind, Failure, FailureKind, Found, Inputs, Observed, OutputMap, Plan,
    Refusal, Sink, Stack, Step, reconcile::Reconcile, stack::Node,
};

/// How to apply.
#[derive(Debug, Clone)]
pub struct ApplyOptions {
    /// At most so many steps at once.
    pub parallelism: usize,
    /// How often a wait looks again.
    pub pace: Pace,
    /// Cancelled to stop: what is in flight is finished, waits end, nothing new begins.
    pub cancel: CancellationToken,
}

impl Default for ApplyOptions {
    fn default() -> Self {
        Self { parallelism: 48, pace: Pace::default(), cancel: CancellationToken::new() }
    }
}

/// How often a wait looks again.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The first pause; each next one is longer, a tenth while waiting, half as long again after trouble.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// How long an accepted write may take to show in reads, and how long conflicts are borne.
    pub settle: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { first: Duration::from_millis(200), longest: Duration::from_secs(10), settle: Duration::from_secs(90) }
    }
}

/// What became of an apply.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// One for each step, in the order of the plan.
    pub outcomes: Vec<Outcome>,
    /// What the resources offer now.
    pub outputs: OutputMap,
    /// Whether it was told to stop before all was done.
    pub interrupted: bool,
    /// Milliseconds it took.
    pub took_ms: u64,
}

impl Report {
    /// Whether everything the plan said is so.
    pub fn is_complete(&self) -> bool {
        self.outcomes.iter().all(|outcome| matches!(outcome.status, Status::Unchanged | Status::Done | Status::Kept))
    }

    /// The failed steps.
    pub fn failures(&self) -> impl Iterator<Item = (&Outcome, &Failure)> {
        self.outcomes.iter().filter_map(|outcome| match &outcome.status {
            Status::Failed { failure } => Some((outcome, failure)),
            _ => None,
        })
    }

    /// How many steps wrote something.
    pub fn written(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.wrote).count()
    }
}

/// What became of one step.
#[derive(Debug, Clone, Serialize)]
pub struct Outcome {
    /// Which resource.
    pub address: Address,
    /// What it is called, for people.
    pub title: String,
    /// What was planned.
    pub action: Action,
    /// What happened.
    #[serde(flatten)]
    pub status: Status,
    /// Whether anything was written.
    pub wrote: bool,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// Why it was kept or done, from the plan.
    pub reasons: Vec<String>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum Status {
    /// There was nothing to do.
    Unchanged,
    /// It was done.
    Done,
    /// It was left because it holds data or is not ours.
    Kept,
    /// It failed.
    Failed {
        /// How.
        failure: Failure,
    },
    /// It was not attempted because what it needs failed.
    Skipped {
        /// What failed.
        because: Address,
    },
    /// It was not attempted because the run was told to stop.
    NotStarted,
}

/// A plan that may not be applied.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The plan itself says why not.
    #[error("the plan may not be applied: {} of its resources cannot be changed", refusals.len())]
    Refused {
        /// Why.
        refusals: Vec<Refusal>,
    },
    /// The plan is of another stack.
    #[error("the plan does not belong to stack {stack}: it has {address}, which the stack has not")]
    OtherStack {
        /// The stack's name.
        stack: String,
        /// What only the plan has.
        address: Address,
    },
}

/// Does what the plan says.
///
/// A failed step does not stop steps that do not need it. The report tells what became of each.
///
/// # Errors
/// Only when nothing was attempted.
pub async fn apply(
    stack: &Stack,
    plan: &Plan,
    observed: &Observed,
    options: &ApplyOptions,
    sink: Sink<'_>,
) -> Result<Report, ApplyError> {
    if !plan.refusals.is_empty() {
        return Err(ApplyError::Refused { refusals: plan.refusals.clone() });
    }
    if let Some(step) = plan.steps.iter().find(|step| stack.node(&step.address).is_none()) {
        return Err(ApplyError::OtherStack { stack: stack.name().to_owned(), address: step.address.clone() });
    }
    let began = Instant::now();
    let planned = plan.steps.iter().map(|step| step.address.clone()).collect();
    let mut walk = Walk { outputs: observed.outputs(), done: BTreeMap::new(), planned };
    let mut waiting: Vec<&Step> = plan.steps.iter().collect();
    let mut running = FuturesUnordered::new();
    loop {
        let before = waiting.len();
        let mut still = Vec::new();
        for step in waiting {
            match walk.next(step, running.len() < options.parallelism.max(1), options.cancel.is_cancelled()) {
                Next::Later => still.push(step),
                Next::Settled(status) => walk.settle(step, status, false, 0, sink),
                Next::Run => {
                    let Some(node) = stack.node(&step.address) else { continue };
                    let inputs = Inputs::gather(&node.needs, &walk.outputs);
                    running.push(run(step, node, inputs, plan.adopt, options, sink).boxed());
                }
            }
        }
        waiting = still;
        let Some((step, result, wrote, took)) = running.next().await else {
            // Steps settled above may have freed others. Where nothing was settled and nothing runs, the edges go round
            // in a circle; a plan of ours has none, but a stored plan may have been edited.
            if waiting.len() == before {
                for step in std::mem::take(&mut waiting) {
                    walk.settle(step, Status::NotStarted, false, 0, sink);
                }
            }
            if waiting.is_empty() {
                break;
            }
            continue;
        };
        let status = match result {
            Ok(Some(outputs)) => {
                walk.outputs.insert(step.address.clone(), outputs);
                Status::Done
            }
            Ok(None) => {
                walk.outputs.remove(&step.address);
                Status::Done
            }
            Err(failure) => Status::Failed { failure },
        };
        walk.settle(step, status, wrote, took, sink);
    }
    let Walk { outputs, mut done, .. } = walk;
    let outcomes: Vec<Outcome> = plan.steps.iter().filter_map(|step| done.remove(&step.address)).collect();
    let interrupted = options.cancel.is_cancelled()
        && outcomes.iter().any(|o| matches!(o.status, Status::NotStarted | Status::Failed { .. }));
    Ok(Report { outcomes, outputs, interrupted, took_ms: millis(began) })
}

struct Walk {
    outputs: OutputMap,
    done: BTreeMap<Address, Outcome>,
    planned: BTreeSet<Address>,
}

enum Next {
    Later,
    Run,
    Settled(Status),
}

impl Walk {
    fn next(&self, step: &Step, room: bool, cancelled: bool) -> Next {
        match step.action {
            Action::None => return Next::Settled(Status::Unchanged),
            Action::Keep => return Next::Settled(Status::Kept),
            Action::Create | Action::Update | Action::Adopt | Action::Replace | Action::Delete => {}
        }
        let before: BTreeSet<_> = step.after.iter().collect();
        let failed = before.iter().find_map(|need| match &self.done.get(*need)?.status {
            // A step that was told to stop has not failed; what needs it was told the same.
            Status::Failed { failure } if failure.kind == FailureKind::Interrupted => None,
            Status::Failed { .. } => Some((*need).clone()),
            Status::Skipped { because } => Some(because.clone()),
            Status::Unchanged | Status::Done | Status::Kept | Status::NotStarted => None,
        });
        if let Some(because) = failed {
            return Next::Settled(Status::Skipped { because });
        }
        if cancelled {
            return Next::Settled(Status::NotStarted);
        }
        let met = before.iter().all(|need| self.done.contains_key(*need) || !self.planned.contains(*need));
        if met && room { Next::Run } else { Next::Later }
    }

    fn settle(&mut self, step: &Step, status: Status, wrote: bool, took_ms: u64, sink: Sink<'_>) {
        let kind = match &status {
            Status::Done => Some(EventKind::Finished { action: step.action, wrote, took_ms }),
            Status::Failed { failure } => Some(EventKind::Failed { failure: failure.clone(), took_ms }),
            Status::Skipped { because } => Some(EventKind::Skipped { because: because.clone() }),
            Status::Unchanged | Status::Kept | Status::NotStarted => None,
        };
        if let Some(kind) = kind {
            sink(Event::new(&step.address, kind));
        }
        let outcome = Outcome {
            address: step.address.clone(),
            title: step.title.clone(),
            action: step.action,
            status,
            wrote,
            took_ms,
            reasons: step.reasons.clone(),
        };
        self.done.insert(step.address.clone(), outcome);
    }
}

type Ran<'a> = (&'a Step, Result<Option<Attributes>, Failure>, bool, u64);

async fn run<'a>(
    step: &'a Step,
    node: &'a Node,
    inputs: Inputs,
    adopt: bool,
    options: &'a ApplyOptions,
    sink: Sink<'a>,
) -> Ran<'a> {
    let started = Instant::now();
    sink(Event::new(&step.address, EventKind::Started { title: step.title.clone(), action: step.action }));
    let mut job = Reconcile {
        address: &step.address,
        node,
        inputs,
        pace: options.pace,
        cancel: &options.cancel,
        sink,
        started,
        wrote: false,
    };
    let result = match step.action {
        Action::Delete => job.take_away().await.map(|()| None),
        Action::Replace => match job.take_away().await {
            Ok(()) => job.bring_about(adopt).await.map(outputs),
            Err(failure) => Err(failure),
        },
        Action::Create | Action::Update | Action::Adopt | Action::None | Action::Keep => {
            job.bring_about(adopt).await.map(outputs)
        }
    };
    (step, result, job.wrote, millis(started))
}

fn outputs(found: Found) -> Option<Attributes> {
    Some(found.outputs)
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
