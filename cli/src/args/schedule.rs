//! `jewelctl schedule` and its options.

use clap::{Args, Subcommand, ValueEnum};

/// `jewelctl schedule`
#[derive(Args, Debug)]
pub struct ScheduleArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ScheduleCommand,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Show what should run by itself, how often, and when it last did
    #[command(after_help = "Example:\n  jewelctl schedule show")]
    Show,
    /// Do the work of a day or of a week now, and say so to the alarm that waits for it
    #[command(after_help = "Examples:\n  jewelctl schedule run daily\n  jewelctl schedule run weekly --yes\n\n\
            Exit 8 when any of it failed; the rest is done all the same.")]
    Run {
        /// Which work
        #[arg(value_enum, value_name = "EVERY")]
        every: Every,
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Print what lets it run by itself: units for systemd, lines for cron, or a workflow for GitHub Actions
    #[command(
        after_help = "Examples:\n  jewelctl schedule print systemd\n  jewelctl schedule print cron | crontab -\n  \
            jewelctl schedule print github > .github/workflows/shop.yml"
    )]
    Print {
        /// For what
        #[arg(value_enum, value_name = "FOR")]
        form: Form,
    },
}

/// How often work is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Every {
    /// Every day
    Daily,
    /// Every week
    Weekly,
}

/// What runs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// A timer of systemd, on a machine of yours that is always on
    Systemd,
    /// Lines of a crontab
    Cron,
    /// A workflow of GitHub Actions, with a role of yours
    Github,
}

impl ScheduleCommand {
    /// Whether it changes the shop.
    pub const fn changes(&self) -> bool {
        matches!(self, Self::Run { dry_run: false, .. })
    }
}
