//! Running other programs: found by a fixed search, bounded by a deadline, and their leftovers ended by cloud, never by name.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use fs_err as fs;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Command;

use crate::error::Error;

const DIRECTORIES: [&str; 6] = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// The same as a `PATH` for children that get nothing of the caller's environment.
pub(crate) const SEARCH_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The programs of a cloud that may outlive its daemon, as they show in an argument of their command line.
const OURS: [&str; 6] = ["systemd-nspawn", "launcher.py", "mariadbd", "mysqld", "mariadb-install-db", "mysqld_safe"];

/// The full path of a system program, independent of the caller's `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    DIRECTORIES.iter().map(|dir| Path::new(dir).join(program)).find(|path| path.is_file())
}

/// Runs a program to its end and returns what it said; a failure or a missed deadline is an error.
pub(crate) async fn run<I, S>(program: &str, arguments: I, deadline: Duration) -> Result<Output, Error>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    run_with_input(program, arguments, None, deadline).await
}

/// Like [`run`], with something to say on standard input.
pub(crate) async fn run_with_input<I, S>(
    program: &str,
    arguments: I,
    input: Option<&str>,
    deadline: Duration,
) -> Result<Output, Error>
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    use tokio::io::AsyncWriteExt as _;
    let arguments: Vec<OsString> = arguments.into_iter().map(|a| a.as_ref().to_owned()).collect();
    let failed = |status: String, stderr: String| Error::Command { command: line(program, &arguments), status, stderr };
    let path = find(program).unwrap_or_else(|| program.into());
    let mut child = Command::new(path)
        .args(&arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| failed("could not be started".into(), e.to_string()))?;
    let stdin = child.stdin.take();
    let work = async {
        if let (Some(mut stdin), Some(input)) = (stdin, input) {
            stdin.write_all(input.as_bytes()).await.ok();
        }
        child.wait_with_output().await
    };
    match tokio::time::timeout(deadline, work).await {
        Err(_) => Err(failed(format!("no end after {} s", deadline.as_secs()), String::new())),
        Ok(Err(e)) => Err(failed("lost".into(), e.to_string())),
        Ok(Ok(output)) if output.status.success() => Ok(output),
        Ok(Ok(output)) => {
            Err(failed(output.status.to_string(), String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }
}

/// Processes of the cloud in `directory` that no living daemon looks after: nspawn, ministack, database servers.
pub(crate) fn leftovers(directory: &Path) -> Vec<Pid> {
    processes()
        .into_iter()
        .filter(|pid| pid.as_raw() != std::process::id() as i32)
        .filter(|pid| belongs(&command_line(*pid), directory))
        .collect()
}

/// Processes that live in the network namespace whose file is `namespace`.
pub(crate) fn in_network(namespace: &Path) -> Vec<Pid> {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| std::fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
    let Some(wanted) = identity(namespace) else { return Vec::new() };
    let lives_there = |pid: &Pid| identity(Path::new(&format!("/proc/{pid}/ns/net"))) == Some(wanted);
    processes().into_iter().filter(lives_there).filter(|pid| pid.as_raw() != std::process::id() as i32).collect()
}

/// Ends the [`leftovers`] of `directory`: asks first, then insists after `patience`. Returns how many there were.
pub(crate) async fn end_leftovers(directory: &Path, patience: Duration) -> usize {
    end(|| leftovers(directory), patience).await
}

/// Ends all that `find` finds: asks first, then insists after `patience`. Returns how many there were at first.
pub(crate) async fn end(find: impl Fn() -> Vec<Pid>, patience: Duration) -> usize {
    let tell_all = |signal| find().into_iter().filter(|pid| kill(*pid, signal).is_ok()).count();
    let found = tell_all(Signal::SIGTERM);
    let deadline = Instant::now() + patience;
    let mut insisted = false;
    while !find().is_empty() {
        if Instant::now() > deadline && !insisted {
            insisted = true;
            tell_all(Signal::SIGKILL);
        }
        if Instant::now() > deadline + Duration::from_secs(5) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    found
}

/// The command line of a process, empty when it is gone.
pub(crate) fn command_line(pid: Pid) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    bytes.split(|b| *b == 0).filter(|a| !a.is_empty()).map(|a| String::from_utf8_lossy(a).into_owned()).collect()
}

/// All processes of this machine.
pub(crate) fn processes() -> Vec<Pid> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .collect()
}

/// A program of ours with an argument that lies in the cloud's directory.
fn belongs(command: &[String], directory: &Path) -> bool {
    let ours = |argument: &String| {
        let name = argument.rsplit('/').next().unwrap_or_default();
        OURS.contains(&name)
    };
    let inside = |argument: &String| {
        let value = argument.split_once('=').map_or(argument.as_str(), |(_, value)| value);
        Path::new(value) != directory && Path::new(value).starts_with(directory)
    };
    command.iter().any(ours) && command.iter().any(inside)
}

fn line(program: &str, arguments: &[OsString]) -> String {
    let mut line = program.to_owned();
    for argument in arguments {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(line: &str) -> Vec<String> {
        line.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn only_our_programs_in_our_directory_are_leftovers() {
        let cloud = Path::new("/data/one");
        assert!(belongs(&command("/usr/bin/systemd-nspawn -D /data/one/instances/i-1/root --boot"), cloud));
        assert!(belongs(&command("/usr/sbin/mariadbd --no-defaults --datadir=/data/one/databases/d/data"), cloud));
        assert!(belongs(&command("python /data/one/ministack/launcher.py"), cloud));
        assert!(!belongs(&command("tail -f /data/one/logs/daemon.log"), cloud), "somebody reading a log");
        assert!(!belongs(&command("/usr/sbin/mariadbd --datadir=/data/one-more/databases/d"), cloud), "another cloud");
        assert!(!belongs(&command("/usr/sbin/mariadbd --datadir=/var/lib/mysql"), cloud), "the machine's own server");
    }

    #[tokio::test]
    async fn a_failure_tells_what_was_run_and_what_it_said() {
        let error = run("sh", ["-c", "echo no such luck >&2; exit 3"], Duration::from_secs(5)).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("no such luck") && text.contains("exit status: 3"), "{text}");
    }

    #[tokio::test]
    async fn a_deadline_ends_the_program() {
        let error = run("sleep", ["60"], Duration::from_millis(50)).await.unwrap_err();
        assert!(error.to_string().contains("no end after"), "{error}");
    }
}
