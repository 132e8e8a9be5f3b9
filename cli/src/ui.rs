//! The terminal: results on standard output, everything else on standard error.
//!
//! The only module that prints. A closed pipe is not a failure: whoever read us has read enough.

pub(crate) mod cost;
#[cfg(test)]
mod documented;
mod fields;
mod parts;
mod phase;
mod plan;
mod progress;
mod report;
mod table;
pub(crate) mod words;

use std::io::{IsTerminal, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressDrawTarget};
use jewel_aws::PhaseRecord;
use secrecy::SecretString;
use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use fields::value;
pub(crate) use phase::Phase;
pub(crate) use plan::{cost, plan, summary};
pub(crate) use progress::Progress;
pub(crate) use report::report;
pub(crate) use table::table;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;

/// How this run talks.
#[derive(Clone, Debug)]
pub struct Ui {
    json: bool,
    quiet: bool,
    verbose: u8,
    yes: bool,
    may_prompt: bool,
    bars: MultiProgress,
    phases: Arc<Mutex<Vec<PhaseRecord>>>,
}

impl Ui {
    /// Decides from the flags and from what standard input and error are.
    pub fn new(global: &Global) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let draws = terminal && !global.json && !global.quiet && global.verbose < 2;
        let bars = MultiProgress::with_draw_target(if draws {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        });
        Self {
            json: global.json,
            quiet: global.quiet,
            verbose: global.verbose,
            yes: global.yes,
            may_prompt: terminal && std::io::stdin().is_terminal() && !global.no_input && !global.json,
            bars,
            phases: Arc::default(),
        }
    }

    /// Whether results are objects.
    pub const fn json(&self) -> bool {
        self.json
    }

    /// Whether `-v` was given.
    pub const fn verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Prints the command's result: the object with `--json`, else the text.
    pub fn result<T: Serialize>(&self, value: &T, human: impl FnOnce() -> String) {
        if self.json {
            self.object(&serde_json::to_value(value).unwrap_or(Value::Null));
        } else {
            print_out(&human());
        }
    }

    /// Prints text that is the result whatever the format: a script, a man page, `export` lines.
    pub fn raw(&self, text: &str) {
        print_out(text.trim_end_matches('\n'));
    }

    /// One line of the JSON stream: what happened, while it happens. Says nothing without `--json`.
    pub fn event<T: Serialize>(&self, source: &str, event: &T) {
        if self.json {
            self.object(&json!({ "type": "event", "source": source, "event": event }));
        }
    }

    /// One line of a stream that is itself the result. Gives whether anybody reads on.
    pub fn log(&self, source: &str, event: &Value, human: impl FnOnce() -> String) -> bool {
        let line =
            if self.json { json!({ "type": "event", "source": source, "event": event }).to_string() } else { human() };
        let mut out = anstream::stdout();
        writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
    }

    /// What a command elsewhere printed, as it is: to standard output, or else to standard error.
    pub fn bytes(&self, out: bool, bytes: &[u8]) {
        // Whoever read us has read enough.
        let _ = if out {
            let mut stdout = std::io::stdout().lock();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        } else {
            std::io::stderr().lock().write_all(bytes)
        };
    }

    /// Whether a person sits at both ends.
    pub fn is_terminal(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stdout().is_terminal()
    }

    /// A line on standard error.
    pub fn say(&self, line: &str) {
        if !self.quiet && !self.json {
            self.print_err(line);
        }
    }

    /// A line on standard error that `--quiet` does not hide.
    pub fn warn(&self, line: &str) {
        if self.json {
            self.object(&json!({ "type": "warning", "message": line }));
        } else {
            self.print_err(&format!("warning: {line}"));
        }
    }

    /// Whether progress is drawn in place, rather than told in lines.
    fn draws(&self) -> bool {
        !self.bars.is_hidden()
    }

    /// The phases that ended so far, for the record of the run.
    pub fn phases(&self) -> Vec<PhaseRecord> {
        self.phases.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts a phase: a spinner on a terminal, lines elsewhere.
    pub fn phase(&self, title: &str) -> Phase {
        Phase::start(self.clone(), title)
    }

    /// Prints a failure and gives its exit code.
    pub fn failure(&self, failure: &Failure) -> Exit {
        if self.json {
            self.object(&failure.to_json());
        }
        self.print_err(&failure.render());
        failure.exit()
    }

    /// Asks before something that changes things.
    ///
    /// # Errors
    /// Exit 7 when the answer is no, or when nobody can be asked; the message names the flag that answers.
    pub fn consent(&self, question: &str) -> Result<(), Failure> {
        if self.yes {
            return Ok(());
        }
        if !self.may_prompt {
            return Err(Failure::new(Exit::Refused, format!("{question} Nobody is here to answer"))
                .hint("`--yes` says yes beforehand"));
        }
        let answer = self.bars.suspend(|| dialoguer::Confirm::new().with_prompt(question).default(false).interact());
        match answer {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::new(Exit::Refused, "you said no; nothing was changed")),
            Err(_) => Err(Failure::new(Exit::Interrupted, "interrupted at the question; nothing was changed")),
        }
    }

    /// Asks for a line of text, when somebody is there.
    pub fn ask(&self, question: &str, default: &str) -> Option<String> {
        if !self.may_prompt || self.yes {
            return None;
        }
        dialoguer::Input::new().with_prompt(question).default(default.to_owned()).interact_text().ok()
    }

    /// Asks for a secret, which is not shown while it is typed.
    ///
    /// # Errors
    /// Exit 2 when nobody may be asked.
    pub fn hidden(&self, what: &str) -> Result<SecretString, Failure> {
        if !self.may_prompt {
            return Err(Failure::new(Exit::Usage, format!("nobody may be asked for {what}"))
                .hint("send it by the standard input, or leave `--no-input` and `--json` out"));
        }
        let answer = self.bars.suspend(|| dialoguer::Password::new().with_prompt(what).interact());
        answer.map(SecretString::from).map_err(|_| Failure::interrupted(&format!("asking for {what}")))
    }

    fn object(&self, value: &Value) {
        print_out(&value.to_string());
    }

    fn print_err(&self, line: &str) {
        self.bars.suspend(|| {
            let _ = writeln!(anstream::stderr(), "{line}");
        });
    }
}

fn print_out(text: &str) {
    let mut out = anstream::stdout();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}
