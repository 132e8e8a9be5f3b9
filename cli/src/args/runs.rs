//! `jewelctl runs` and its options.

use clap::{Args, Subcommand};

/// `jewelctl runs`
#[derive(Args, Debug)]
pub struct RunsArgs {
    /// Which runs to show.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
}

/// Which runs to show.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// The last runs that changed something, or tried to
    #[command(after_help = "Examples:\n  jewelctl runs\n  jewelctl runs list --limit 100 --json")]
    List {
        /// At most so many, the latest
        #[arg(long, value_name = "COUNT", default_value_t = 20)]
        limit: usize,
    },
    /// One run: its phases, resources, calls and errors
    #[command(after_help = "Examples:\n  jewelctl runs show last\n  jewelctl runs show 20261122T135344Z-0c5a00cd1")]
    Show {
        /// The run's id, or `last`
        #[arg(value_name = "ID")]
        id: String,
    },
}

impl Default for RunsCommand {
    fn default() -> Self {
        Self::List { limit: 20 }
    }
}
