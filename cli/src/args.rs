//! The command line: types and help texts only. Nothing here acts.

mod backup;
mod commands;
mod drill;
mod local;
mod lock;
mod maintenance;
mod migrate;
mod operate;
mod restore;
mod runbook;
mod runs;
mod schedule;
mod secrets;
mod snapshot;

use std::path::PathBuf;

use clap::{Args, Parser, ValueEnum};
use serde::Serialize;

pub use backup::{BackupArgs, BackupCommand, BackupCreateArgs, BackupVerifyArgs, KeepArgs};
pub use commands::{
    Command, CompletionsArgs, ConsentArgs, CostArgs, DeployApiArgs, DeployArgs, DeployCommand, DeploySiteArgs,
    DestroyArgs, DoctorArgs, DriftArgs, InitArgs, OutputsArgs, PlanArgs, ProvisionArgs, StatusArgs, UpArgs,
};
pub use drill::{DrillArgs, DrillCommand, DrillRunArgs};
pub use local::{LocalArgs, LocalCommand};
pub use lock::{LockArgs, LockCommand};
pub use maintenance::{MaintenanceArgs, MaintenanceCommand};
pub use migrate::{MigrateArgs, MigrateCommand, MigrateRepairArgs, MigrateUpArgs, SourceArgs};
pub use operate::{LogsArgs, ReleasesArgs, RollbackArgs, SshArgs, TunnelArgs, TunnelCommand};
pub use restore::{
    DatabaseFrom, HowArgs, InstanceFrom, RestoreArgs, RestoreCommand, RestoreDatabaseArgs, RestoreInstanceArgs,
    RestoreObjectsArgs, RestoreUndoArgs,
};
pub use runbook::{RunbookArgs, RunbookCommand, RunbookRunArgs};
pub use runs::{RunsArgs, RunsCommand};
pub use schedule::{Every, Form, ScheduleArgs, ScheduleCommand};
pub use secrets::{Rotating, SecretOptions, SecretsArgs, SecretsCommand};
pub use snapshot::{SnapshotArgs, SnapshotCommand, SnapshotCreateArgs, SnapshotPruneArgs, SnapshotWhat};

use crate::exit;

/// Puts a whole jewelry shop on AWS, or on this machine, and keeps it there.
#[derive(Debug, Parser)]
#[command(
    name = "jewelctl",
    version,
    propagate_version = true,
    after_help = exit::TABLE,
    after_long_help = long_after_help(),
    max_term_width = 110
)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

fn long_after_help() -> String {
    format!(
        "\
Examples:
  jewelctl up --target local --yes     the whole shop, on this machine
  jewelctl plan --exit-code            what would change on AWS; exit 6 if anything would
  jewelctl provision                   change it

{}",
        exit::TABLE
    )
}

/// Options of every command. Precedence: flags, then `JEWEL_*` variables, then `jewel.toml`, then defaults.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The shop's configuration file
    #[arg(long, global = true, env = "JEWEL_CONFIG", default_value = "jewel.toml", value_name = "FILE")]
    pub config: PathBuf,
    /// The environment: `prod`, or one that the file declares by `[env.NAME]`
    #[arg(long, global = true, env = "JEWEL_ENV", value_name = "NAME")]
    pub env: Option<String>,
    /// Where the shop runs
    #[arg(long, global = true, env = "JEWEL_TARGET", value_enum, default_value = "aws")]
    pub target: Target,
    /// Print results as JSON: one object a line, the result last
    #[arg(long, global = true, env = "JEWEL_JSON")]
    pub json: bool,
    /// Consent to what a prompt would ask (not to what needs a typed name)
    #[arg(long, short = 'y', global = true, env = "JEWEL_YES")]
    pub yes: bool,
    /// Never prompt; fail naming the flag that answers instead
    #[arg(long, global = true, env = "JEWEL_NO_INPUT")]
    pub no_input: bool,
    /// Print only the result and errors
    #[arg(long, short, global = true, env = "JEWEL_QUIET")]
    pub quiet: bool,
    /// Say more; twice for every call
    #[arg(long, short, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Where the shop runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Amazon Web Services, with the credentials of the AWS CLI
    Aws,
    /// The cloud on this machine
    Local,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
