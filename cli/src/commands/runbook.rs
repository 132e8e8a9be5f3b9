//! `jewelctl runbook`: pages found by what one sees, read, and run step by step.

use std::process::Stdio;

use jewel_runbooks::pages::{Page, PageStep, pages};
use owo_colors::OwoColorize as _;
use serde_json::json;

use crate::Run;
use crate::args::{RunbookCommand, RunbookRunArgs, Target};
use crate::environment;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;

/// Runs one of them.
pub async fn run(run: &Run, command: RunbookCommand) -> Outcome {
    let pages = pages().map_err(|error| Failure::from_error(Exit::Failed, &error))?;
    match command {
        RunbookCommand::List { seen } => list(run, &pages, &seen.join(" ")),
        RunbookCommand::Show { name } => show(run, find(&pages, &name)?),
        RunbookCommand::Run(args) => steps(run, find(&pages, &args.name)?, &args).await,
    }
}

fn list(run: &Run, pages: &[Page], seen: &str) -> Outcome {
    let mut found: Vec<(usize, &Page)> =
        pages.iter().filter(|page| page.head.is_some()).map(|page| (page.fits(seen), page)).collect();
    if !seen.is_empty() {
        found.retain(|(fits, _)| *fits > 0);
        // What fits best comes first; of equals, what comes first in the alphabet.
        found.sort_by_key(|(fits, _)| std::cmp::Reverse(*fits));
    }
    if found.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("no page is about `{seen}`"))
            .hint("`jewelctl runbook list` shows all of them; `jewelctl status` looks at the shop"));
    }
    let found: Vec<&Page> = found.into_iter().map(|(_, page)| page).collect();
    run.ui.result(&json!({ "pages": found }), || {
        let row = |page: &&Page| {
            let head = page.head.as_ref();
            let symptom = head.and_then(|head| head.symptoms.first()).cloned().unwrap_or_default();
            [page.name.clone(), symptom, format!("{} min", head.map_or(0, |head| head.minutes))]
        };
        ui::table(["page", "what you see", "takes"], found.iter().map(row))
    });
    Ok(Exit::Done)
}

fn show(run: &Run, page: &Page) -> Outcome {
    run.ui.result(&json!({ "page": page, "text": page.text }), || page.text.lines().map(shown).collect());
    Ok(Exit::Done)
}

/// A line as a terminal shows it; in a pipe the colours are left out.
fn shown(line: &str) -> String {
    match line {
        title if title.starts_with('#') => format!("{}\n", title.bold()),
        fence if fence.starts_with("```") => format!("{}\n", fence.dimmed()),
        other => format!("{other}\n"),
    }
}

async fn steps(run: &Run, page: &Page, args: &RunbookRunArgs) -> Outcome {
    let names: Vec<&str> = page.steps.iter().map(|step| step.name.as_str()).collect();
    if names.is_empty() {
        return Err(Failure::new(Exit::Usage, format!("page {} is for reading; it has no steps", page.name))
            .hint(format!("`jewelctl runbook show {}`", page.name)));
    }
    let first = match &args.from {
        None => 0,
        Some(from) => names.iter().position(|name| name == from).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("page {} has no step `{from}`", page.name))
                .hint(format!("its steps are {}", names.join(", ")))
        })?,
    };
    let left = &page.steps[first..];
    if args.dry_run {
        run.ui.result(&json!({ "page": page.name, "steps": left }), || {
            left.iter().map(|step| format!("{}:\n{}", step.name, step.script)).collect::<Vec<_>>().join("\n")
        });
        return Ok(Exit::Done);
    }
    for step in left {
        run.ui.say(&format!("{}:\n{}", step.name.bold(), indented(&step.script)));
        run.ui.consent(&format!("Run step `{}`?", step.name))?;
        let phase = run.ui.phase(&step.name);
        let code = execute(run, step).await?;
        run.ui.event("runbook", &json!({ "page": page.name, "step": step.name, "exit_code": code }));
        if code != 0 {
            let what = format!("step `{}` of page {} ended with {code}", step.name, page.name);
            let go_on = format!("mend it, then go on with `jewelctl runbook run {} --from {}`", page.name, step.name);
            return Err(Failure::new(Exit::Failed, what).hint(go_on));
        }
        phase.done("done");
    }
    run.ui.result(&json!({ "page": page.name, "steps": left.len() }), || {
        format!("{} steps of {} are done; its last section says how to know that it is over", left.len(), page.name)
    });
    Ok(Exit::Done)
}

fn indented(script: &str) -> String {
    script.lines().map(|line| format!("    {line}\n")).collect()
}

/// Runs a step in a shell, in which `jewelctl` is this program and means this shop.
async fn execute(run: &Run, step: &PageStep) -> Result<i32, Failure> {
    let program = std::env::current_exe()?;
    let folder = program.parent().map(|folder| folder.to_string_lossy().into_owned()).unwrap_or_default();
    let path = environment::search_path();
    let global = &run.global;
    let mut command = tokio::process::Command::new("sh");
    command.args(["-eu", "-c", &step.script]).stdin(Stdio::null()).kill_on_drop(true);
    command.env("PATH", format!("{folder}:{path}")).env("JEWEL_CONFIG", &global.config).env("JEWEL_YES", "true");
    command.env("JEWEL_TARGET", if global.target == Target::Local { "local" } else { "aws" });
    if let Some(env) = &global.env {
        command.env("JEWEL_ENV", env);
    }
    if global.json {
        command.env("JEWEL_JSON", "true");
    }
    let mut child = command.spawn()?;
    tokio::select! {
        status = child.wait() => Ok(status?.code().unwrap_or(-1)),
        () = run.cancel.cancelled() => Err(Failure::interrupted("running a page")),
    }
}

fn find<'a>(pages: &'a [Page], name: &str) -> Result<&'a Page, Failure> {
    pages.iter().find(|page| page.name == name).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("there is no page `{name}`"))
            .hint("`jewelctl runbook list` shows them; with words of what you see, those that fit")
    })
}
