//! `jewelctl restore` and its options.

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use super::operate::since;

/// `jewelctl restore`
#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// What is brought back.
    #[command(subcommand)]
    pub command: RestoreCommand,
}

/// What is brought back.
#[derive(Debug, Subcommand)]
pub enum RestoreCommand {
    /// The database, as a new one beside the old; what was acknowledged since comes from the journal
    #[command(after_help = "Examples:\n  jewelctl restore database --dry-run\n  \
            jewelctl restore database --from point-in-time --at 2026-11-22T09:00:00Z\n  \
            jewelctl restore database --from snapshot --name shop-prod-db-1-20261122\n  \
            jewelctl restore database --resume 20261122T090000Z-3f9a\n\n\
            The old database is neither changed nor deleted; `jewelctl restore undo` goes back to it.")]
    Database(RestoreDatabaseArgs),
    /// A machine that serves the API, as a new one that takes over the address
    #[command(after_help = "Examples:\n  jewelctl restore instance --dry-run\n  \
            jewelctl restore instance --from nothing --yes\n  \
            jewelctl restore instance --number 2 --from snapshot")]
    Instance(RestoreInstanceArgs),
    /// The shop's pictures, as they were at a time
    #[command(after_help = "Examples:\n  jewelctl restore media --at 2h --dry-run\n  \
            jewelctl restore media --at 2026-11-22T09:00:00Z\n\n\
            Deleted and overwritten pictures come back; those that came later stay.")]
    Media(RestoreObjectsArgs),
    /// The site, as it was released before a time
    #[command(after_help = "Examples:\n  jewelctl restore site --at 1d --dry-run\n  jewelctl restore site --at 1d")]
    Site(RestoreObjectsArgs),
    /// Show the restores that there were, and how far they came
    #[command(after_help = "Example:\n  jewelctl restore list --json | jq -r '.restores[-1].id'")]
    List,
    /// Go back to the database that served before a restore, with what was acknowledged since
    #[command(after_help = "Examples:\n  jewelctl restore undo --dry-run\n  jewelctl restore undo")]
    Undo(RestoreUndoArgs),
    /// Give a restore up that was cut off: the API serves from the database that is in use, and the shop opens
    #[command(
        after_help = "Examples:\n  jewelctl restore abandon\n  jewelctl restore abandon 20261122T090000Z-3f9a\n\n\
            What it made so far stays, and is named by `jewelctl restore list`."
    )]
    Abandon(RestoreUndoArgs),
}

/// What a database can be restored from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DatabaseFrom {
    /// A snapshot of Lightsail's
    Snapshot,
    /// A backup of ours, as `jewelctl backup list` shows them
    Backup,
    /// The automatic backups of the database in use
    PointInTime,
}

/// What a machine can be made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InstanceFrom {
    /// A snapshot of Lightsail's
    Snapshot,
    /// Nothing: a new machine; it holds no data
    Nothing,
}

/// How a restore is done.
#[derive(Args, Clone, Debug)]
pub struct HowArgs {
    /// Go on with a restore that was cut off
    #[arg(long, value_name = "RUN")]
    pub resume: Option<String>,
    /// Show each step with the time it usually takes, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait for another run's lock at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
}

/// `jewelctl restore database`
#[derive(Args, Debug)]
pub struct RestoreDatabaseArgs {
    /// What its data come from (default: the automatic backups, or else the newest snapshot or backup)
    #[arg(long, value_enum, value_name = "SOURCE", conflicts_with = "resume")]
    pub from: Option<DatabaseFrom>,
    /// Which one (default: the newest)
    #[arg(long, requires = "from", conflicts_with = "resume")]
    pub name: Option<String>,
    /// As it was then: a time, or a span before now; for point-in-time (default: the latest it reaches)
    #[arg(long, value_name = "WHEN", value_parser = since, conflicts_with = "resume")]
    pub at: Option<Timestamp>,
    /// Put in what was acknowledged since then, from the journal; this is the default
    #[arg(long, conflicts_with_all = ["no_replay", "resume"])]
    pub replay: bool,
    /// Leave out what was acknowledged since then: orders are lost
    #[arg(long, conflicts_with = "resume")]
    pub no_replay: bool,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `jewelctl restore instance`
#[derive(Args, Debug)]
pub struct RestoreInstanceArgs {
    /// What it is made of (default: the newest snapshot, or else nothing)
    #[arg(long, value_enum, value_name = "SOURCE", conflicts_with = "resume")]
    pub from: Option<InstanceFrom>,
    /// Which snapshot (default: the newest)
    #[arg(long, requires = "from", conflicts_with = "resume")]
    pub name: Option<String>,
    /// Which machine, where the shop has several
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=4))]
    pub number: u32,
    /// How.
    #[command(flatten)]
    pub how: HowArgs,
}

/// `jewelctl restore media`, `jewelctl restore site`
#[derive(Args, Debug)]
pub struct RestoreObjectsArgs {
    /// As it was then: a time, or a span before now (`2h`)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub at: Timestamp,
    /// Show what would be put back, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl restore undo`, `jewelctl restore abandon`
#[derive(Args, Debug)]
pub struct RestoreUndoArgs {
    /// Which restore (default: the last one of the database)
    #[arg(value_name = "RUN")]
    pub restore: Option<String>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait for another run's lock at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
}

impl RestoreCommand {
    /// Whether it changes the shop.
    pub const fn changes(&self) -> bool {
        match self {
            Self::Database(args) => !args.how.dry_run,
            Self::Instance(args) => !args.how.dry_run,
            Self::Media(args) | Self::Site(args) => !args.dry_run,
            Self::Undo(args) | Self::Abandon(args) => !args.dry_run,
            Self::List => false,
        }
    }
}
