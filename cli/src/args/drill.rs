//! `jewelctl drill` and its options.

use clap::{Args, Subcommand};

/// `jewelctl drill`
#[derive(Args, Debug)]
pub struct DrillArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: DrillCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum DrillCommand {
    /// Show the disasters that can be rehearsed, and when each was last
    #[command(after_help = "Example:\n  jewelctl drill list")]
    List,
    /// Make a disaster for real, put it right with the commands an operator would type, and measure it
    #[command(after_help = "Examples:\n  jewelctl drill run database-deleted --target local\n  \
            jewelctl drill run all --target local --yes\n  \
            jewelctl drill run tables-dropped --env drill --dry-run\n\n\
            On AWS a drill never touches `prod`: it works on an environment of its own, a copy beside it.\n\
            Exit 8 when a promise was not kept.")]
    Run(DrillRunArgs),
    /// Show the report of a drill as Markdown
    #[command(
        after_help = "Examples:\n  jewelctl drill report\n  jewelctl drill report 20261122T090000Z-3f9a > report.md"
    )]
    Report {
        /// Which drill (default: the last one)
        #[arg(value_name = "DRILL")]
        drill: Option<String>,
    },
}

/// `jewelctl drill run`
#[derive(Args, Debug)]
pub struct DrillRunArgs {
    /// The scenario, or `all`
    #[arg(value_name = "NAME")]
    pub name: String,
    /// How many customers look at the catalogue meanwhile
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pub readers: usize,
    /// How many customers buy meanwhile
    #[arg(long, value_name = "NUMBER", default_value_t = 2)]
    pub buyers: usize,
    /// Show what would be damaged and typed, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

impl DrillCommand {
    /// Whether it changes the shop.
    pub const fn changes(&self) -> bool {
        match self {
            Self::Run(args) => !args.dry_run,
            Self::List | Self::Report { .. } => false,
        }
    }
}
