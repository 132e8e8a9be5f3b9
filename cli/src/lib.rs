//! `jewelctl`'s own half: arguments, settings, output, consent, exit codes.
//!
//! It makes no AWS call and sends no SQL itself: it reads settings, wires the libraries together, and prints what
//! they report. It is the only crate that touches the terminal, clap and the process environment.

pub mod args;
pub mod commands;
mod environment;
pub mod exit;
pub mod failure;
mod interrupt;
mod record;
pub mod settings;
mod site;
mod telemetry;
mod ui;
mod wiring;

use args::{Cli, Command};
use exit::Exit;
use failure::{Failure, Outcome};
use tokio_util::sync::CancellationToken;
use ui::Ui;

/// What every command gets.
#[derive(Clone, Debug)]
pub struct Run {
    /// The options of every command.
    pub global: args::Global,
    /// Where to print.
    pub ui: Ui,
    /// Cancelled at the first Ctrl-C.
    pub cancel: CancellationToken,
    /// Writes down what is done.
    record: record::Recorder,
}

/// Runs a command to its exit code.
pub fn run(cli: Cli) -> Exit {
    let ui = Ui::new(&cli.global);
    telemetry::init(cli.global.verbose);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return ui.failure(&Failure::from(error)),
    };
    let outcome = runtime.block_on(async {
        let cancel = interrupt::watch(&ui)?;
        let record = record::Recorder::new(cli.command.leaves_a_record());
        let run = Run { global: cli.global, ui: ui.clone(), cancel, record };
        let outcome = dispatch(&run, cli.command).await;
        let exit = outcome.as_ref().map_or_else(Failure::exit, |exit| *exit);
        run.record.finish(ui.phases(), exit, outcome.as_ref().err()).await;
        outcome
    });
    // A stray task must not keep a finished command from ending.
    runtime.shutdown_background();
    outcome.unwrap_or_else(|failure| ui.failure(&failure))
}

async fn dispatch(run: &Run, command: Command) -> Outcome {
    match command {
        Command::Init(args) => commands::init::run(run, &args),
        Command::Doctor(args) => commands::doctor::run(run, &args).await,
        Command::Local(args) => commands::local::run(run, args.command).await,
        Command::Up(args) => commands::up::run(run, &args).await,
        Command::Plan(args) => commands::plan::run(run, &args).await,
        Command::Drift(args) => commands::drift::run(run, &args).await,
        Command::Cost(args) => commands::cost::run(run, &args).await,
        Command::Provision(args) => commands::provision::run(run, &args).await,
        Command::Destroy(args) => commands::destroy::run(run, &args).await,
        Command::Status(args) => commands::status::run(run, &args).await,
        Command::Outputs(args) => commands::outputs::run(run, &args).await,
        Command::Lock(args) => commands::lock::run(run, args.command).await,
        Command::Runs(args) => commands::runs::run(run, args.command.unwrap_or_default()).await,
        Command::Secrets(args) => commands::secrets::run(run, args.command).await,
        Command::Migrate(args) => commands::migrate::run(run, args.command).await,
        Command::Deploy(args) => commands::deploy::run(run, args.command).await,
        Command::Releases(args) if args.site => commands::site_releases::list(run).await,
        Command::Releases(_) => commands::releases::run(run).await,
        Command::Rollback(args) if args.site => commands::site_releases::put_back(run, &args).await,
        Command::Rollback(args) => commands::rollback::run(run, &args).await,
        Command::Snapshot(args) => commands::snapshot::run(run, args.command).await,
        Command::Backup(args) => commands::backup::run(run, args.command).await,
        Command::Restore(args) => commands::restore::run(run, args.command).await,
        Command::Drill(args) => commands::drill::run(run, args.command).await,
        Command::Schedule(args) => commands::schedule::run(run, args.command).await,
        Command::Runbook(args) => commands::runbook::run(run, args.command).await,
        Command::Logs(args) => commands::logs::run(run, &args).await,
        Command::Ssh(args) => commands::ssh::run(run, &args).await,
        Command::Tunnel(args) => commands::tunnel::run(run, &args.command).await,
        Command::Maintenance(args) => commands::maintenance::run(run, args.command).await,
        Command::Completions(args) => Ok(commands::shell::completions(run, &args)),
        Command::Man => commands::shell::man(run),
    }
}
