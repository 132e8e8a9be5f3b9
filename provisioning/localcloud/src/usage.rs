//! What a machine or server uses of this host, as the kernel counts it.
//!
//! Totals since it was started: whoever wants rates keeps the last ones. Knows neither metrics nor who asks.

use std::{path::Path, time::Duration};

use crate::network::counters::Counters;

/// Ticks in a second of `/proc/PID/stat`; the same on every architecture Linux still has.
const TICKS_PER_SECOND: u64 = 100;

/// What something uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Computing time on all processors together.
    pub(crate) cpu: Duration,
    /// What went over its network interfaces, and who is connected.
    pub(crate) network: Counters,
    /// Bytes of memory; 0 where nobody asks.
    pub(crate) memory: u64,
    /// Bytes swapped out.
    pub(crate) swap: u64,
    /// Bytes on disk.
    pub(crate) storage: u64,
}

/// Computing time of one process; none when it is gone.
pub(crate) fn cpu_of_process(pid: u32) -> Option<Duration> {
    cpu_in_stat(&std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Bytes of memory and of swap of one process.
pub(crate) fn memory_of_process(pid: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    (kilobytes(&status, "VmRSS:") * 1024, kilobytes(&status, "VmSwap:") * 1024)
}

/// Bytes that everything under `directory` takes on disk. What vanishes while it is counted is not counted.
pub(crate) fn storage(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(entries) = std::fs::read_dir(directory) else { return 0 };
    let sizes = entries.flatten().filter_map(|entry| {
        let found = entry.metadata().ok()?;
        Some(if found.is_dir() { storage(&entry.path()) } else { found.blocks() * 512 })
    });
    sizes.sum()
}

/// User and system time; the command's name, in parentheses, may hold anything.
fn cpu_in_stat(stat: &str) -> Option<Duration> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Duration::from_millis((user + system) * (1000 / TICKS_PER_SECOND)))
}

fn kilobytes(status: &str, field: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computing_time_is_read_behind_any_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 0 0 0 150 50 0 0 20 0 1 0 9 0 0";
        assert_eq!(cpu_in_stat(stat), Some(Duration::from_secs(2)));
        assert_eq!(cpu_in_stat("7 (a) S 1"), None);
        assert!(cpu_of_process(std::process::id()).is_some());
    }

    #[test]
    fn memory_and_storage_are_bytes() {
        assert_eq!(kilobytes("VmRSS:\t    12 kB\nVmSwap:\t 0 kB\n", "VmRSS:"), 12);
        assert!(memory_of_process(std::process::id()).0 > 1 << 20);
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("inner")).unwrap();
        std::fs::write(directory.path().join("inner/file"), vec![7; 100_000]).unwrap();
        assert!((100_000..200_000).contains(&storage(directory.path())));
    }
}
