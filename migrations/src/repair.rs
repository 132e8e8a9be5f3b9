//! Sets right what the history says, after a person has looked at the database: never the schema, only the record of it.
//!
//! Everything it would set is a value that can be shown first; [`repair`] applies exactly that, in one transaction.

use std::{fmt, str::FromStr, time::Duration};

use serde::Serialize;
use sqlx::{Connection, MySqlConnection};

use crate::{
    embedded::Migration,
    error::Error,
    history::{self, History, Note, Place, Recorded, StatementState},
    lock::{Lock, Purpose},
    plan::{self, Problem},
    statement::Statement,
};

/// One statement of one migration, written `8.3`: the third statement of migration 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementId {
    version: u32,
    ordinal: u32,
}

impl FromStr for StatementId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('.').and_then(|(version, ordinal)| Some((version.parse().ok()?, ordinal.parse().ok()?)));
        match parts {
            Some((version, ordinal)) if ordinal > 0 => Ok(Self { version, ordinal }),
            _ => Err("a statement is MIGRATION.STATEMENT, for example 8.3".to_owned()),
        }
    }
}

/// What a person has found out about statements whose outcome the history has wrong.
#[derive(Debug, Clone, Default)]
pub struct Findings {
    /// These have happened.
    pub done: Vec<StatementId>,
    /// These have not, and are to be sent again.
    pub again: Vec<StatementId>,
}

/// One entry of the history that would be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The migration's version.
    pub version: u32,
    /// The migration's name.
    pub name: String,
    /// Which statement, counted from 1.
    pub ordinal: u32,
    /// What would be set.
    #[serde(flatten)]
    pub set: Set,
}

/// What is set about a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "set", rename_all = "snake_case")]
pub enum Set {
    /// The file's text is taken for what was applied. Nothing is applied again.
    Text {
        /// What was applied.
        applied: String,
        /// What the file says.
        file: String,
    },
    /// The record of a statement that is no longer in the file goes.
    Forgotten {
        /// What was applied.
        applied: String,
    },
    /// The statement counts as done: the next run goes on after it.
    Done {
        /// The statement.
        file: String,
    },
    /// The statement counts as not sent: the next run sends it.
    Again {
        /// The statement as it was sent.
        applied: String,
    },
}

impl Change {
    /// The two texts of an edited statement, as lines with `-`, `+` or a blank before them.
    pub fn diff(&self) -> Option<String> {
        let Set::Text { applied, file } = &self.set else { return None };
        let (version, name, ordinal) = (self.version, self.name.clone(), self.ordinal);
        Problem::Edited { version, name, ordinal, applied: Some(applied.clone()), file: Some(file.clone()) }.diff()
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "statement {} of {:04}_{}: ", self.ordinal, self.version, self.name)?;
        f.write_str(match self.set {
            Set::Text { .. } => "the file's text counts as what was applied",
            Set::Forgotten { .. } => "is no longer in the file, and is forgotten",
            Set::Done { .. } => "counts as done; the next run goes on after it",
            Set::Again { .. } => "counts as not sent; the next run sends it",
        })
    }
}

/// What [`repair`] would set: every edited statement, and what `findings` say. Never writes.
///
/// # Errors
/// When the history cannot be read, or `findings` contradict it.
pub async fn plan_repair(
    conn: &mut MySqlConnection,
    migrations: &[Migration],
    findings: &Findings,
) -> Result<Vec<Change>, Error> {
    changes(migrations, &history::read(conn).await?, findings)
}

/// Sets exactly `consented`, which [`plan_repair`] gave for the same migrations and findings.
///
/// # Errors
/// When another migrator holds the lock for longer than `lock_timeout`, or the history changed since.
pub async fn repair(
    conn: &mut MySqlConnection,
    migrations: &[Migration],
    findings: &Findings,
    consented: &[Change],
    lock_timeout: Duration,
) -> Result<(), Error> {
    let lock = Lock::acquire(conn, Purpose::Migrate, lock_timeout, |_| {}).await?;
    let result = match plan_repair(conn, migrations, findings).await {
        Ok(now) if now == consented => set(conn, migrations, consented).await,
        Ok(_) => Err(Error::Stale),
        Err(error) => Err(error),
    };
    lock.release(conn).await;
    result
}

async fn set(conn: &mut MySqlConnection, migrations: &[Migration], changes: &[Change]) -> Result<(), Error> {
    if changes.is_empty() {
        return Ok(());
    }
    history::create_tables(conn).await?;
    let write = async {
        let mut transaction = conn.begin().await?;
        for change in changes {
            let place = Place { version: change.version, ordinal: change.ordinal };
            match &change.set {
                Set::Forgotten { .. } | Set::Again { .. } => history::forget(&mut transaction, place).await?,
                Set::Text { .. } => {
                    if let Some(statement) = statement(migrations, place) {
                        history::accept(&mut transaction, place, &statement).await?;
                    }
                }
                Set::Done { .. } => {
                    if let Some(statement) = statement(migrations, place) {
                        history::record(&mut transaction, place, &statement, Note::Done).await?;
                    }
                }
            }
        }
        transaction.commit().await
    };
    write.await.map_err(Error::history("repair the migration history"))
}

fn statement(migrations: &[Migration], place: Place) -> Option<Statement> {
    let migration = migrations.iter().find(|migration| migration.version == place.version)?;
    nth(&plan::statements(migration).ok()?, place.ordinal).cloned()
}

fn nth(statements: &[Statement], ordinal: u32) -> Option<&Statement> {
    statements.get(usize::try_from(ordinal).ok()?.checked_sub(1)?)
}

fn changes(migrations: &[Migration], history: &History, findings: &Findings) -> Result<Vec<Change>, Error> {
    let mut changes = Vec::new();
    for migration in migrations {
        if let Some(recorded) = history.0.get(&migration.version) {
            changes.extend(edits(migration, &plan::statements(migration)?, recorded));
        }
    }
    // Several statements may be done, one after the other.
    let mut last = None;
    for id in &findings.done {
        let (migration, recorded) = find(migrations, history, *id)?;
        let statements = plan::statements(migration)?;
        let done = recorded.statements.iter().filter(|was| was.state == StatementState::Done).count();
        let next = match last {
            Some(StatementId { version, ordinal }) if version == id.version => ordinal + 1,
            _ => u32::try_from(done).unwrap_or(u32::MAX).saturating_add(1),
        };
        let why = if recorded.finished_at.is_some() {
            "is done: its migration is complete"
        } else {
            "is not the next to be done"
        };
        let file = nth(&statements, id.ordinal).filter(|_| id.ordinal == next && recorded.finished_at.is_none());
        let file = file.ok_or(Error::Unrepairable { version: id.version, ordinal: id.ordinal, why })?.sql.clone();
        // Done is what the file says, whatever was recorded of it.
        changes.retain(|change: &Change| (change.version, change.ordinal) != (id.version, id.ordinal));
        changes.push(change(migration, id.ordinal, Set::Done { file }));
        last = Some(*id);
    }
    for id in &findings.again {
        let (migration, recorded) = find(migrations, history, *id)?;
        let was = recorded.statements.last().filter(|_| recorded.finished_at.is_none());
        let count = u32::try_from(recorded.statements.len()).unwrap_or(u32::MAX);
        let why = "is not the last that was sent of an unfinished migration";
        let unrepairable = Error::Unrepairable { version: id.version, ordinal: id.ordinal, why };
        let applied = was.filter(|_| id.ordinal == count).ok_or(unrepairable)?.body.clone();
        changes.retain(|change| (change.version, change.ordinal) != (id.version, id.ordinal));
        changes.push(change(migration, id.ordinal, Set::Again { applied }));
    }
    Ok(changes)
}

fn find<'a>(
    migrations: &'a [Migration],
    history: &'a History,
    id: StatementId,
) -> Result<(&'a Migration, &'a Recorded), Error> {
    let migration = migrations.iter().find(|migration| migration.version == id.version);
    let why = "was never begun, or its migration is not known";
    migration.zip(history.0.get(&id.version)).ok_or(Error::Unrepairable {
        version: id.version,
        ordinal: id.ordinal,
        why,
    })
}

/// Every recorded statement that reads differently now, or is gone. One that was added to a complete file is none: it was
/// never applied, and no repair may say that it was.
fn edits(migration: &Migration, statements: &[Statement], recorded: &Recorded) -> Vec<Change> {
    let numbered = (1..).zip(&recorded.statements).filter(|(_, was)| was.state != StatementState::Failed);
    let edit = |(ordinal, was): (u32, &history::RecordedStatement)| match nth(statements, ordinal) {
        Some(now) if now.hash() == was.hash => None,
        Some(now) => Some(change(migration, ordinal, Set::Text { applied: was.body.clone(), file: now.sql.clone() })),
        None => Some(change(migration, ordinal, Set::Forgotten { applied: was.body.clone() })),
    };
    numbered.filter_map(edit).collect()
}

fn change(migration: &Migration, ordinal: u32, set: Set) -> Change {
    Change { version: migration.version, name: migration.name.to_string(), ordinal, set }
}
