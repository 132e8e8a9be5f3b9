//! `jewelctl completions` and `jewelctl man`: generated from the same arguments, so they cannot disagree.

use clap::CommandFactory;

use crate::Run;
use crate::args::{Cli, CompletionsArgs};
use crate::exit::Exit;
use crate::failure::Outcome;

/// Prints a completion script.
pub fn completions(run: &Run, args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jewelctl", &mut script);
    run.ui.raw(&String::from_utf8_lossy(&script));
    Exit::Done
}

/// Prints the manual page.
pub fn man(run: &Run) -> Outcome {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    run.ui.raw(&String::from_utf8_lossy(&page));
    Ok(Exit::Done)
}
