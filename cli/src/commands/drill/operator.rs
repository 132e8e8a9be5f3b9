//! What an operator would do, done by a program: types commands into the real `jewelctl`, and looks at the clock.

use std::process::Stdio;
use std::time::Instant;

use jewel_runbooks::drill::{Command, Facts, Typed};
use jiff::Timestamp;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::Run;
use crate::args::Target;
use crate::failure::Failure;

/// The last words of a command that failed.
const LAST_LINES: usize = 12;

/// Types one command and waits for its end, or kills it where the scenario says so.
pub(crate) async fn types(run: &Run, typed: &Typed, facts: &mut Facts) -> Result<Command, Failure> {
    let program = std::env::current_exe()?;
    let words: Vec<String> =
        typed.words.iter().map(|word| facts.put_into(word).replace("{program}", &program.to_string_lossy())).collect();
    let (at, began) = (Timestamp::now(), Instant::now());
    let mut child = tokio::process::Command::new(&program)
        .args(&words)
        .args(global(run))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let (stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let said = tokio::spawn(async move {
        let mut text = String::new();
        if let Some(stderr) = &mut stderr {
            // What it says is for the report; that it cannot be read is no reason to stop.
            let _ = stderr.read_to_string(&mut text).await;
        }
        text
    });
    let mut clouds_ms = 0;
    if let Some(stdout) = stdout {
        let mut lines = BufReader::new(stdout).lines();
        while let Some(line) = lines.next_line().await? {
            let Ok(value) = serde_json::from_str::<Value>(&line) else { continue };
            run.ui.event("drill", &value);
            if let Some(id) = value.pointer("/event/restore").and_then(Value::as_str) {
                facts.restore = Some(id.to_owned());
            }
            if typed.killed_after.is_some()
                && value.pointer("/event/done").and_then(Value::as_str) == typed.killed_after
            {
                child.start_kill()?;
            }
            // A page's step prints its own result among the page's.
            clouds_ms += clouds(&value);
        }
    }
    let status = child.wait().await?;
    let said = said.await.unwrap_or_default();
    let exit = status.code().unwrap_or_else(|| -std::os::unix::process::ExitStatusExt::signal(&status).unwrap_or(0));
    let lines: Vec<&str> = said.lines().collect();
    Ok(Command {
        line: format!("jewelctl {}", words.join(" ")),
        at,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        clouds_ms,
        exit,
        wanted: typed.exit,
        said: lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| (*line).to_owned()).collect(),
    })
}

/// The same shop, asked for nothing.
fn global(run: &Run) -> Vec<String> {
    let global = &run.global;
    let target = if global.target == Target::Local { "local" } else { "aws" };
    let mut words = vec!["--target".to_owned(), target.to_owned()];
    words.extend(["--config".to_owned(), global.config.to_string_lossy().into_owned()]);
    if let Some(env) = &global.env {
        words.extend(["--env".to_owned(), env.clone()]);
    }
    words.extend(["--yes", "--no-input", "--json"].map(str::to_owned));
    words
}

/// Milliseconds of a restore's steps that were the cloud's.
fn clouds(result: &Value) -> u64 {
    let steps = result.pointer("/done").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let is_the_clouds = |done: &&Value| {
        let step = serde_json::from_value::<jewel_runbooks::restore::Step>(done["step"].clone());
        step.is_ok_and(jewel_runbooks::restore::Step::is_the_clouds)
    };
    steps.iter().filter(is_the_clouds).filter_map(|done| done["took_ms"].as_u64()).sum()
}
