//! Booting a machine with systemd-nspawn, and ending it.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use fs_err as fs;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{io::AsyncReadExt as _, process::Command, sync::watch};

use super::cgroup::{Cgroup, Frozen};
use crate::{error::Error, files, network::Network, process};

const SSH_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(20);
const CONSOLE_KEPT: u64 = 4 << 20;

/// Enters the groups named before `--`, then becomes the command after it.
const ENTER_AND_EXEC: &str = r#"
while [ "$1" != -- ]; do echo $$ > "$1/cgroup.procs" || exit 1; shift; done
shift
exec "$@"
"#;

/// A machine that was booted.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pid: Pid,
    cgroup: Cgroup,
    console: PathBuf,
    ended: watch::Receiver<Option<String>>,
}

impl Running {
    /// Whether it ended, by us or by itself.
    pub(super) fn ended(&self) -> bool {
        self.ended.borrow().is_some()
    }

    /// The computing time of everything in it since it was booted.
    pub(super) fn cpu(&self) -> Option<Duration> {
        self.cgroup.cpu()
    }

    /// Stops everything in it at one moment, until the returned value goes.
    pub(super) async fn freeze(&self) -> Result<Frozen, Error> {
        self.cgroup.freeze().await
    }

    /// Shuts it down, by force if it does not comply.
    pub(super) async fn stop(&self) {
        let mut ended = self.ended.clone();
        if !self.ended() {
            // nspawn passes it on to the machine's systemd as the order to halt.
            kill(self.pid, Signal::SIGTERM).ok();
        }
        if tokio::time::timeout(STOP_DEADLINE, ended.wait_for(Option::is_some)).await.is_err() {
            tracing::warn!(pid = self.pid.as_raw(), "a machine did not shut down in time; killing it");
            self.kill();
            tokio::time::timeout(Duration::from_secs(5), ended.wait_for(Option::is_some)).await.ok();
        }
        self.cgroup.remove();
    }

    /// Ends it at once, as pulling the plug does.
    pub(super) fn kill(&self) {
        if !self.ended() {
            self.cgroup.kill();
            kill(self.pid, Signal::SIGKILL).ok();
        }
    }
}

/// Boots the system in `root`, named `machine` on this host, in the network namespace whose file is `network`.
pub(super) async fn boot(machine: &str, root: &Path, network: &Path, console: &Path) -> Result<Running, Error> {
    if fs::metadata(console).is_ok_and(|m| m.len() > CONSOLE_KEPT) {
        fs::remove_file(console).map_err(Error::file("rotate", console))?;
    }
    let log = fs::OpenOptions::new().create(true).append(true).open(console).map_err(Error::file("open", console))?;
    let (log, _) = log.into_parts();
    let errors = log.try_clone().map_err(Error::file("open", console))?;
    let cgroup = Cgroup::make(machine)?;
    let nspawn = process::find("systemd-nspawn").unwrap_or_else(|| "systemd-nspawn".into());
    let mut child = Command::new("/bin/sh")
        .args(["-c", ENTER_AND_EXEC, "sh"])
        .args(cgroup.directories())
        .arg("--")
        .arg(nspawn)
        .arg("--quiet")
        .arg("-D")
        .arg(root)
        .arg(format!("--machine={machine}"))
        .args(["--register=no", "--keep-unit", "--boot", "--console=read-only"])
        .args(["--resolv-conf=off", "--timezone=off", "--link-journal=no"])
        .arg(format!("--network-namespace-path={}", network.display()))
        .env_clear()
        .env("PATH", process::SEARCH_PATH)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .spawn()
        .map_err(|e| Error::Command {
            command: "systemd-nspawn".into(),
            status: "could not be started".into(),
            stderr: e.to_string(),
        })?;
    let pid = Pid::from_raw(child.id().unwrap_or_default() as i32);
    let (sender, ended) = watch::channel(None);
    tokio::spawn(async move {
        let status = child.wait().await.map_or_else(|e| e.to_string(), |status| status.to_string());
        sender.send_replace(Some(status));
    });
    Ok(Running { pid, cgroup, console: console.to_owned(), ended })
}

/// Returns when the SSH server at `address` greets; fails at once when the machine ends.
pub(super) async fn wait_for_ssh(
    id: &str,
    running: &Running,
    network: &Network,
    address: Ipv4Addr,
) -> Result<(), Error> {
    let mut ended = running.ended.clone();
    let greeted = async {
        while !greets(network, SocketAddr::from((address, 22))).await {
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    };
    let last_lines = || files::last_lines(&running.console, 12);
    tokio::select! {
        () = greeted => Ok(()),
        result = ended.wait_for(Option::is_some) => {
            let status = result.ok().and_then(|status| status.clone()).unwrap_or_default();
            Err(Error::Machine { id: id.to_owned(), reason: format!("it did not boot ({status}):\n{}", last_lines()) })
        }
        () = tokio::time::sleep(SSH_DEADLINE) => Err(Error::Deadline {
            what: format!("the SSH server of instance {id} did not answer"),
            seconds: SSH_DEADLINE.as_secs(),
            log: running.console.clone(),
            last_lines: last_lines(),
        }),
    }
}

async fn greets(network: &Network, to: SocketAddr) -> bool {
    let greeting = async {
        let mut stream = network.connect(to).await.ok()?;
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.ok()?;
        Some(&bytes == b"SSH-")
    };
    matches!(tokio::time::timeout(Duration::from_secs(2), greeting).await, Ok(Some(true)))
}
