//! `jewelctl maintenance` and its options.

use clap::{Args, Subcommand};

/// `jewelctl maintenance`
#[derive(Args, Debug)]
pub struct MaintenanceArgs {
    /// What to do with the door.
    #[command(subcommand)]
    pub command: MaintenanceCommand,
}

/// What to do with the door.
#[derive(Debug, Subcommand)]
pub enum MaintenanceCommand {
    /// Close the shop: visitors get a page with status 503, who has the printed link is let in
    #[command(after_help = "Examples:\n  jewelctl maintenance on --message 'Back at nine.'\n  \
                            jewelctl maintenance on --retry-after 3600 --json | jq -r .pass_url")]
    On {
        /// What visitors are told besides
        #[arg(long, value_name = "TEXT")]
        message: Option<String>,
        /// When programs should come back, in seconds
        #[arg(long, value_name = "SECONDS", default_value_t = 900, value_parser = clap::value_parser!(u32).range(1..=86_400))]
        retry_after: u32,
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Open the shop again
    #[command(after_help = "Example:\n  jewelctl maintenance off")]
    Off {
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Say whether the shop is closed
    #[command(after_help = "Example:\n  jewelctl maintenance status --json | jq .closed")]
    Status,
}

impl MaintenanceCommand {
    /// Whether it changes the shop.
    pub const fn changes(&self) -> bool {
        match self {
            Self::On { dry_run, .. } | Self::Off { dry_run } => !*dry_run,
            Self::Status => false,
        }
    }
}
