//! `jewelctl backup` and its options.

use clap::{Args, Subcommand};

/// `jewelctl backup`
#[derive(Args, Debug)]
pub struct BackupArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: BackupCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Back the database up: consistent, encrypted, into the backups bucket; the shop goes on meanwhile
    #[command(
        after_help = "Examples:\n  jewelctl backup create\n  jewelctl backup create --json | tail -1 | jq -r .id\n\n\
            Exit 8 when a table has become much smaller than in the last backup: the backup is there all the same."
    )]
    Create(BackupCreateArgs),
    /// Show the backups there are, their ages, sizes and what a month of them costs
    #[command(after_help = "Example:\n  jewelctl backup list")]
    List,
    /// Show what is in a backup: tables, rows, sizes, where the journal stood
    #[command(after_help = "Examples:\n  jewelctl backup show\n  jewelctl backup show 20261122T190000.412Z-3f9a1c2d")]
    Show {
        /// Which (default: the newest)
        #[arg(value_name = "BACKUP")]
        id: Option<String>,
    },
    /// Read backups back: is every object there, unchanged, and can it be opened
    #[command(after_help = "Examples:\n  jewelctl backup verify\n  jewelctl backup verify --all --slice 7\n  \
            jewelctl backup verify --restore\n\n\
            Exit 8 when anything is damaged; it is named.")]
    Verify(BackupVerifyArgs),
    /// Delete backups that no rule keeps: the newest of each of the last 7 days, 4 weeks and 12 months stay
    #[command(after_help = "Examples:\n  jewelctl backup prune --dry-run\n  jewelctl backup prune --daily 14 --yes")]
    Prune(KeepArgs),
    /// Make a key to print and put away: it reads every backup made from then on, without AWS
    #[command(after_help = "Example:\n  jewelctl backup recovery-key > /media/usb/shop-recovery-key.txt\n\n\
            It is shown this once, and kept nowhere.")]
    RecoveryKey {
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// `jewelctl backup create`
#[derive(Args, Debug)]
pub struct BackupCreateArgs {
    /// Tables that may have become much smaller (may be repeated)
    #[arg(long, value_name = "TABLE")]
    pub may_shrink: Vec<String>,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl backup verify`
#[derive(Args, Debug)]
pub struct BackupVerifyArgs {
    /// Which (default: the newest)
    #[arg(value_name = "BACKUP", conflicts_with = "all")]
    pub id: Option<String>,
    /// All of them
    #[arg(long)]
    pub all: bool,
    /// Read only the part of this day: a daily run reads everything once in so many days
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=365))]
    pub slice: Option<u32>,
    /// Load it into a schema of its own on the shop's server, compare, and drop that
    #[arg(long, conflicts_with_all = ["all", "slice"])]
    pub restore: bool,
}

/// What is kept.
#[derive(Args, Clone, Copy, Debug)]
pub struct KeepArgs {
    /// The newest of each of so many days
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    pub daily: usize,
    /// The newest of each of so many weeks
    #[arg(long, value_name = "WEEKS", default_value_t = 4)]
    pub weekly: usize,
    /// The newest of each of so many months
    #[arg(long, value_name = "MONTHS", default_value_t = 12)]
    pub monthly: usize,
    /// Show what would be deleted and why the rest is kept, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl BackupCommand {
    /// Whether it changes the shop.
    pub const fn changes(&self) -> bool {
        match self {
            Self::Create(args) => !args.dry_run,
            Self::Prune(args) => !args.dry_run,
            Self::Verify(args) => args.restore,
            Self::RecoveryKey { dry_run } => !*dry_run,
            Self::List | Self::Show { .. } => false,
        }
    }
}
