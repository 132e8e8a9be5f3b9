//! `jewelctl`: parse, run, answer with an exit code. Everything else is in the library.

use clap::Parser;
use jewelctl::args::Cli;

/// Backups read rows into many small pieces of memory, and what that costs is the allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    let cli = Cli::parse();
    jewelctl::run(cli).into()
}
