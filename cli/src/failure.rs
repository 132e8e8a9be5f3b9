//! What went wrong, as the operator reads it: the chain of causes, a next step, an exit code.
//!
//! Library errors become a [`Failure`] here and nowhere else, so the mapping from an error to an exit code is one
//! file long.

use std::error::Error as StdError;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::exit::Exit;

/// A command's failure: message, causes, what to do next, and the exit code.
#[derive(Debug)]
pub struct Failure {
    exit: Exit,
    message: String,
    causes: Vec<String>,
    hint: Option<String>,
    report: Option<Box<(String, Value)>>,
}

/// What a command answers.
pub type Outcome = Result<Exit, Failure>;

impl Failure {
    /// A failure without a deeper cause.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), causes: Vec::new(), hint: None, report: None }
    }

    /// Wraps a library's error: its own text is the message, its sources are the causes.
    pub fn from_error(exit: Exit, error: &dyn StdError) -> Self {
        let mut causes: Vec<String> = Vec::new();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            // SDK errors repeat their source; say each thing once.
            if !text.is_empty() && causes.last() != Some(&text) && error.to_string() != text {
                causes.push(text);
            }
            source = cause.source();
        }
        Self { exit, message: error.to_string(), causes, hint: None, report: None }
    }

    /// The operator stopped it; what was done is kept and a second run goes on from there.
    pub fn interrupted(what: &str) -> Self {
        Self::new(Exit::Interrupted, format!("interrupted while {what}"))
            .hint("nothing is half done: the same command goes on from here")
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds to what to do next.
    #[must_use]
    pub fn next(mut self, more: &str) -> Self {
        match &mut self.hint {
            Some(hint) if hint.contains(more) => {}
            Some(hint) => *hint = format!("{hint}; {more}"),
            None => self.hint = Some(more.to_owned()),
        }
        self
    }

    /// Says what to do next where the library knows.
    #[must_use]
    pub fn hint_opt(mut self, hint: Option<impl Into<String>>) -> Self {
        if let Some(hint) = hint {
            self.hint = Some(hint.into());
        }
        self
    }

    /// Puts what was being done in front; the old message becomes the first cause.
    #[must_use]
    pub fn while_doing(mut self, what: impl Into<String>) -> Self {
        let message = std::mem::replace(&mut self.message, what.into());
        self.causes.insert(0, message);
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds what became of each part of the work: the text for a person, the value for a program.
    #[must_use]
    pub fn report(mut self, text: impl Into<String>, value: Value) -> Self {
        self.report = Some(Box::new((text.into(), value)));
        self
    }

    /// The message and its causes, for the record of the run.
    pub fn lines(&self) -> Vec<String> {
        std::iter::once(&self.message).chain(&self.causes).cloned().collect()
    }

    /// The same failure with another exit code.
    #[must_use]
    pub const fn with_exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }

    /// The exit code.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The lines for a person, on standard error.
    pub fn render(&self) -> String {
        let mut text = format!("error: {}", self.message);
        for cause in &self.causes {
            let _ = write!(text, "\n  because {}", cause.replace('\n', "\n    "));
        }
        if let Some((report, _)) = self.report.as_deref().filter(|(report, _)| !report.is_empty()) {
            let _ = write!(text, "\n\n{}", report.trim_end());
        }
        if let Some(hint) = &self.hint {
            let _ = write!(text, "\n\nhint: {hint}");
        }
        text
    }

    /// The object for a program, last line of standard output with `--json`.
    pub fn to_json(&self) -> Value {
        let mut object = json!({
            "type": "error",
            "exit_code": self.exit.code(),
            "message": self.message,
            "causes": self.causes,
            "hint": self.hint,
        });
        if let Some((_, report)) = self.report.as_deref() {
            object["report"] = report.clone();
        }
        object
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::from_error(Exit::Failed, &error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn renders_chain_and_hint() {
        let failure =
            Failure::new(Exit::Failed, "the shop is closed").while_doing("opening the door").hint("run `jewelctl up`");
        insta::assert_snapshot!(failure.render(), @r"
        error: opening the door
          because the shop is closed

        hint: run `jewelctl up`
        ");
        assert_eq!(failure.to_json()["exit_code"], 1);
    }
}
