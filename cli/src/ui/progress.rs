//! An apply while it runs: what ended, what is waited for, and for how long.
//!
//! A terminal sees the waiting in place. A pipe or a log gets a line every ten seconds, so that nobody takes a database
//! that needs a quarter of an hour for a program that hangs.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jewel_engine::{Action, Address, Event, EventKind, Plan};

use super::{Phase, Ui};

/// How often a log is told what is waited for.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// More are counted, not named.
const NAMED: usize = 3;

/// What runs right now, and how many steps are done.
#[derive(Debug)]
pub(crate) struct Progress<'a> {
    ui: &'a Ui,
    phase: &'a Phase,
    total: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    done: usize,
    running: BTreeMap<Address, Step>,
    last_line: Instant,
}

#[derive(Debug)]
struct Step {
    since: Instant,
    status: &'static str,
    waiting_for: Option<String>,
}

impl<'a> Progress<'a> {
    /// Of a plan that is about to be applied.
    pub(crate) fn new(ui: &'a Ui, phase: &'a Phase, plan: &Plan) -> Self {
        let state = State { done: 0, running: BTreeMap::new(), last_line: Instant::now() };
        Self { ui, phase, total: plan.changes().count(), state: Mutex::new(state) }
    }

    /// Something happened.
    pub(crate) fn on(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let address = &event.address;
        match &event.kind {
            EventKind::Started { action, .. } => {
                let step = Step { since: Instant::now(), status: doing(*action), waiting_for: None };
                state.running.insert(address.clone(), step);
            }
            EventKind::Waiting { status, .. } => {
                if let Some(step) = state.running.get_mut(address) {
                    step.waiting_for = Some(status.clone());
                }
            }
            EventKind::Retrying { failure } => {
                if let Some(step) = state.running.get_mut(address) {
                    step.waiting_for = Some(format!("another try, {}", failure.message));
                }
                if self.ui.verbose() {
                    self.phase.line(&format!("again: {address}: {failure}"));
                }
            }
            EventKind::Finished { action, wrote, took_ms } => {
                state.running.remove(address);
                state.done += 1;
                let done = if *wrote { did(*action) } else { "found" };
                let seconds = *took_ms as f64 / 1000.0;
                self.phase.line(&format!("[{}/{}] {done} {address} in {seconds:.1} s", state.done, self.total));
            }
            EventKind::Failed { failure, .. } => {
                state.running.remove(address);
                self.phase.line(&format!("failed: {address}: {failure}"));
            }
            EventKind::Skipped { because } => self.phase.line(&format!("skipped: {address}, which needs {because}")),
            EventKind::Read { .. } => {}
        }
        drop(state);
        self.tick();
    }

    /// Time has passed.
    pub(crate) fn tick(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let text = waits(&state.running, now);
        if self.ui.draws() {
            self.phase.waits(&text);
        } else if !text.is_empty() && now.duration_since(state.last_line) >= LINE_EVERY {
            state.last_line = now;
            self.phase.line(&text);
        }
    }
}

/// `database.shop: creating (34 s); instance.api: pending (12 s)`, the longest first.
fn waits(running: &BTreeMap<Address, Step>, now: Instant) -> String {
    let mut steps: Vec<_> = running.iter().collect();
    steps.sort_by_key(|(_, step)| step.since);
    let words = steps.iter().take(NAMED).map(|(address, step)| {
        let what = step.waiting_for.as_deref().unwrap_or(step.status);
        format!("{address}: {what} ({} s)", now.duration_since(step.since).as_secs())
    });
    let mut text = words.collect::<Vec<_>>().join("; ");
    if steps.len() > NAMED {
        text.push_str(&format!("; and {} more", steps.len() - NAMED));
    }
    text
}

const fn doing(action: Action) -> &'static str {
    match action {
        Action::Create => "creating",
        Action::Update => "changing",
        Action::Adopt => "taking over",
        Action::Replace => "replacing",
        Action::Delete => "deleting",
        Action::None | Action::Keep => "looking",
    }
}

const fn did(action: Action) -> &'static str {
    match action {
        Action::Create => "created",
        Action::Update => "changed",
        Action::Adopt => "took over",
        Action::Replace => "replaced",
        Action::Delete => "deleted",
        Action::None | Action::Keep => "kept",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_wait_is_named_first_and_many_are_counted() {
        let now = Instant::now() + Duration::from_secs(100);
        let step = |ago: u64, waiting_for: Option<&str>| Step {
            since: now.checked_sub(Duration::from_secs(ago)).unwrap(),
            status: "creating",
            waiting_for: waiting_for.map(ToOwned::to_owned),
        };
        let running: BTreeMap<Address, Step> = [
            ("bucket.site".into(), step(1, None)),
            ("database.shop".into(), step(75, Some("backing-up"))),
            ("instance.api".into(), step(20, Some("pending"))),
            ("user-pool.shop".into(), step(0, None)),
        ]
        .into();
        assert_eq!(
            waits(&running, now),
            "database.shop: backing-up (75 s); instance.api: pending (20 s); bucket.site: creating (1 s); and 1 more"
        );
    }
}
