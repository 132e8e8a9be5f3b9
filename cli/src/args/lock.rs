//! `jewelctl lock` and its options.

use clap::{Args, Subcommand};

/// `jewelctl lock`
#[derive(Args, Debug)]
pub struct LockArgs {
    /// What to do with the lock.
    #[command(subcommand)]
    pub command: LockCommand,
}

/// What to do with the lock.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Say who holds the lock, since when, and when it ends by itself
    #[command(after_help = "Examples:\n  jewelctl lock status\n  jewelctl lock status --exit-code || exit")]
    Status {
        /// Exit 5 when somebody holds it
        #[arg(long)]
        exit_code: bool,
    },
    /// Take the lock away from whoever holds it; that run starts nothing more
    #[command(after_help = "Example:\n  jewelctl lock release")]
    Release {
        /// Even from a process that works on this very machine
        #[arg(long)]
        force: bool,
        /// Show whose lock would be taken away, and leave it
        #[arg(long)]
        dry_run: bool,
    },
}
