//! `jewelctl local …`: the cloud on this machine.

use clap::{Args, Subcommand};

/// The cloud on this machine
#[derive(Args, Debug)]
pub struct LocalArgs {
    /// What to do with it.
    #[command(subcommand)]
    pub command: LocalCommand,
}

/// What to do with the local cloud.
#[derive(Debug, Subcommand)]
pub enum LocalCommand {
    /// Start it, or bring it back as it was; does nothing when it runs
    #[command(after_help = "Examples:\n  jewelctl local up\n  jewelctl local up --json | tail -1 | jq -r .gateway")]
    Up,
    /// Stop it; everything in it is kept
    Down {
        /// Say what would be stopped, and stop nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Say whether each of its parts is healthy; exit 8 if one is not
    Status,
    /// Stop it and erase everything in it (the base image stays cached)
    Reset {
        /// Say what would be erased, and erase nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Print the `export` lines that point the AWS CLI and SDKs at it
    #[command(after_help = "Examples:\n  eval \"$(jewelctl local env)\"\n  aws lightsail get-instances")]
    Env,
    /// Run the daemon in the foreground (what `up` starts in the background)
    #[command(hide = true)]
    Daemon,
}
