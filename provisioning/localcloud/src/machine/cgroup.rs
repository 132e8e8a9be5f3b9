//! A control group for each machine.
//!
//! nspawn without systemd-machined puts a machine into a fixed place below the group it was started in, so that two
//! machines started by one daemon would share a group and their systemds would end each other's services.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use fs_err as fs;

use crate::error::Error;

const PARENT: &str = "jewel-localcloud";

/// How long the processes of a machine may take to stand still; one that writes to a slow disk first comes back.
const FROZEN_WITHIN: Duration = Duration::from_secs(10);

/// The group of one machine, in each hierarchy that systemd uses on this host.
#[derive(Clone, Debug)]
pub(super) struct Cgroup {
    directories: Vec<PathBuf>,
}

impl Cgroup {
    /// Makes the group; what a killed daemon left in it is ended.
    pub(super) fn make(machine: &str) -> Result<Self, Error> {
        let table = Path::new("/proc/self/mountinfo");
        let text = fs::read_to_string(table).map_err(Error::file("read", table))?;
        let mut directories = Vec::new();
        for hierarchy in hierarchies(&text) {
            let parent = hierarchy.join(PARENT);
            let directory = parent.join(machine);
            let made = fs::create_dir_all(&directory);
            made.map_err(Error::file("make", &directory))?;
            for controller in ["+cpu", "+memory", "+pids", "+io"] {
                // Not every host hands out every controller; limits in units then have no effect, as on such a host.
                fs::write(parent.join("cgroup.subtree_control"), controller).ok();
            }
            directories.push(directory);
        }
        let group = Self { directories };
        group.kill();
        Ok(group)
    }

    pub(super) fn directories(&self) -> &[PathBuf] {
        &self.directories
    }

    /// The computing time that everything in it has used; none where the host has no unified hierarchy.
    pub(super) fn cpu(&self) -> Option<Duration> {
        let text = self.directories.iter().find_map(|directory| fs::read_to_string(directory.join("cpu.stat")).ok())?;
        usage_in(&text)
    }

    /// Stops everything in it at one moment, until the returned value goes.
    ///
    /// # Errors
    /// When the host has no unified hierarchy, or something in the group cannot be stopped in time.
    pub(super) async fn freeze(&self) -> Result<Frozen, Error> {
        let able = self.directories.iter().find(|directory| directory.join("cgroup.freeze").exists());
        let directory = able.ok_or_else(|| Error::Network {
            action: "stop a machine for a moment: this host has no unified control groups".into(),
            source: std::io::ErrorKind::Unsupported.into(),
        })?;
        let frozen = Frozen { switch: directory.join("cgroup.freeze") };
        fs::write(&frozen.switch, "1").map_err(Error::file("write", &frozen.switch))?;
        let events = directory.join("cgroup.events");
        let deadline = Instant::now() + FROZEN_WITHIN;
        while !is_frozen(&fs::read_to_string(&events).map_err(Error::file("read", &events))?) {
            if Instant::now() > deadline {
                return Err(Error::file("freeze", directory)(std::io::ErrorKind::TimedOut.into()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(frozen)
    }

    /// Kills everything in it at once, where the kernel can.
    pub(super) fn kill(&self) {
        for directory in &self.directories {
            let file = directory.join("cgroup.kill");
            if file.exists() {
                fs::write(file, "1").ok();
            }
        }
    }

    /// Removes it once it is empty; a group that is still dying stays and is used again.
    pub(super) fn remove(&self) {
        for directory in &self.directories {
            remove_nested(directory);
        }
    }
}

/// A group that stands still. It goes on when this goes, whatever happened meanwhile.
#[derive(Debug)]
pub(super) struct Frozen {
    switch: PathBuf,
}

impl Drop for Frozen {
    fn drop(&mut self) {
        if let Err(error) = fs::write(&self.switch, "0") {
            tracing::error!(%error, "a machine stands still");
        }
    }
}

fn is_frozen(events: &str) -> bool {
    events.lines().any(|line| line == "frozen 1")
}

/// Removes the groups of all machines whose name starts with `prefix` and that run no more.
pub(in crate::machine) fn remove_all(prefix: &str) {
    let Ok(text) = fs::read_to_string("/proc/self/mountinfo") else { return };
    for hierarchy in hierarchies(&text) {
        let Ok(entries) = fs::read_dir(hierarchy.join(PARENT)) else { continue };
        for entry in entries.filter_map(Result::ok) {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                remove_nested(&entry.path());
            }
        }
    }
}

/// Control groups are removed one by one, inner first; their files go with them.
fn remove_nested(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_nested(&entry.path());
        }
    }
    fs::remove_dir(directory).ok();
}

fn usage_in(stat: &str) -> Option<Duration> {
    let line = stat.lines().find_map(|line| line.strip_prefix("usage_usec "))?;
    line.trim().parse().ok().map(Duration::from_micros)
}

/// Mount points of the unified hierarchy and of systemd's own in the old layout.
fn hierarchies(mountinfo: &str) -> Vec<PathBuf> {
    mountinfo
        .lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let mount = left.split(' ').nth(4)?;
            let mut right = right.split(' ');
            let kind = right.next()?;
            let options = right.nth(1)?;
            let systemd = kind == "cgroup" && options.split(',').any(|option| option == "name=systemd");
            (kind == "cgroup2" || systemd).then(|| mount.into())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_time_is_read_in_microseconds() {
        assert_eq!(usage_in("usage_usec 1500000\nuser_usec 7\n"), Some(Duration::from_millis(1500)));
        assert_eq!(usage_in(""), None);
    }

    #[test]
    fn a_group_stands_still_when_the_kernel_says_so() {
        assert!(is_frozen("populated 1\nfrozen 1\n"));
        assert!(!is_frozen("populated 1\nfrozen 0\n"));
    }

    #[test]
    fn the_hierarchies_of_systemd_are_found() {
        let hybrid = "30 25 0:26 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n\
                      31 25 0:27 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
                      32 25 0:28 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate\n";
        let expected = [PathBuf::from("/sys/fs/cgroup/systemd"), PathBuf::from("/sys/fs/cgroup/unified")];
        assert_eq!(hierarchies(hybrid), expected);
        let unified = "30 25 0:26 / /sys/fs/cgroup rw,relatime shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(hierarchies(unified), [PathBuf::from("/sys/fs/cgroup")]);
    }
}
