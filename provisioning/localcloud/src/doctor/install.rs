//! Installing what the doctor misses, with the system's own package manager.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::Check;
use crate::{error::Error, event::Event, process};

const DEADLINE: Duration = Duration::from_secs(900);

/// The command that installs what is missing; `None` when nothing is missing that a package brings.
#[must_use]
pub fn install_command(checks: &[Check]) -> Option<Vec<String>> {
    let packages = missing_packages(checks);
    if packages.is_empty() {
        return None;
    }
    let words = ["apt-get", "install", "-y", "--no-install-recommends"].map(str::to_owned);
    Some(words.into_iter().chain(packages).collect())
}

/// Installs the packages that `checks` miss, without questions. Package lists are fetched only when the installation
/// needs it. No service is started or enabled by it: databases and machines are run by the daemon.
///
/// # Errors
/// When the package manager fails; its last lines are in the error.
pub async fn fix(checks: &[Check], on_event: &mut (dyn FnMut(Event) + Send)) -> Result<(), Error> {
    let packages = missing_packages(checks);
    if packages.is_empty() {
        return Ok(());
    }
    on_event(Event::PackagesStarted { packages: packages.clone() });
    let mut install = vec!["install".to_owned(), "-y".into(), "--no-install-recommends".into()];
    install.extend(packages);
    if apt(&install, on_event).await.is_err() {
        apt(&["update".to_owned()], on_event).await?;
        apt(&install, on_event).await?;
    }
    on_event(Event::PackagesReady);
    Ok(())
}

fn missing_packages(checks: &[Check]) -> Vec<String> {
    let mut packages: Vec<String> = checks.iter().filter(|c| !c.ok).filter_map(|c| c.package.clone()).collect();
    packages.sort();
    packages.dedup();
    packages
}

async fn apt(arguments: &[String], on_event: &mut (dyn FnMut(Event) + Send)) -> Result<(), Error> {
    let line = format!("apt-get {}", arguments.join(" "));
    let failed = |status: String, stderr: String| Error::Command { command: line.clone(), status, stderr };
    let tool = process::find("apt-get").ok_or_else(|| failed("is not on this machine".into(), String::new()))?;
    let mut child = Command::new(tool)
        .args(["-q", "-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=120"])
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| failed("could not be started".into(), e.to_string()))?;
    let stderr = child.stderr.take();
    let complaints = tokio::spawn(async move {
        let mut kept = Vec::new();
        let Some(stderr) = stderr else { return kept };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            kept.push(line);
        }
        kept
    });
    let work = async {
        if let Some(stdout) = child.stdout.take() {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                on_event(Event::PackagesProgress { line });
            }
        }
        child.wait().await
    };
    let status = tokio::time::timeout(DEADLINE, work).await;
    let status = status.map_err(|_| failed(format!("no end after {} s", DEADLINE.as_secs()), String::new()))?;
    let status = status.map_err(|e| failed("lost".into(), e.to_string()))?;
    if status.success() {
        return Ok(());
    }
    let complaints = complaints.await.unwrap_or_default();
    Err(failed(status.to_string(), complaints[complaints.len().saturating_sub(6)..].join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(ok: bool, package: Option<&str>) -> Check {
        Check { name: "x".into(), ok, detail: String::new(), package: package.map(str::to_owned) }
    }

    #[test]
    fn the_install_line_names_each_missing_package_once() {
        let checks = [
            check(false, Some("systemd-container")),
            check(true, Some("debootstrap")),
            check(false, None),
            check(false, Some("iproute2")),
            check(false, Some("iproute2")),
        ];
        let line = install_command(&checks).unwrap().join(" ");
        assert_eq!(line, "apt-get install -y --no-install-recommends iproute2 systemd-container");
        assert_eq!(install_command(&[check(true, Some("x")), check(false, None)]), None);
    }
}
