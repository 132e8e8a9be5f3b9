//! What is to be done: the files compared with the history. Pure; knows no connection.

use serde::Serialize;
use similar::TextDiff;

use crate::{
    embedded::Migration,
    error::Error,
    history::{History, RecordedStatement, StatementState},
    statement::{Statement, split},
};

/// The files and the database, compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Status {
    /// The highest complete migration.
    pub applied: Option<u32>,
    /// The version this program was written for.
    pub expected: u32,
    /// Every migration known to the program or to the database, by version.
    pub migrations: Vec<MigrationStatus>,
    /// Contradictions because of which [`up`](crate::up) would refuse to run.
    pub problems: Vec<Problem>,
}

impl Status {
    /// How many migrations of this program are not complete in the database.
    pub fn pending(&self) -> usize {
        self.migrations.iter().filter(|migration| migration.state.is_pending()).count()
    }

    /// Nothing to apply and nothing wrong.
    pub fn is_current(&self) -> bool {
        self.pending() == 0 && self.problems.is_empty()
    }
}

/// One migration in a [`Status`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MigrationStatus {
    /// The migration's version.
    pub version: u32,
    /// The migration's name.
    pub name: String,
    /// How far it got.
    #[serde(flatten)]
    pub state: State,
}

/// How far a migration got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum State {
    /// Not begun.
    Pending {
        /// How many statements it has.
        statements: u32,
    },
    /// Begun and stopped: the next run goes on after `done`.
    Partial {
        /// How many statements are done.
        done: u32,
        /// How many statements it has.
        statements: u32,
    },
    /// Complete.
    Applied {
        /// When, RFC 3339 in UTC.
        at: String,
    },
    /// The database has it and this program does not: the program is the older of the two, or the file was removed.
    Unknown,
}

impl State {
    fn is_pending(&self) -> bool {
        matches!(self, Self::Pending { .. } | Self::Partial { .. })
    }
}

/// A contradiction between the files and the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// A statement that was already applied (or may have been) reads differently in the file now.
    #[error("statement {ordinal} of migration {version:04}_{name} was already applied and has been edited since")]
    Edited {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// Which statement, counted from 1.
        ordinal: u32,
        /// The statement as it was applied; `None` when the file has got one more.
        applied: Option<String>,
        /// The statement as it reads now; `None` when it is gone.
        file: Option<String>,
    },
    /// A migration is older than the newest applied one and was never applied.
    #[error("migration {version:04}_{name} was never applied, but the later {newest:04} was")]
    OutOfOrder {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
        /// The newest applied version.
        newest: u32,
    },
    /// The database has a migration that this program, although it has later ones, lacks.
    #[error("migration {version:04}_{name} was applied, but its file is gone")]
    FileMissing {
        /// The migration's version.
        version: u32,
        /// The migration's name.
        name: String,
    },
}

impl Problem {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Edited { .. } => "put the statement back as it was and write the change as a new migration; \
                                    `migrate repair` accepts an edit that changes nothing in the schema"
                .to_owned(),
            Self::OutOfOrder { version, name, newest } => {
                format!("rename {version:04}_{name}.sql to {:04}_{name}.sql, or to the next free number", newest + 1)
            }
            Self::FileMissing { .. } => "bring the file back: applied migrations are part of the history".to_owned(),
        }
    }

    /// For an edited statement: what was applied and what the file says now, as lines with `-`, `+` or a blank before
    /// them.
    pub fn diff(&self) -> Option<String> {
        let Self::Edited { applied, file, .. } = self else { return None };
        let (applied, file) = (applied.as_deref().unwrap_or_default(), file.as_deref().unwrap_or_default());
        let applied = applied.replace("\r\n", "\n");
        let diff = TextDiff::from_lines(applied.as_str(), file);
        let line = |change: similar::Change<&str>| format!("{} {}", change.tag(), change.value().trim_end());
        Some(diff.iter_all_changes().map(line).collect::<Vec<_>>().join("\n"))
    }
}

/// What is to be done, in order.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) steps: Vec<Step<'a>>,
    pub(crate) problems: Vec<Problem>,
    pub(crate) applied: Option<u32>,
    unknown: Vec<MigrationStatus>,
}

/// One of the program's migrations.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    pub(crate) migration: &'a Migration,
    pub(crate) statements: Vec<Statement>,
    /// How many statements are done.
    pub(crate) done: usize,
    /// The statement after those was sent by a run that never learned its outcome.
    pub(crate) in_doubt: Option<Doubt>,
    pub(crate) finished_at: Option<String>,
}

/// A statement that may have happened or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Doubt {
    /// What its tables were like before, where that could be told.
    pub(crate) fingerprint: Option<String>,
}

/// Splits a migration's file.
pub(crate) fn statements(migration: &Migration) -> Result<Vec<Statement>, Error> {
    split(&migration.sql).map_err(|source| Error::Split {
        version: migration.version,
        name: migration.name.to_string(),
        source,
    })
}

impl Step<'_> {
    /// The statements that are not done, with their ordinals counted from 1.
    pub(crate) fn remaining(&self) -> impl Iterator<Item = (u32, &Statement)> {
        (1..).zip(&self.statements).skip(self.done)
    }

    /// What is not known about the statement of this ordinal.
    pub(crate) fn doubt(&self, ordinal: u32) -> Option<&Doubt> {
        self.in_doubt.as_ref().filter(|_| u32::try_from(self.done).is_ok_and(|done| ordinal == done.saturating_add(1)))
    }

    pub(crate) fn count(&self) -> u32 {
        u32::try_from(self.statements.len()).unwrap_or(u32::MAX)
    }
}

impl<'a> Plan<'a> {
    pub(crate) fn new(migrations: &'a [Migration], history: &History) -> Result<Self, Error> {
        let applied = history.0.iter().filter(|(_, was)| was.finished_at.is_some()).map(|(version, _)| *version).max();
        let newest_recorded = history.0.keys().copied().max();
        let expected = migrations.last().map_or(0, |migration| migration.version);
        let mut plan = Self { steps: Vec::new(), problems: Vec::new(), applied, unknown: Vec::new() };

        for migration in migrations {
            let statements = statements(migration)?;
            let mut step = Step { migration, statements, done: 0, in_doubt: None, finished_at: None };
            match history.0.get(&migration.version) {
                Some(recorded) => {
                    step.finished_at.clone_from(&recorded.finished_at);
                    step.done = recorded.statements.iter().filter(|was| was.state == StatementState::Done).count();
                    let sent = recorded.statements.last().filter(|was| was.state == StatementState::Sent);
                    step.in_doubt = sent.map(|was| Doubt { fingerprint: was.fingerprint.clone() });
                    plan.problems.extend(edited(&step, &recorded.statements));
                }
                None => {
                    if let Some(newest) = newest_recorded.filter(|newest| *newest > migration.version) {
                        let name = migration.name.to_string();
                        plan.problems.push(Problem::OutOfOrder { version: migration.version, name, newest });
                    }
                }
            }
            plan.steps.push(step);
        }

        for (version, recorded) in &history.0 {
            if migrations.iter().any(|migration| migration.version == *version) {
                continue;
            }
            let (version, name) = (*version, recorded.name.clone());
            plan.unknown.push(MigrationStatus { version, name: name.clone(), state: State::Unknown });
            if version < expected {
                plan.problems.push(Problem::FileMissing { version, name });
            }
        }
        Ok(plan)
    }

    /// What is not complete, in order.
    pub(crate) fn pending(&self) -> impl Iterator<Item = &Step<'a>> {
        self.steps.iter().filter(|step| step.finished_at.is_none())
    }

    pub(crate) fn status(&self) -> Status {
        let mut migrations: Vec<MigrationStatus> = self.steps.iter().map(step_status).collect();
        migrations.extend(self.unknown.iter().cloned());
        migrations.sort_by_key(|migration| migration.version);
        Status {
            applied: self.applied,
            expected: self.steps.last().map_or(0, |step| step.migration.version),
            migrations,
            problems: self.problems.clone(),
        }
    }
}

fn step_status(step: &Step<'_>) -> MigrationStatus {
    let state = match &step.finished_at {
        Some(at) => State::Applied { at: at.clone() },
        None if step.done > 0 || step.in_doubt.is_some() => {
            State::Partial { done: u32::try_from(step.done).unwrap_or(u32::MAX), statements: step.count() }
        }
        None => State::Pending { statements: step.count() },
    };
    MigrationStatus { version: step.migration.version, name: step.migration.name.to_string(), state }
}

/// The first statement that was applied, or may have been, and is another one now.
fn edited(step: &Step<'_>, recorded: &[RecordedStatement]) -> Option<Problem> {
    let binding = recorded.iter().filter(|was| was.state != StatementState::Failed);
    let mut compared = 0;
    for (was, now) in binding.clone().zip(step.statements.iter().map(Some).chain(std::iter::repeat(None))) {
        if now.is_none_or(|now| now.hash() != was.hash) {
            return Some(edit(step, compared, Some(was.body.clone()), now.map(|now| now.sql.clone())));
        }
        compared += 1;
    }
    let added = step.statements.get(compared).filter(|_| step.finished_at.is_some())?;
    Some(edit(step, compared, None, Some(added.sql.clone())))
}

fn edit(step: &Step<'_>, index: usize, applied: Option<String>, file: Option<String>) -> Problem {
    Problem::Edited {
        version: step.migration.version,
        name: step.migration.name.to_string(),
        ordinal: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
        applied,
        file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Recorded;

    const ONE: Migration = Migration::embedded(1, "one", "CREATE TABLE a (b INT); CREATE TABLE c (d INT);");
    const TWO: Migration = Migration::embedded(2, "two", "CREATE TABLE e (f INT);");

    fn recorded(migration: &Migration, states: &[StatementState], finished: bool) -> Recorded {
        let statements = split(&migration.sql).unwrap();
        Recorded {
            name: migration.name.to_string(),
            finished_at: finished.then(|| "2026-01-01T00:00:00Z".to_owned()),
            statements: statements
                .iter()
                .zip(states)
                .map(|(statement, state)| RecordedStatement {
                    hash: statement.hash(),
                    body: statement.sql.clone(),
                    state: *state,
                    fingerprint: None,
                })
                .collect(),
        }
    }

    fn history(entries: Vec<(u32, Recorded)>) -> History {
        History(entries.into_iter().collect())
    }

    use StatementState::{Done, Failed, Sent};

    #[test]
    fn a_fresh_database_has_everything_pending() {
        let status = Plan::new(&[ONE, TWO], &History::default()).unwrap().status();
        assert_eq!((status.applied, status.expected, status.pending()), (None, 2, 2));
        assert!(!status.is_current());
    }

    #[test]
    fn a_failed_statement_may_be_edited_and_is_where_the_next_run_starts() {
        let was = history(vec![(1, recorded(&ONE, &[Done, Failed], false))]);
        let mended = Migration { sql: "CREATE TABLE a (b INT); CREATE TABLE mended (d INT);".into(), ..ONE };
        let set = [mended];
        let plan = Plan::new(&set, &was).unwrap();
        assert_eq!(plan.problems, []);
        let step = plan.pending().next().unwrap();
        assert_eq!((step.done, step.in_doubt.clone()), (1, None));
        assert_eq!(plan.status().migrations[0].state, State::Partial { done: 1, statements: 2 });
    }

    #[test]
    fn an_applied_or_doubtful_statement_may_not_be_edited() {
        let edited = Migration { sql: "CREATE TABLE a (b INT); CREATE TABLE other (d INT);".into(), ..ONE };
        for (states, finished) in [([Done, Done], true), ([Done, Sent], false)] {
            let was = history(vec![(1, recorded(&ONE, &states, finished))]);
            let problems = Plan::new(std::slice::from_ref(&edited), &was).unwrap().problems;
            assert!(matches!(&problems[..], [Problem::Edited { ordinal: 2, .. }]), "{problems:?}");
        }
    }

    #[test]
    fn statements_may_not_be_added_to_or_taken_from_a_finished_file() {
        let was = history(vec![(1, recorded(&ONE, &[Done, Done], true))]);
        let shorter = Migration { sql: "CREATE TABLE a (b INT);".into(), ..ONE };
        let longer =
            Migration { sql: "CREATE TABLE a (b INT); CREATE TABLE c (d INT); CREATE TABLE x (y INT);".into(), ..ONE };
        for (file, ordinal) in [(shorter, 2), (longer, 3)] {
            let problems = Plan::new(&[file], &was).unwrap().problems;
            assert!(matches!(&problems[..], [Problem::Edited { ordinal: at, .. }] if *at == ordinal), "{problems:?}");
        }
    }

    #[test]
    fn an_older_file_that_appears_later_is_out_of_order() {
        let was = history(vec![(2, recorded(&TWO, &[Done], true))]);
        let problems = Plan::new(&[ONE, TWO], &was).unwrap().problems;
        assert_eq!(problems, [Problem::OutOfOrder { version: 1, name: "one".into(), newest: 2 }]);
    }

    #[test]
    fn a_newer_database_is_no_problem_but_a_lost_file_is() {
        let was = history(vec![(1, recorded(&ONE, &[Done, Done], true)), (2, recorded(&TWO, &[Done], true))]);
        let older_program = Plan::new(&[ONE], &was).unwrap().status();
        assert!(older_program.is_current());
        assert_eq!((older_program.applied, older_program.expected), (Some(2), 1));
        let lost = Plan::new(&[TWO], &was).unwrap().problems;
        assert_eq!(lost, [Problem::FileMissing { version: 1, name: "one".into() }]);
    }
}
