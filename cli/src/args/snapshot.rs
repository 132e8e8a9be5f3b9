//! `jewelctl snapshot` and its options.

use clap::{Args, Subcommand, ValueEnum};

use super::KeepArgs;

/// `jewelctl snapshot`
#[derive(Args, Debug)]
pub struct SnapshotArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: SnapshotCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Take one of the database, the machines, or both, and wait until it can be restored
    #[command(
        after_help = "Examples:\n  jewelctl snapshot create instance\n  jewelctl snapshot create database --in-window\n\n\
            One of a database on a standard plan stops that meanwhile: it is said before, with the next maintenance window."
    )]
    Create(SnapshotCreateArgs),
    /// Keep the newest daily snapshot of each machine, which otherwise goes with it; once a week is enough
    #[command(after_help = "Examples:\n  jewelctl snapshot keep --dry-run\n  jewelctl snapshot keep --yes")]
    Keep {
        /// Show what would be kept, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Show the snapshots there are: kept and automatic, of what, how old, how large, what a month of them costs
    #[command(after_help = "Examples:\n  jewelctl snapshot list\n  jewelctl snapshot list database --json")]
    List {
        /// Of what
        #[arg(value_enum, value_name = "WHAT", default_value = "all")]
        what: SnapshotWhat,
    },
    /// Delete snapshots that no rule keeps: the newest of each of the last 7 days, 4 weeks and 12 months stay
    #[command(
        after_help = "Examples:\n  jewelctl snapshot prune --dry-run\n  jewelctl snapshot prune database --daily 3 --yes\n\n\
            The database and each machine are counted on their own, and one of each always stays. What this program did\n\
            not make is never deleted, and automatic snapshots are Lightsail's to delete."
    )]
    Prune(SnapshotPruneArgs),
}

/// Of what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SnapshotWhat {
    /// The database
    Database,
    /// The machines
    Instance,
    /// Both
    All,
}

impl SnapshotWhat {
    /// Whether the database is meant.
    pub const fn has_database(self) -> bool {
        matches!(self, Self::Database | Self::All)
    }

    /// Whether the machines are meant.
    pub const fn has_instances(self) -> bool {
        matches!(self, Self::Instance | Self::All)
    }
}

/// `jewelctl snapshot create`
#[derive(Args, Debug)]
pub struct SnapshotCreateArgs {
    /// Of what
    #[arg(value_enum, value_name = "WHAT", default_value = "all")]
    pub what: SnapshotWhat,
    /// Refuse (exit 7) what would interrupt the database's service outside of `database.maintenance_window`
    #[arg(long)]
    pub in_window: bool,
    /// Show what would be taken and whether the service is interrupted, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl snapshot prune`
#[derive(Args, Debug)]
pub struct SnapshotPruneArgs {
    /// Of what
    #[arg(value_enum, value_name = "WHAT", default_value = "all")]
    pub what: SnapshotWhat,
    /// What stays.
    #[command(flatten)]
    pub keep: KeepArgs,
}

impl SnapshotCommand {
    /// Whether it changes the shop.
    pub const fn changes(&self) -> bool {
        match self {
            Self::Create(args) => !args.dry_run,
            Self::Keep { dry_run } => !*dry_run,
            Self::Prune(args) => !args.keep.dry_run,
            Self::List { .. } => false,
        }
    }
}
