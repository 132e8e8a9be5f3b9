//! The commands and their own options.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;
use jewel_engine::{PlanOptions, Stack};

use super::{
    BackupArgs, DrillArgs, LocalArgs, LockArgs, LockCommand, LogsArgs, MaintenanceArgs, MigrateArgs, MigrateCommand,
    ReleasesArgs, RestoreArgs, RollbackArgs, RunbookArgs, RunsArgs, ScheduleArgs, SecretsArgs, SecretsCommand,
    SnapshotArgs, SshArgs, TunnelArgs,
};
use crate::exit::Exit;
use crate::failure::Failure;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a `jewel.toml` with every option explained
    Init(InitArgs),
    /// Check this machine, the configuration and the credentials
    Doctor(DoctorArgs),
    /// The cloud on this machine
    Local(LocalArgs),
    /// Bring the whole shop up: provision, migrate, deploy, check
    Up(UpArgs),
    /// Show what `provision` would change
    Plan(PlanArgs),
    /// Show what is not as `jewel.toml` says: what somebody changed by hand
    Drift(DriftArgs),
    /// Make the cloud what `jewel.toml` says
    Provision(ProvisionArgs),
    /// Say what the shop costs a month, line by line; exit 7 when that is over the budget
    Cost(CostArgs),
    /// Take the shop down; data stays unless `--delete-data`
    Destroy(DestroyArgs),
    /// Say what runs, and whether the shop answers
    Status(StatusArgs),
    /// Print addresses and names: shop, buckets, database, user pool
    Outputs(OutputsArgs),
    /// Who changes the shop right now
    Lock(LockArgs),
    /// What was done to the shop, by whom, and how it ended
    Runs(RunsArgs),
    /// The secrets the API is given: keys of payment providers, and what is made here
    Secrets(SecretsArgs),
    /// The database schema
    Migrate(MigrateArgs),
    /// Put a new release of the API or the site into service
    Deploy(DeployArgs),
    /// Show the API's releases on the instances
    Releases(ReleasesArgs),
    /// Put an earlier release of the API back into service
    Rollback(RollbackArgs),
    /// Copies that Lightsail makes of the database and the machines
    Snapshot(SnapshotArgs),
    /// Copies of the database that need neither Lightsail nor this program to be read
    Backup(BackupArgs),
    /// Bring back a database, a machine, pictures or the site
    Restore(RestoreArgs),
    /// Rehearse disasters for real, and measure how long the shop was away and what was lost
    Drill(DrillArgs),
    /// The daily and weekly work, and what lets it run by itself
    Schedule(ScheduleArgs),
    /// Pages for when something is wrong: found by what you see, read, run step by step
    Runbook(RunbookArgs),
    /// Show what the API writes to its log
    Logs(LogsArgs),
    /// Open a shell on an instance, or run a command there
    Ssh(SshArgs),
    /// Reach what only the instances can reach
    Tunnel(TunnelArgs),
    /// Close the shop for a while, and open it again
    Maintenance(MaintenanceArgs),
    /// Print a completion script for a shell
    #[command(after_help = "Example:\n  jewelctl completions bash > /etc/bash_completion.d/jewelctl")]
    Completions(CompletionsArgs),
    /// Print the manual page
    #[command(after_help = "Example:\n  jewelctl man | man -l -")]
    Man,
}

/// `jewelctl init`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl init\n  jewelctl init --project permata --yes")]
pub struct InitArgs {
    /// The shop's name: lower-case letters, digits and hyphens, 2 to 20
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// Replace an existing file
    #[arg(long)]
    pub force: bool,
    /// Print the file instead of writing it
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl doctor`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl doctor --target local\n  jewelctl doctor --target local --fix --yes")]
pub struct DoctorArgs {
    /// Install the missing system packages (asks first; `--yes` answers)
    #[arg(long)]
    pub fix: bool,
}

/// `jewelctl up`
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "Examples:\n  jewelctl up --target local --yes\n  jewelctl up --target local --json | tail -1 | jq -r .url"
)]
pub struct UpArgs {
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// The `jewel-api` binary (default: the one beside this program)
    #[arg(long, value_name = "PATH", env = "JEWEL_API_BINARY")]
    pub binary: Option<PathBuf>,
    /// Seed the demonstration catalogue (default: only on `--target local`)
    #[arg(long)]
    pub seed: bool,
    /// Leave the catalogue empty
    #[arg(long, conflicts_with = "seed")]
    pub no_seed: bool,
    /// Go on although the shop would cost more than `budget.monthly_usd`; without it: exit 7, and nothing is changed
    #[arg(long)]
    pub over_budget: bool,
    /// Wait for another run's lock at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
}

/// What a plan does only when it is told to.
#[derive(Args, Clone, Debug)]
pub struct ConsentArgs {
    /// Take over resources that carry our name but not our tags
    #[arg(long)]
    pub adopt: bool,
    /// Replace this resource although something goes with the old one, as the refused plan says (may be repeated)
    #[arg(long, value_name = "ADDRESS")]
    pub replace: Vec<String>,
    /// Go on although the shop would cost more than `budget.monthly_usd`; without it: exit 7, and nothing is changed
    #[arg(long)]
    pub over_budget: bool,
}

impl ConsentArgs {
    /// As the engine takes it.
    ///
    /// # Errors
    /// Exit 2 when a named resource is not in the stack: a slip of the pen must not pass for a consent.
    pub fn options(&self, stack: &Stack) -> Result<PlanOptions, Failure> {
        if let Some(unknown) = self.replace.iter().find(|name| stack.resource(name).is_none()) {
            return Err(Failure::new(Exit::Usage, format!("the stack has no resource `{unknown}`"))
                .hint("`jewelctl plan --json | jq -r .steps[].address` prints their addresses"));
        }
        let replace = self.replace.iter().map(|name| name.as_str().into()).collect();
        Ok(PlanOptions { adopt: self.adopt, replace, ..PlanOptions::default() })
    }
}

/// `jewelctl plan`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  jewelctl plan --exit-code\n  jewelctl plan --out plan.json && jewelctl provision plan.json"
)]
pub struct PlanArgs {
    /// Exit 6 when anything would change
    #[arg(long)]
    pub exit_code: bool,
    /// Write the plan to a file, for `provision FILE`; it holds no secret
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// What the plan may do that must be named
    #[command(flatten)]
    pub consent: ConsentArgs,
}

/// `jewelctl drift`
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  jewelctl drift --exit-code || page-someone\n  jewelctl drift --json | jq .resources"
)]
pub struct DriftArgs {
    /// Exit 6 when anything differs
    #[arg(long)]
    pub exit_code: bool,
}

/// `jewelctl provision`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl provision\n  jewelctl provision plan.json --yes")]
pub struct ProvisionArgs {
    /// Apply exactly this plan, made by `plan --out`; exit 4 when things have changed since
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Show what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What the plan may do that must be named
    #[command(flatten)]
    pub consent: ConsentArgs,
    /// Wait for another run's lock at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
}

/// `jewelctl cost`
///
/// A pure function of `jewel.toml`: it asks no cloud and needs no credentials.
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl cost\n  jewelctl cost --json | jq .total_usd\n  jewelctl cost --prices")]
pub struct CostArgs {
    /// Show every price this program knows, with its source and date, whether the shop meets it or not
    #[arg(long)]
    pub prices: bool,
}

/// `jewelctl destroy`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl destroy --dry-run\n  jewelctl destroy --confirm shop-prod")]
pub struct DestroyArgs {
    /// The typed name, `PROJECT-ENV`, that consents
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Delete the data too: database, buckets, users, secrets
    #[arg(long)]
    pub delete_data: bool,
    /// Show what would be deleted and what kept, and delete nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait for another run's lock at most this many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub lock_wait: u64,
}

/// `jewelctl status`
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  jewelctl status --exit-code || page-someone")]
pub struct StatusArgs {
    /// Exit 8 when something is not healthy
    #[arg(long)]
    pub exit_code: bool,
}

/// `jewelctl outputs`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl outputs\n  jewelctl outputs --json | jq -r .url\n  \
                        jewelctl outputs --ci-policy | jq .policy")]
pub struct OutputsArgs {
    /// Print who may take the pipeline's role and what it may do, for who makes roles by hand; the shop need not exist
    #[arg(long)]
    pub ci_policy: bool,
}

impl Command {
    /// Whether it changes a shop, and so leaves a record.
    pub const fn leaves_a_record(&self) -> bool {
        match self {
            Self::Up(args) => !args.dry_run,
            Self::Provision(args) => !args.dry_run,
            Self::Destroy(args) => !args.dry_run,
            Self::Migrate(MigrateArgs { command: MigrateCommand::Up(args) }) => !args.dry_run,
            Self::Migrate(MigrateArgs { command: MigrateCommand::Repair(args) }) => !args.dry_run,
            Self::Lock(LockArgs { command: LockCommand::Release { dry_run, .. } }) => !*dry_run,
            Self::Deploy(DeployArgs { command: DeployCommand::Api(args) }) => !args.dry_run,
            Self::Deploy(DeployArgs { command: DeployCommand::Site(args) }) => !args.dry_run,
            Self::Rollback(args) => !args.dry_run,
            Self::Maintenance(args) => args.command.changes(),
            Self::Snapshot(args) => args.command.changes(),
            Self::Backup(args) => args.command.changes(),
            Self::Restore(args) => args.command.changes(),
            Self::Drill(args) => args.command.changes(),
            Self::Schedule(args) => args.command.changes(),
            Self::Secrets(SecretsArgs {
                command: SecretsCommand::Set { options, .. } | SecretsCommand::Rotate { options, .. },
            }) => !options.dry_run,
            Self::Secrets(SecretsArgs { command: SecretsCommand::Forget { dry_run, .. } }) => !*dry_run,
            Self::Init(_)
            | Self::Doctor(_)
            | Self::Local(_)
            | Self::Plan(_)
            | Self::Drift(_)
            | Self::Cost(_)
            | Self::Status(_)
            | Self::Outputs(_)
            | Self::Lock(_)
            | Self::Runs(_)
            | Self::Runbook(_)
            | Self::Secrets(_)
            | Self::Migrate(_)
            | Self::Releases(_)
            | Self::Logs(_)
            | Self::Ssh(_)
            | Self::Tunnel(_)
            | Self::Completions(_)
            | Self::Man => false,
        }
    }
}

/// `jewelctl deploy`
#[derive(Args, Debug)]
pub struct DeployArgs {
    /// What to deploy.
    #[command(subcommand)]
    pub command: DeployCommand,
}

/// What to deploy.
#[derive(Debug, Subcommand)]
pub enum DeployCommand {
    /// Put a `jewel-api` binary into service beside the old one, then switch
    Api(DeployApiArgs),
    /// Publish the site's files; only what changed is sent
    Site(DeploySiteArgs),
}

/// `jewelctl deploy api`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl deploy api\n  jewelctl deploy api --binary target/release/jewel-api\n  \
                  jewelctl deploy api --no-migrate   refused by the release's own check when it needs a newer schema\n\n\
    Pending migrations are applied first, as `jewelctl migrate up` does: the release that runs goes on with them.")]
pub struct DeployApiArgs {
    /// The `jewel-api` binary (default: the one beside this program)
    #[arg(long, value_name = "PATH", env = "JEWEL_API_BINARY")]
    pub binary: Option<PathBuf>,
    /// Leave the schema as it is
    #[arg(long)]
    pub no_migrate: bool,
    /// Give the started release this long to be ready
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub ready_within: u64,
    /// Show what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl deploy site`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  jewelctl deploy site\n  jewelctl deploy site --dir public")]
pub struct DeploySiteArgs {
    /// The folder to publish (default: `site.dir` of the file, else the site that comes with this program)
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Show what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// `jewelctl completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}
