//! What is to be done: the files compared with the history. Pure; knows no connection.

use serde::Serialize;

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
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Edited { .. } => "put the statement back as it was and write the change as a new migration",
            Self::OutOfOrder { .. } => "give the file the next free number",
            Self::FileMissing { .. } => "bring the file back: applied migrations are part of the history",
        }
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
    pub(crate) in_doubt: bool,
    pub(crate) finished_at: Option<String>,
}

impl Step<'_> {
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
            let statements = split(migration.sql).map_err(|source| Error::Split {
                version: migration.version,
                name: migration.name.to_owned(),
                source,
            })?;
            let mut step = Step { migration, statements, done: 0, in_doubt: false, finished_at: None };
            match history.0.get(&migration.version) {
                Some(recorded) => {
                    step.finished_at.clone_from(&recorded.finished_at);
                    step.done = recorded.statements.iter().filter(|was| was.state == StatementState::Done).count();
                    step.in_doubt = recorded.statements.last().is_some_and(|was| was.state == StatementState::Sent);
                    plan.problems.extend(edited(&step, &recorded.statements));
                }
                None => {
                    if let Some(newest) = newest_recorded.filter(|newest| *newest > migration.version) {
                        let name = migration.name.to_owned();
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
        None if step.done > 0 || step.in_doubt => {
            State::Partial { done: u32::try_from(step.done).unwrap_or(u32::MAX), statements: step.count() }
        }
        None => State::Pending { statements: step.count() },
    };
    MigrationStatus { version: step.migration.version, name: step.migration.name.to_owned(), state }
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
        name: step.migration.name.to_owned(),
        ordinal: u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1),
        applied,
        file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Recorded;

    const ONE: Migration =
        Migration { version: 1, name: "one", sql: "CREATE TABLE a (b INT); CREATE TABLE c (d INT);" };
    const TWO: Migration = Migration { version: 2, name: "two", sql: "CREATE TABLE e (f INT);" };

    fn recorded(migration: &Migration, states: &[StatementState], finished: bool) -> Recorded {
        let statements = split(migration.sql).unwrap();
        Recorded {
            name: migration.name.to_owned(),
            finished_at: finished.then(|| "2026-01-01T00:00:00Z".to_owned()),
            statements: statements
                .iter()
                .zip(states)
                .map(|(statement, state)| RecordedStatement {
                    hash: statement.hash(),
                    body: statement.sql.clone(),
                    state: *state,
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
        let mended = Migration { sql: "CREATE TABLE a (b INT); CREATE TABLE mended (d INT);", ..ONE };
        let set = [mended];
        let plan = Plan::new(&set, &was).unwrap();
        assert_eq!(plan.problems, []);
        let step = plan.pending().next().unwrap();
        assert_eq!((step.done, step.in_doubt), (1, false));
        assert_eq!(plan.status().migrations[0].state, State::Partial { done: 1, statements: 2 });
    }

    #[test]
    fn an_applied_or_doubtful_statement_may_not_be_edited() {
        let edited = Migration { sql: "CREATE TABLE a (b INT); CREATE TABLE other (d INT);", ..ONE };
        for (states, finished) in [([Done, Done], true), ([Done, Sent], false)] {
            let was = history(vec![(1, recorded(&ONE, &states, finished))]);
            let problems = Plan::new(&[edited], &was).unwrap().problems;
            assert!(matches!(&problems[..], [Problem::Edited { ordinal: 2, .. }]), "{problems:?}");
        }
    }

    #[test]
    fn statements_may_not_be_added_to_or_taken_from_a_finished_file() {
        let was = history(vec![(1, recorded(&ONE, &[Done, Done], true))]);
        let shorter = Migration { sql: "CREATE TABLE a (b INT);", ..ONE };
        let longer =
            Migration { sql: "CREATE TABLE a (b INT); CREATE TABLE c (d INT); CREATE TABLE x (y INT);", ..ONE };
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
