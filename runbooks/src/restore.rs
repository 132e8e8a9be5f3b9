//! Restores: the next generation of what was lost is made beside it, filled, looked at, and only then put into its role.
//!
//! A restore is a value that is written down after each of its [`Step`]s, in the operations bucket: any machine can go on
//! where another one was cut off. Each step may be done twice. Nothing of what served before is changed or removed, so
//! that the way back is a restore of the same kind, onto what stands there still.

mod database;
mod instance;
mod objects;
mod store;
mod verify;

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use database::{await_login, fence, make_database, put_database_in_use, replay, snapshots, stop_api};
pub use instance::{await_instance, make_instance, move_address, newest_instance_snapshot};
pub use objects::{MediaReport, restore_media};
pub use store::RestoreStore;
pub use verify::{Findings, verify};

/// The version of the stored form.
const FORMAT: u32 = 1;

/// What is brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The database.
    Database,
    /// An instance that serves the API.
    Instance,
}

/// What its contents come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A snapshot of Lightsail's, by name.
    Snapshot(String),
    /// The automatic backups of a database that is still there.
    PointInTime {
        /// Whose.
        database: String,
        /// When.
        at: Timestamp,
    },
    /// A backup of ours, by its id.
    Backup(String),
    /// One that is there already, in nobody's role: the one that served before.
    Standing(String),
    /// Nothing: a new machine, to which the API is deployed.
    Nothing,
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Snapshot(name) => write!(f, "snapshot {name}"),
            Self::PointInTime { database, at } => write!(f, "{database} as it was at {at}"),
            Self::Backup(id) => write!(f, "backup {id}"),
            Self::Standing(name) => write!(f, "{name}, which is there already"),
            Self::Nothing => write!(f, "nothing: a new one"),
        }
    }
}

/// One step; in the order in which they are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Visitors see the maintenance page.
    Close,
    /// The API stops on every instance: nothing more is acknowledged.
    Stop,
    /// The journal's epochs end: not even a process that nobody could stop is acknowledged any more.
    Fence,
    /// The next generation is ordered.
    Make,
    /// It answers, and lets us in.
    Enter,
    /// It is given a backup's rows.
    Load,
    /// It is given the newest schema.
    Migrate,
    /// What was acknowledged and is not in it is put in, from the journal.
    Replay,
    /// What is in it is looked at.
    Verify,
    /// It plays the role.
    PutInUse,
    /// What belongs to it in the cloud is as the settings say: alarms, ports, windows, automatic snapshots.
    Provision,
    /// The API is told, and started.
    Deploy,
    /// A visitor's questions are answered.
    Check,
    /// Visitors see the shop.
    Open,
}

const DATABASE: [Step; 14] = [
    Step::Close,
    Step::Stop,
    Step::Fence,
    Step::Make,
    Step::Enter,
    Step::Load,
    Step::Migrate,
    Step::Replay,
    Step::Verify,
    Step::PutInUse,
    Step::Provision,
    Step::Deploy,
    Step::Check,
    Step::Open,
];
const INSTANCE: [Step; 6] = [Step::Make, Step::Enter, Step::PutInUse, Step::Provision, Step::Deploy, Step::Check];

impl Step {
    /// What it is called on the screen.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Close => "Close the shop",
            Self::Stop => "Stop the API",
            Self::Fence => "Fence the journal",
            Self::Make => "Make the next one",
            Self::Enter => "Wait for a login",
            Self::Load => "Load the backup",
            Self::Migrate => "Migrate",
            Self::Replay => "Replay the journal",
            Self::Verify => "Verify",
            Self::PutInUse => "Put it in use",
            Self::Provision => "Provision",
            Self::Deploy => "Deploy",
            Self::Check => "Check",
            Self::Open => "Open the shop",
        }
    }

    /// How long it takes on AWS, as a rule: what is ours as measured on the local cloud with a database of 1 GB, and
    /// what is Lightsail's after its documents ("within minutes"), on the careful side. A drill says what it was.
    #[must_use]
    pub fn usual(self, source: &Source) -> Duration {
        let seconds = match (self, source) {
            (Self::Make | Self::Enter, Source::Standing(_)) => 2,
            (Self::Make, _) => 5,
            (Self::Enter, _) => 15 * 60,
            (Self::Close | Self::Open, _) => 30,
            (Self::Load, _) => 60,
            (Self::Provision | Self::Replay, _) => 20,
            (Self::Stop | Self::Deploy | Self::Verify, _) => 10,
            (Self::Fence | Self::Migrate | Self::PutInUse | Self::Check, _) => 3,
        };
        Duration::from_secs(seconds)
    }

    /// Whether its time is the cloud's and not ours.
    #[must_use]
    pub fn is_the_clouds(self) -> bool {
        matches!(self, Self::Make | Self::Enter)
    }
}

/// A step that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub step: Step,
    /// When it ended.
    pub at: Timestamp,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// What came of it, in words.
    pub said: String,
}

/// A restore, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// The version of this form.
    pub format_version: u32,
    /// Its id; sorts by time.
    pub id: String,
    /// The shop.
    pub stack: String,
    /// What is brought back.
    pub subject: Subject,
    /// What its contents come from.
    pub source: Source,
    /// The time its contents are of, where that is known.
    pub contents_of: Option<Timestamp>,
    /// What played the role before.
    pub previous: String,
    /// What plays it afterwards.
    pub target: String,
    /// Which machine, counted from one; the first for a database.
    pub machine: u32,
    /// Whether the journal is replayed.
    pub replays: bool,
    /// Whether the shop was open before, so that it is opened at the end.
    pub reopens: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When its last step was done, or it was given up.
    pub ended_at: Option<Timestamp>,
    /// Whether it was given up.
    #[serde(default)]
    pub abandoned: bool,
    /// What was done so far.
    pub done: Vec<Done>,
}

impl Restore {
    /// A restore that has not begun.
    #[must_use]
    pub fn new(id: &str, stack: &str, subject: Subject, source: Source, previous: &str, target: &str) -> Self {
        Self {
            format_version: FORMAT,
            id: id.to_owned(),
            stack: stack.to_owned(),
            subject,
            source,
            contents_of: None,
            previous: previous.to_owned(),
            target: target.to_owned(),
            machine: 1,
            replays: subject == Subject::Database,
            reopens: false,
            started_at: Timestamp::now(),
            ended_at: None,
            abandoned: false,
            done: Vec::new(),
        }
    }

    /// Its steps.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let all: &[Step] = match self.subject {
            Subject::Database => &DATABASE,
            Subject::Instance => &INSTANCE,
        };
        let is_needed = |step: Step| match step {
            Step::Load => matches!(self.source, Source::Backup(_)),
            Step::Replay => self.replays,
            Step::Close | Step::Open => self.reopens,
            _ => true,
        };
        all.iter().copied().filter(|step| is_needed(*step)).collect()
    }

    /// The first step that was not done; none of one that was given up.
    #[must_use]
    pub fn next(&self) -> Option<Step> {
        if self.abandoned {
            return None;
        }
        self.steps().into_iter().find(|step| !self.done.iter().any(|done| done.step == *step))
    }

    /// Gives it up.
    pub fn abandon(&mut self) {
        self.abandoned = true;
        self.ended_at = Some(Timestamp::now());
    }

    /// Notes that a step was done.
    pub fn note(&mut self, step: Step, took: Duration, said: &str) {
        let at = Timestamp::now();
        let took_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.done.push(Done { step, at, took_ms, said: said.to_owned() });
        if self.next().is_none() {
            self.ended_at = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restore(source: Source) -> Restore {
        Restore::new("r1", "shop-prod", Subject::Database, source, "shop-prod-db-1", "shop-prod-db-2")
    }

    #[test]
    fn only_what_is_needed_is_done_and_nothing_twice() {
        let mut one = restore(Source::Snapshot("s".into()));
        assert!(!one.steps().contains(&Step::Close) && !one.steps().contains(&Step::Load));
        one.reopens = true;
        let mut seen = Vec::new();
        while let Some(step) = one.next() {
            assert!(one.ended_at.is_none());
            one.note(step, Duration::from_millis(1), "");
            seen.push(step);
        }
        assert_eq!(seen, one.steps());
        assert!(seen.is_sorted(), "{seen:?}");
        assert!(one.ended_at.is_some());
    }

    #[test]
    fn the_old_one_is_not_left_before_the_new_one_was_looked_at() {
        for source in [Source::Backup("b".into()), Source::Snapshot("s".into()), Source::Standing("d".into())] {
            let steps = restore(source).steps();
            let place = |step| steps.iter().position(|one| *one == step);
            assert!(place(Step::Verify) < place(Step::PutInUse));
            assert!(place(Step::Stop) < place(Step::Fence) && place(Step::Fence) < place(Step::Replay));
        }
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let mut one = restore(Source::PointInTime { database: "shop-prod-db-1".into(), at: Timestamp::UNIX_EPOCH });
        one.note(Step::Stop, Duration::from_secs(1), "stopped");
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Restore>(&text).unwrap(), one);
    }
}
