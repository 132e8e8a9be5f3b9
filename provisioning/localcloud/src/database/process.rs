//! Starting and ending server processes.
//!
//! A server runs in its network namespace, sees its own directory at [`Jail::inside`] (a bind mount in a mount namespace
//! of its own, because the unprivileged user it becomes may not be able to walk the path from `/`), and has its data
//! directory as working directory from the first moment: that is how leftovers are recognised, whatever they are called.

use std::{
    ffi::OsStr,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::process::Command;

use super::{error::Error, first_existing};

/// Directories every system has and nothing of ours uses; the server's own goes over one of them, for itself only.
const MOUNT_POINTS: [&str; 3] = ["/mnt", "/media", "/srv"];

/// How long the kernel may take to end a killed process.
const GONE_WITHIN: Duration = Duration::from_secs(20);

const POLL: Duration = Duration::from_millis(20);

/// Where a server's programs run.
#[derive(Clone, Debug)]
pub(crate) struct Jail {
    outside: PathBuf,
    inside: &'static Path,
}

impl Jail {
    /// For the directory `outside`; `program` must stay visible in it.
    pub(crate) fn new(outside: PathBuf, program: &Path) -> Self {
        let free =
            |point: &&str| Path::new(point).is_dir() && !program.starts_with(point) && !outside.starts_with(point);
        let inside = MOUNT_POINTS.iter().find(|point| free(point)).unwrap_or(&MOUNT_POINTS[0]);
        Self { inside: Path::new(inside), outside }
    }

    /// The directory as the server sees it.
    pub(crate) fn inside(&self) -> &'static Path {
        self.inside
    }

    /// `program` in the jail, in the network namespace `network` if it needs one, leading a process group of its own.
    pub(crate) fn command(&self, network: Option<&Path>, working_directory: &Path, program: &Path) -> Command {
        // Each of these replaces itself by the next: the process we start becomes the server.
        const ENTER: &str = r#"mount --bind "$0" "$1" || exit 1; shift; exec "$@""#;
        let mut command = match network {
            Some(namespace) => {
                let mut command = bare(tool(["/usr/bin/nsenter", "/bin/nsenter"]));
                command.arg(flag("--net=", namespace)).arg(tool(["/usr/bin/unshare", "/bin/unshare"]));
                command
            }
            None => bare(tool(["/usr/bin/unshare", "/bin/unshare"])),
        };
        command.args(["--mount", "--propagation", "private", "/bin/sh", "-c", ENTER]);
        command.arg(&self.outside).arg(self.inside).arg(program);
        command.current_dir(working_directory).process_group(0);
        command
    }
}

/// A program without the environment of the daemon: `MYSQL_*` and `TZ` change what servers do.
pub(crate) fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    command.stdin(std::process::Stdio::null());
    command
}

/// `--name=value` for values that need not be text.
pub(crate) fn flag(name: &str, value: impl AsRef<OsStr>) -> std::ffi::OsString {
    let mut flag = std::ffi::OsString::from(name);
    flag.push(value);
    flag
}

fn tool(places: [&'static str; 2]) -> &'static Path {
    first_existing(places).unwrap_or(Path::new(places[0]))
}

/// Signals a whole process group; one that is gone is not an error.
pub(crate) fn signal_group(leader: u32, signal: Signal) {
    if let Ok(leader) = i32::try_from(leader) {
        let _ = nix::sys::signal::killpg(Pid::from_raw(leader), signal);
    }
}

/// Kills every process whose working directory is `data`, and waits until none is left. Says nothing when there is none.
pub(crate) async fn reap(data: &Path) -> Result<(), Error> {
    let deadline = Instant::now() + GONE_WITHIN;
    loop {
        let pids = users_of(data);
        if pids.is_empty() {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(Error::Unkillable { pids, directory: data.to_owned() });
        }
        for pid in pids {
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        tokio::time::sleep(POLL).await;
    }
}

fn users_of(data: &Path) -> Vec<i32> {
    let Ok(wanted) = std::fs::metadata(data) else { return Vec::new() };
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| {
        // Through the link, into whatever mount namespace it leads: paths differ there, device and inode do not.
        std::fs::metadata(format!("/proc/{pid}/cwd"))
            .is_ok_and(|cwd| (cwd.dev(), cwd.ino()) == (wanted.dev(), wanted.ino()))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn leftovers_are_found_by_where_they_work_and_killed() {
        let directory = tempfile::tempdir().unwrap();
        let mut child = bare("/bin/sleep").arg("600").current_dir(directory.path()).spawn().unwrap();
        let pid = i32::try_from(child.id().unwrap()).unwrap();
        assert_eq!(users_of(directory.path()), [pid]);
        // The test is the parent: without this wait the killed child would stay behind as a zombie.
        let (reaped, status) = tokio::join!(reap(directory.path()), child.wait());
        reaped.unwrap();
        assert!(!status.unwrap().success());
        assert_eq!(users_of(directory.path()), Vec::<i32>::new());
    }

    #[test]
    fn the_mount_point_hides_neither_the_program_nor_the_directory() {
        let jail = Jail::new("/mnt/cloud".into(), Path::new("/media/mysql/mysqld"));
        assert_eq!(jail.inside(), Path::new("/srv"));
    }
}
