//! The disasters that can be rehearsed, as values.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Damage;

/// A disaster, and the way out of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What happens, in a sentence.
    pub story: &'static str,
    /// What is typed before, which a shop's schedule would have done.
    pub prepares: &'static [&'static [&'static str]],
    /// What is done to the shop.
    pub damage: Damage,
    /// What is typed to get out of it; `{...}` stands for one of the [`Facts`].
    pub recovers: &'static [Typed],
    /// What customers notice of it.
    pub customers: Customers,
}

/// What customers notice of a disaster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Customers {
    /// That something does not work, before anything is typed.
    Notice,
    /// Perhaps that something does not work while it is put right.
    MayNotice,
    /// Nothing may be noticed at all.
    NoticeNothing,
}

/// A command, and how it is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Typed {
    /// Its words.
    pub words: &'static [&'static str],
    /// Its exit code.
    pub exit: i32,
    /// Whether it is killed half-way, after the step of this name was done.
    pub killed_after: Option<&'static str>,
}

const fn typed(words: &'static [&'static str]) -> Typed {
    Typed { words, exit: 0, killed_after: None }
}

/// What is known only when it has happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The last whole second before the damage.
    pub before: Timestamp,
    /// The restore that was cut off.
    pub restore: Option<String>,
}

impl Facts {
    /// A word of a command, with what is known put in.
    #[must_use]
    pub fn put_into(&self, word: &str) -> String {
        word.replace("{before}", &self.before.to_string())
            .replace("{restore}", self.restore.as_deref().unwrap_or_default())
    }
}

/// What everybody was promised: the shop is back within this.
pub(super) const RTO: Duration = Duration::from_secs(30 * 60);
/// What a recovery may take beside the cloud's own waits.
pub(super) const OURS: Duration = Duration::from_secs(60);

impl Scenario {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self {
            name: "database-deleted",
            story: "somebody deletes the database, and its automatic backups with it",
            prepares: &[&["snapshot", "create", "database"]],
            damage: Damage::DeleteDatabase,
            recovers: &[typed(&["restore", "database"])],
            customers: Customers::Notice,
        },
        Self {
            name: "tables-dropped",
            story: "somebody drops the tables of orders by hand",
            prepares: &[],
            damage: Damage::DropTables,
            recovers: &[typed(&["restore", "database", "--from", "point-in-time", "--at", "{before}"])],
            customers: Customers::Notice,
        },
        Self {
            name: "instance-lost",
            story: "the machine that serves the API is gone, and its automatic snapshots with it",
            prepares: &[&["snapshot", "create", "instance"]],
            damage: Damage::DeleteInstance,
            recovers: &[typed(&["restore", "instance"])],
            customers: Customers::Notice,
        },
        Self {
            name: "bad-deploy",
            story: "a release is deployed that does not serve",
            prepares: &[],
            damage: Damage::None,
            recovers: &[Typed { words: &["deploy", "api", "--binary", "{program}"], exit: 1, killed_after: None }],
            customers: Customers::NoticeNothing,
        },
        Self {
            name: "credentials-leaked",
            story: "every credential of the shop is public: the API's key, the database's password, the secrets",
            prepares: &[],
            damage: Damage::LeakCredentials,
            recovers: &[
                typed(&["secrets", "rotate", "aws-key"]),
                typed(&["secrets", "rotate", "database"]),
                typed(&["secrets", "rotate", "origin"]),
                typed(&["secrets", "rotate", "cart", "--only"]),
                typed(&["deploy", "api"]),
                typed(&["provision"]),
                typed(&["secrets", "forget", "origin"]),
                typed(&["deploy", "api"]),
            ],
            customers: Customers::MayNotice,
        },
        Self {
            name: "page-only",
            story: "the database is deleted, and nobody is there who knows the system: somebody follows the page",
            prepares: &[&["snapshot", "create", "database"]],
            damage: Damage::DeleteDatabase,
            recovers: &[typed(&["runbook", "run", "database-gone"])],
            customers: Customers::Notice,
        },
        Self {
            name: "media-deleted",
            story: "somebody deletes every picture",
            prepares: &[],
            damage: Damage::DeleteMedia,
            recovers: &[typed(&["restore", "media", "--at", "{before}"])],
            customers: Customers::Notice,
        },
        Self {
            name: "backup-truncated",
            story: "the database is gone, the newest backup was cut short, and nobody made a snapshot",
            prepares: &[&["backup", "create"], &["backup", "create"]],
            damage: Damage::TruncateBackup,
            recovers: &[
                Typed { words: &["backup", "verify"], exit: 8, killed_after: None },
                typed(&["restore", "database", "--from", "backup"]),
            ],
            customers: Customers::Notice,
        },
        Self {
            name: "journal-away",
            story: "the journal refuses everything: nothing can be acknowledged, everything can be read",
            prepares: &[],
            damage: Damage::RefuseJournal,
            recovers: &[typed(&["provision"])],
            customers: Customers::Notice,
        },
        Self {
            name: "restore-killed",
            story: "the database is deleted, and the machine that restores it dies half-way",
            prepares: &[&["snapshot", "create", "database"]],
            damage: Damage::DeleteDatabase,
            recovers: &[
                Typed { words: &["restore", "database"], exit: -9, killed_after: Some("enter") },
                typed(&["restore", "database", "--resume", "{restore}"]),
            ],
            customers: Customers::Notice,
        },
    ];

    /// The one of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        Self::ALL.iter().find(|one| one.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_facts_find_their_place() {
        let mut names: Vec<_> = Scenario::ALL.iter().map(|one| one.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Scenario::ALL.len());
        let facts = Facts { before: Timestamp::from_second(1_763_800_000).unwrap(), restore: Some("r1".into()) };
        let words = Scenario::named("tables-dropped").unwrap().recovers[0].words;
        assert_eq!(facts.put_into(words[5]), "2025-11-22T08:26:40Z");
        assert_eq!(facts.put_into("{restore}"), "r1");
    }
}
