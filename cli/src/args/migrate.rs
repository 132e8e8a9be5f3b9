//! `jewelctl migrate` and its options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use jewel_migrations::StatementId;

/// `jewelctl migrate`
#[derive(Args, Debug)]
pub struct MigrateArgs {
    /// What to do with the schema.
    #[command(subcommand)]
    pub command: MigrateCommand,
}

/// What to do with the schema.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Apply what is pending; a run that failed or was killed goes on where it stopped
    #[command(after_help = "Examples:\n  jewelctl migrate up --dry-run\n  jewelctl migrate up\n  \
                      jewelctl migrate up --json | jq -c 'select(.event.event == \"statement_progress\") | .event'\n\n\
                      Before anything is changed, what is pending is linted (exit 7) and tried on an empty copy of the \
                      schema.")]
    Up(MigrateUpArgs),
    /// Show what is applied and what is pending; never writes
    #[command(after_help = "Example:\n  jewelctl migrate status --exit-code")]
    Status {
        /// Exit 6 when anything is pending, 8 when files and database contradict each other
        #[arg(long)]
        exit_code: bool,
        /// Where the files come from
        #[command(flatten)]
        source: SourceArgs,
    },
    /// Find what would break the release that runs while a migration is applied; needs no cloud and no database
    #[command(
        after_help = "Examples:\n  jewelctl migrate lint\n  jewelctl migrate lint migrations/sql/0008_gift_wrap.sql\n\n\
                      A statement that is safe all the same says why in the comment before it:\n  \
                      -- jewel: safe because no release since 0.4 reads it\n\n\
                      Exit 8 when anything is found."
    )]
    Lint {
        /// Judge these files only; the others of their folder are read for what they made before
        #[arg(value_name = "FILE", conflicts_with = "dir")]
        files: Vec<PathBuf>,
        /// Where the files come from
        #[command(flatten)]
        source: SourceArgs,
    },
    /// Set right what the history says about statements; never touches the schema
    #[command(
        after_help = "Examples:\n  jewelctl migrate repair --dry-run        what it would set: edits that it would accept\n  \
                      jewelctl migrate repair --done 8.3       the third statement of 8 has happened: go on after it\n  \
                      jewelctl migrate repair --again 8.3      it has not: send it again"
    )]
    Repair(MigrateRepairArgs),
}

/// Where migrations come from.
#[derive(Args, Debug)]
pub struct SourceArgs {
    /// The files of this folder (default: those compiled into this program)
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `jewelctl migrate up`
#[derive(Args, Debug)]
pub struct MigrateUpArgs {
    /// Show each statement that would be applied, with the algorithm and the lock it will take, and apply nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not try what is pending on an empty copy of the schema first
    #[arg(long)]
    pub unrehearsed: bool,
    /// Where the files come from
    #[command(flatten)]
    pub source: SourceArgs,
    /// Wait for another migrator at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_wait: u64,
}

/// `jewelctl migrate repair`
#[derive(Args, Debug)]
pub struct MigrateRepairArgs {
    /// This statement has happened; the next run goes on after it (may be repeated)
    #[arg(long, value_name = "MIGRATION.STATEMENT")]
    pub done: Vec<StatementId>,
    /// This statement, the last that was sent, has not happened; the next run sends it
    #[arg(long, value_name = "MIGRATION.STATEMENT")]
    pub again: Vec<StatementId>,
    /// Show what would be set, and set nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where the files come from
    #[command(flatten)]
    pub source: SourceArgs,
    /// Wait for another migrator at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub lock_wait: u64,
}
