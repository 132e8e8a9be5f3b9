//! One resource, from wherever it is to where it should be: read, compare, write, read again.
//!
//! This loop is why a killed run converges and why resources need no waits of their own. It is the only place that
//! writes, and it never believes an answer it has not read back.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::{
    Address, Context, Event, EventKind, Failure, FailureKind, FieldChange, Found, Inputs, Memo, Ownership, Pace,
    Readiness, Sink, diff::diff, stack::Node,
};

/// How much longer the next pause of a wait is. A wait notices its end at most a tenth of its length late.
const WAITING: f64 = 1.1;

/// The same after trouble: who is asked too often is left in peace.
const BACKING_OFF: f64 = 1.5;

/// How long a write may take to show in reads, and how long a conflict or a transient failure is borne.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Reconcile<'a> {
    pub(crate) address: &'a Address,
    pub(crate) node: &'a Node,
    pub(crate) inputs: Inputs,
    pub(crate) pace: Pace,
    pub(crate) cancel: &'a CancellationToken,
    pub(crate) sink: Sink<'a>,
    pub(crate) started: Instant,
    pub(crate) wrote: bool,
}

impl Reconcile<'_> {
    /// Makes it as wanted and returns what was read last.
    pub(crate) async fn bring_about(&mut self, adopt: bool) -> Result<Found, Failure> {
        let desired = self.node.resource.desired(&self.inputs);
        let mut pause = self.pace.first;
        // When the last write happened that reads do not show yet, and which difference it was to mend.
        let mut pending: Option<Instant> = None;
        let mut mended: Vec<FieldChange> = Vec::new();
        let mut trouble: Option<(Instant, Failure)> = None;
        let mut last: Option<String> = None;
        loop {
            let result = self.pass(&desired, adopt, &mut pending, &mut mended).await;
            match result {
                Ok(Progress::Done(found)) => return Ok(*found),
                Ok(Progress::Wrote) => {
                    trouble = None;
                    pause = self.pace.first;
                    continue;
                }
                Ok(Progress::Wait(status)) => {
                    trouble = None;
                    last = status;
                }
                Err(failure) => trouble = Some(self.bear(failure, trouble)?),
            }
            self.pause(&mut pause, factor(&trouble), last.as_deref()).await?;
        }
    }

    async fn pass(
        &mut self,
        desired: &crate::Desired,
        adopt: bool,
        pending: &mut Option<Instant>,
        mended: &mut Vec<FieldChange>,
    ) -> Result<Progress, Failure> {
        let memo = Memo::default();
        let cx = self.context(&memo);
        let resource = &self.node.resource;
        let Some(found) = resource.read(&cx).await? else {
            if pending.is_some_and(|since| since.elapsed() < PATIENCE) {
                cx.progress("made, not visible yet");
                return Ok(Progress::Wait(None));
            }
            self.check_cancelled()?;
            resource.create(&cx).await?;
            self.wrote = true;
            *pending = Some(Instant::now());
            return Ok(Progress::Wrote);
        };
        match (&found.ownership, &found.readiness) {
            (Ownership::Foreign(_), _) if adopt => {
                resource.adopt(&cx, &found).await?;
                self.wrote = true;
                return Ok(Progress::Wrote);
            }
            (Ownership::Foreign(marks), _) => {
                return Err(Failure::new(FailureKind::Foreign, format!("use {}", resource.title()), marks.clone()));
            }
            (Ownership::Ours | Ownership::Shared(_), Readiness::Failed(why)) => {
                return Err(Failure::permanent(format!("use {}", resource.title()), why.clone()));
            }
            (Ownership::Shared(_), _) => return Ok(Progress::Done(Box::new(found))),
            (Ownership::Ours, Readiness::Waiting(status)) => {
                cx.progress(status.clone());
                return Ok(Progress::Wait(Some(status.clone())));
            }
            (Ownership::Ours, Readiness::Ready) => {}
        }
        let changes = diff(desired, &found.attributes, |field| resource.rule(field));
        if changes.is_empty() {
            return Ok(Progress::Done(Box::new(found)));
        }
        let names = || changes.iter().map(|change| change.field.as_str()).collect::<Vec<_>>().join(", ");
        if let Some(change) = changes.iter().find(|change| change.forces_replacement) {
            return Err(Failure::permanent(
                format!("change {}", resource.title()),
                format!("`{}` can only be set on a new one, which the plan did not say", change.field),
            ));
        }
        if changes == *mended {
            // Written already. Reads may lag behind, but not for ever.
            if pending.is_some_and(|since| since.elapsed() < self.pace.settle) {
                cx.progress(format!("changed, not visible yet: {}", names()));
                return Ok(Progress::Wait(None));
            }
            return Err(Failure::permanent(
                format!("change {}", resource.title()),
                format!("it was accepted, but these fields still read as before: {}", names()),
            ));
        }
        self.check_cancelled()?;
        resource.update(&cx, &found, &changes).await?;
        self.wrote = true;
        *pending = Some(Instant::now());
        *mended = changes;
        Ok(Progress::Wrote)
    }

    /// Deletes it and returns when it is gone.
    pub(crate) async fn take_away(&mut self) -> Result<(), Failure> {
        let mut pause = self.pace.first;
        let mut trouble: Option<(Instant, Failure)> = None;
        loop {
            let memo = Memo::default();
            let cx = self.context(&memo);
            let resource = &self.node.resource;
            let result = async {
                let Some(found) = resource.read(&cx).await? else { return Ok(true) };
                match (&found.ownership, &found.readiness) {
                    (Ownership::Foreign(marks), _) => {
                        let action = format!("delete {}", resource.title());
                        return Err(Failure::new(FailureKind::Foreign, action, marks.clone()));
                    }
                    // Ours no more: what is left is somebody else's.
                    (Ownership::Shared(_), _) => return Ok(true),
                    (Ownership::Ours, Readiness::Waiting(status)) => {
                        cx.progress(status.clone());
                        return Ok(false);
                    }
                    (Ownership::Ours, Readiness::Ready | Readiness::Failed(_)) => {}
                }
                match resource.delete(&cx, &found).await {
                    Err(failure) if failure.kind == FailureKind::NotFound => Ok(false),
                    other => other.map(|()| false),
                }
            }
            .await;
            match result {
                Ok(true) => return Ok(()),
                Ok(false) => {
                    self.wrote = true;
                    trouble = None;
                }
                Err(failure) => trouble = Some(self.bear(failure, trouble)?),
            }
            self.pause(&mut pause, factor(&trouble), None).await?;
        }
    }

    fn context<'m>(&'m self, memo: &'m Memo) -> Context<'m> {
        Context { inputs: self.inputs.clone(), memo, address: self.address, sink: self.sink, started: self.started }
    }

    /// Bears conflicts and transient failures for a while; everything else ends the step at once.
    fn bear(&self, failure: Failure, before: Option<(Instant, Failure)>) -> Result<(Instant, Failure), Failure> {
        let since = before.map_or_else(Instant::now, |(since, _)| since);
        let bearable = failure.is_transient() || failure.kind == FailureKind::Conflict;
        if !bearable || since.elapsed() > self.pace.settle {
            return Err(failure);
        }
        (self.sink)(Event::new(self.address, EventKind::Retrying { failure: failure.clone() }));
        Ok((since, failure))
    }

    fn check_cancelled(&self) -> Result<(), Failure> {
        if !self.cancel.is_cancelled() {
            return Ok(());
        }
        let title = self.node.resource.title();
        Err(Failure::new(FailureKind::Interrupted, format!("finish {title}"), "the run was told to stop"))
    }

    /// Waits a moment, the longer the longer it lasts. A cancelled run does not wait: nothing is in flight here.
    async fn pause(&self, pause: &mut Duration, factor: f64, last: Option<&str>) -> Result<(), Failure> {
        let title = self.node.resource.title();
        let deadline = self.node.resource.deadline();
        if self.started.elapsed() + *pause > deadline {
            let last = last.map(|status| format!("; it was {status}")).unwrap_or_default();
            let message = format!("it took longer than {} s{last}", deadline.as_secs());
            return Err(Failure::new(FailureKind::Deadline, format!("finish {title}"), message));
        }
        tokio::select! {
            () = tokio::time::sleep(*pause) => {}
            () = self.cancel.cancelled() => self.check_cancelled()?,
        }
        *pause = (*pause).mul_f64(factor).min(self.pace.longest);
        Ok(())
    }
}

/// How much longer the next pause is.
fn factor<T>(trouble: &Option<T>) -> f64 {
    if trouble.is_some() { BACKING_OFF } else { WAITING }
}

enum Progress {
    Done(Box<Found>),
    Wrote,
    /// For something whose state is this, as far as the cloud has a word for it.
    Wait(Option<String>),
}
