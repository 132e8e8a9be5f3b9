//! `jewelctl runbook` and its options.

use clap::{Args, Subcommand};

/// `jewelctl runbook`
#[derive(Args, Debug)]
pub struct RunbookArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: RunbookCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum RunbookCommand {
    /// Find the page by what you see; without words, all of them
    #[command(after_help = "Examples:\n  jewelctl runbook list\n  jewelctl runbook list the site answers 502")]
    List {
        /// What you see, in your own words
        #[arg(value_name = "WORDS")]
        seen: Vec<String>,
    },
    /// Show a page
    #[command(after_help = "Examples:\n  jewelctl runbook show database-gone\n  jewelctl runbook show migrations")]
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Run the steps of a page one after the other; each is shown and asked for first
    #[command(
        after_help = "Examples:\n  jewelctl runbook run site-down\n  jewelctl runbook run database-gone --yes\n  \
            jewelctl runbook run database-gone --from restore"
    )]
    Run(RunbookRunArgs),
}

/// `jewelctl runbook run`
#[derive(Args, Debug)]
pub struct RunbookRunArgs {
    /// The page's name
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Begin with this step
    #[arg(long, value_name = "STEP")]
    pub from: Option<String>,
    /// Show the steps, and run none
    #[arg(long)]
    pub dry_run: bool,
}
