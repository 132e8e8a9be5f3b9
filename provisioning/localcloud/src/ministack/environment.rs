//! The private Python environment: made once per machine, complete or not there at all.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use fs_err as fs;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use crate::{error::Error, event::Event, files, process};

/// The pinned release: what the rest of this crate was tried against.
pub(crate) const VERSION: &str = "1.5.33";

/// Its needs, pinned too, so that an environment made a year from now is the one that was tried.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// The oldest Python that ministack runs on.
pub(crate) const OLDEST_PYTHON: (u32, u32) = (3, 10);

/// Where a Python may be: the system's own first, then others that a machine with an old one may have.
const PYTHONS: [&str; 7] = [
    "/usr/bin/python3",
    "/usr/local/bin/python3",
    "/usr/bin/python3.14",
    "/usr/bin/python3.13",
    "/usr/bin/python3.12",
    "/usr/bin/python3.11",
    "/usr/bin/python3.10",
];

const INSTALL_DEADLINE: Duration = Duration::from_secs(600);

/// Makes the environment in `cache` unless it is there, and returns its Python. Two runs wait for each other.
pub(crate) async fn ensure(cache: &Path, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<PathBuf, Error> {
    let home = cache.join(format!("ministack-{VERSION}"));
    let interpreter = home.join("venv/bin/python");
    let complete = home.join("complete");
    let current = || fs::read_to_string(&complete).is_ok_and(|made_of| made_of == REQUIREMENTS);
    if current() {
        return Ok(interpreter);
    }
    files::dir(cache)?;
    let _lock = files::lock(&cache.join("ministack.lock"), || {
        on_event(Event::Waiting { what: "the Python environment" });
    })
    .await?;
    if current() {
        return Ok(interpreter);
    }
    on_event(Event::PythonStarted);
    // An environment holds its own path, so it is made in place, and counts only once it is marked complete. One that
    // was made of older requirements gets the newer ones added: clouds may be running on it.
    let older = complete.is_file();
    if !older {
        files::remove_tree(&home)?;
    }
    let result = make(&home, on_event).await;
    if result.is_err() && !older {
        files::remove_tree(&home).ok();
    }
    result?;
    on_event(Event::PythonReady);
    Ok(interpreter)
}

/// A Python that is new enough and can make environments; the reason why each candidate is not, otherwise.
pub(crate) async fn find_python() -> Result<PathBuf, Vec<String>> {
    let mut reasons = Vec::new();
    for candidate in PYTHONS {
        let script = "import sys, ensurepip, venv; print('%d.%d' % sys.version_info[:2]); print(sys.executable)";
        match process::run(candidate, ["-c", script], Duration::from_secs(20)).await {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).into_owned();
                let mut lines = text.lines();
                let (version, path) = (lines.next().unwrap_or_default(), lines.next().unwrap_or(candidate));
                if parse_version(version).is_some_and(|v| v >= OLDEST_PYTHON) {
                    return Ok(path.into());
                }
                reasons.push(format!("{path} is Python {version}"));
            }
            Err(Error::Command { stderr, .. }) if stderr.contains("ensurepip") || stderr.contains("venv") => {
                reasons.push(format!("{candidate} has no venv module"));
            }
            Err(_) => {}
        }
    }
    Err(reasons)
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

async fn make(home: &Path, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<(), Error> {
    let failed = |reason: String| Error::Python { directory: home.to_owned(), reason };
    let python = find_python().await.map_err(|reasons| {
        failed(format!("Python {}.{} or newer with venv is needed; {}", OLDEST_PYTHON.0, OLDEST_PYTHON.1, {
            if reasons.is_empty() { "none was found".to_owned() } else { reasons.join(", ") }
        }))
    })?;
    files::dir(home)?;
    let venv = home.join("venv");
    let requirements = home.join("requirements.txt");
    fs::write(&requirements, REQUIREMENTS).map_err(Error::file("write", &requirements))?;
    follow(Command::new(python).args(["-m", "venv"]).arg(&venv), on_event).await.map_err(failed)?;
    let mut pip = Command::new(venv.join("bin/python"));
    pip.args(["-m", "pip", "install", "--no-input", "--disable-pip-version-check", "--progress-bar", "off"]);
    pip.arg("--requirement").arg(&requirements);
    follow(&mut pip, on_event).await.map_err(failed)?;
    files::write_public(&home.join("complete"), REQUIREMENTS.as_bytes())
}

/// Runs a command, passing its lines on; the error is the end of what it said.
async fn follow(command: &mut Command, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<(), String> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| e.to_string())?;
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let progress = async {
        let Some(stdout) = stdout else { return };
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            on_event(Event::PythonProgress { line });
        }
    };
    let complaints = async {
        let Some(stderr) = stderr else { return Vec::new() };
        let mut kept = Vec::new();
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            kept.push(line);
        }
        kept
    };
    let work = async { tokio::join!(progress, complaints, child.wait()) };
    match tokio::time::timeout(INSTALL_DEADLINE, work).await {
        Err(_) => Err(format!("no end after {} s", INSTALL_DEADLINE.as_secs())),
        Ok((_, _, Ok(status))) if status.success() => Ok(()),
        Ok((_, complaints, _)) => Err(complaints[complaints.len().saturating_sub(5)..].join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers() {
        assert!(parse_version("3.9").unwrap() < OLDEST_PYTHON);
        assert!(parse_version("3.11\n").unwrap() > OLDEST_PYTHON);
        assert_eq!(parse_version("three"), None);
    }

    #[test]
    fn the_requirements_pin_everything_and_agree_with_the_version() {
        let lines: Vec<&str> = REQUIREMENTS.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).collect();
        assert!(lines.iter().all(|line| line.contains("==")), "{lines:?}");
        assert!(lines.contains(&format!("ministack=={VERSION}").as_str()));
    }
}
