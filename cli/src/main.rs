//! `jewelctl`: parse, run, answer with an exit code. Everything else is in the library.

use clap::Parser;
use jewelctl::args::Cli;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    jewelctl::run(cli).into()
}
