//! One phase of a long command: what is being done, for how long, and how it ended.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use jewel_aws::PhaseRecord;
use owo_colors::OwoColorize as _;
use serde_json::json;

use super::Ui;

/// A running phase; dropping it unfinished leaves no trace on the terminal.
#[derive(Debug)]
pub struct Phase {
    ui: Ui,
    title: String,
    bar: ProgressBar,
    started: Instant,
}

impl Phase {
    pub(super) fn start(ui: Ui, title: &str) -> Self {
        let bar = ui.bars.add(ProgressBar::new_spinner());
        bar.set_style(
            ProgressStyle::with_template("{spinner:.cyan} {prefix} {elapsed:.dim} {wide_msg:.dim}")
                .unwrap_or_else(|_| ProgressStyle::default_spinner()),
        );
        bar.set_prefix(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        ui.event("phase", &json!({ "phase": title, "status": "started" }));
        Self { ui, title: title.to_owned(), bar, started: Instant::now() }
    }

    /// What is being done right now; seen on a terminal, or with `-v`.
    pub fn now(&self, what: &str) {
        self.bar.set_message(what.to_owned());
        if self.ui.verbose() {
            self.ui.say(&format!("    {what}"));
        }
    }

    /// What is waited for: seen on a terminal only, where it is replaced all the time.
    pub fn waits(&self, what: &str) {
        self.bar.set_message(what.to_owned());
    }

    /// Something worth keeping on the screen.
    pub fn line(&self, what: &str) {
        self.ui.say(&format!("  {what}"));
    }

    /// The phase ended well.
    pub fn done(self, what: &str) {
        let took = self.started.elapsed();
        self.bar.finish_and_clear();
        self.ui.event(
            "phase",
            &json!({ "phase": self.title, "status": "done", "detail": what, "milliseconds": took.as_millis() as u64 }),
        );
        self.ui.say(&format!("{} {} {what} {}", "✓".green(), self.title.bold(), seconds(took).dimmed()));
    }
}

impl Drop for Phase {
    fn drop(&mut self) {
        let took_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let record = PhaseRecord { name: self.title.clone(), took_ms };
        self.ui.phases.lock().unwrap_or_else(PoisonError::into_inner).push(record);
        if !self.bar.is_finished() {
            self.bar.finish_and_clear();
        }
    }
}

fn seconds(took: Duration) -> String {
    format!("{:.1}s", took.as_secs_f64())
}
