//! Files that survive a crash: written beside, synced, renamed; and locks that the kernel lets go of when we die.

use std::{
    io::{Read as _, Seek as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use fs_err as fs;
use nix::fcntl::{Flock, FlockArg};
use serde::{Serialize, de::DeserializeOwned};

use crate::error::Error;

/// Writes `bytes` so that after a crash either the old or the new content is there, readable by the owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes, 0o600)
}

/// Like [`write_private`], readable by everybody.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write(path, bytes, 0o644)
}

/// Writes a value as JSON with [`write_private`].
pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<(), Error> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| Error::Damaged { path: path.to_owned(), reason: e.to_string() })?;
    write_private(path, &bytes)
}

/// Reads what [`write_json`] wrote; `None` when there is no such file.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Error::file("read", path)(e)),
    };
    let value =
        serde_json::from_slice(&bytes).map_err(|e| Error::Damaged { path: path.to_owned(), reason: e.to_string() })?;
    Ok(Some(value))
}

/// Makes a directory and its parents, closed to others.
pub(crate) fn private_dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::file("make", path))?;
    fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(Error::file("close", path))
}

/// Makes a directory and its parents.
pub(crate) fn dir(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(Error::file("make", path))
}

/// Removes a tree, if it is there. Refuses while anything is mounted in it, so that a mount is never emptied.
pub(crate) fn remove_tree(path: &Path) -> Result<(), Error> {
    if let Some(mount) = mounts_under(path)?.pop() {
        return Err(Error::Damaged { path: path.to_owned(), reason: format!("{} is still mounted", mount.display()) });
    }
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::file("remove", path)(e)),
        _ => Ok(()),
    }
}

/// The mount points at or under `path`, as the kernel lists them: outer before inner.
pub(crate) fn mounts_under(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let table = Path::new("/proc/self/mountinfo");
    let text = fs::read_to_string(table).map_err(Error::file("read", table))?;
    Ok(mount_points(&text).into_iter().filter(|mount| mount.starts_with(path)).collect())
}

/// The fifth field of each line, with the kernel's octal escapes (space, tab, newline, backslash) undone.
fn mount_points(mountinfo: &str) -> Vec<PathBuf> {
    let unescape =
        |field: &str| field.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\");
    mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(|field| unescape(field).into()).collect()
}

/// Takes an exclusive lock, or says that somebody else has it. The lock goes with the returned value or the process.
pub(crate) fn try_lock(path: &Path) -> Result<Option<Flock<std::fs::File>>, Error> {
    match Flock::lock(lock_file(path)?, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Some(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Ok(None),
        Err((_, e)) => Err(Error::file("lock", path)(e.into())),
    }
}

/// Takes an exclusive lock, waiting for whoever has it; `wait` is called once if there is something to wait for.
pub(crate) async fn lock(path: &Path, wait: impl FnOnce()) -> Result<Flock<std::fs::File>, Error> {
    if let Some(lock) = try_lock(path)? {
        return Ok(lock);
    }
    wait();
    loop {
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if let Some(lock) = try_lock(path)? {
            return Ok(lock);
        }
    }
}

/// The last `count` lines of a log; empty when it cannot be read. Reads at most its last 64 KiB.
pub(crate) fn last_lines(path: &Path, count: usize) -> String {
    const WINDOW: u64 = 64 << 10;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        let length = file.metadata()?.len();
        file.seek(std::io::SeekFrom::Start(length.saturating_sub(WINDOW)))?;
        let mut bytes = Vec::new();
        file.take(WINDOW).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// Free bytes for us on the file system that holds `path` or its nearest parent that exists.
pub(crate) fn free_bytes(path: &Path) -> u64 {
    path.ancestors()
        .find_map(|p| nix::sys::statvfs::statvfs(p).ok())
        .map_or(0, |s| s.blocks_available() * s.fragment_size())
}

fn lock_file(path: &Path) -> Result<std::fs::File, Error> {
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::file("open", path))
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<(), Error> {
    let failed = |e| Error::file("write", path)(e);
    let parent = path.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(parent).map_err(failed)?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .permissions(std::fs::Permissions::from_mode(mode))
        .tempfile_in(parent)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    // The umask may have taken bits from the mode asked for.
    file.as_file().set_permissions(std::fs::Permissions::from_mode(mode)).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|e| failed(e.error))?;
    std::fs::File::open(parent).and_then(|d| d.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_is_closed_to_others_and_replaced_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/secret.json");
        write_json(&path, &vec![1, 2]).unwrap();
        write_json(&path, &vec![3]).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read_json::<Vec<i32>>(&path).unwrap(), Some(vec![3]));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no temporary file stays behind");
    }

    #[test]
    fn a_damaged_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.json");
        std::fs::write(&path, "{").unwrap();
        assert!(read_json::<i32>(&path).unwrap_err().to_string().contains("x.json is damaged"));
        assert!(read_json::<i32>(&dir.path().join("absent")).unwrap().is_none());
    }

    #[test]
    fn a_lock_is_held_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = try_lock(&path).unwrap();
        assert!(held.is_some());
        assert!(try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(try_lock(&path).unwrap().is_some());
    }

    #[test]
    fn mount_points_with_spaces_are_read() {
        let text = "36 35 98:0 /mnt1 /mnt2/a\\040b rw,noatime master:1 - ext3 /dev/root rw\n";
        assert_eq!(mount_points(text), [PathBuf::from("/mnt2/a b")]);
    }

    #[test]
    fn the_end_of_a_log_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        std::fs::write(&path, "a\nb\nc\n").unwrap();
        assert_eq!(last_lines(&path, 2), "b\nc");
        assert_eq!(last_lines(&path, 9), "a\nb\nc");
        assert_eq!(last_lines(&dir.path().join("none"), 9), "");
    }
}
