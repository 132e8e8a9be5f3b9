//! Stopping a cloud: asked, then ended; nothing of it runs or stays mounted afterwards, even if its daemon was killed.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    mount::{MntFlags, umount2},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{client, guard, settings::Settings};
use crate::{error::Error, event::Event, files, machine, network, options::Options, process};

/// How long the daemon has for a clean end, its own deadline included.
const PATIENCE: Duration = Duration::from_secs(50);

/// Stops the cloud and keeps everything in it. A cloud that does not run is not an error.
///
/// # Errors
/// When it cannot be stopped.
pub async fn down(options: &Options, on_event: &mut (dyn FnMut(Event) + Send)) -> Result<(), Error> {
    guard::root_on_linux()?;
    let options = guard::absolute(options)?;
    if !options.data_dir.is_dir() {
        on_event(Event::Stopped);
        return Ok(());
    }
    // Settings that cannot be read must not keep a cloud from being stopped.
    let settings = Settings::read(&options.data_dir).ok().flatten();
    let slot = settings.as_ref().map(|settings| settings.slot);
    let endpoints = settings.map(|settings| settings.endpoints(&settings.layout(&options)));
    let asked = match &endpoints {
        Some(endpoints) => client::shut_down(endpoints).await.is_ok(),
        None => false,
    };
    let owner = owner(&options.data_dir)?;
    if asked || owner.is_some() {
        on_event(Event::Stopping);
    }
    if let (false, Some(pid)) = (asked, owner) {
        // It is on its way up or hangs: the signal does what the request would.
        kill(pid, Signal::SIGTERM).ok();
    }
    wait_until_unowned(&options.data_dir).await?;
    clear(&options.data_dir, slot, Duration::from_secs(10)).await?;
    on_event(Event::Stopped);
    Ok(())
}

/// Ends and unmounts whatever of a cloud has no daemon any more. Returns how many processes that were.
pub(super) async fn clear(data_dir: &Path, slot: Option<u8>, patience: Duration) -> Result<usize, Error> {
    let mut ended = process::end_leftovers(data_dir, patience).await;
    if let Some(slot) = slot {
        // A database server may show nothing of the cloud's directory, but it lives in the cloud's network.
        ended += network::end_processes(slot, patience).await;
        machine::forget_ended(slot);
    }
    unmount(data_dir).await?;
    Ok(ended)
}

/// Unmounts everything under `data_dir`, inner before outer.
pub(super) async fn unmount(data_dir: &Path) -> Result<(), Error> {
    let mut mounts = files::mounts_under(data_dir)?;
    mounts.reverse();
    for mount in mounts {
        // A lazy detach also works while a dying process still holds a file in it.
        umount2(&mount, MntFlags::MNT_DETACH).map_err(|e| Error::file("unmount", &mount)(e.into()))?;
    }
    Ok(())
}

async fn wait_until_unowned(data_dir: &Path) -> Result<(), Error> {
    let lock = data_dir.join("daemon.lock");
    let begin = Instant::now();
    let mut insisted = false;
    while files::try_lock(&lock)?.is_none() {
        if begin.elapsed() > PATIENCE && !insisted {
            insisted = true;
            if let Some(pid) = owner(data_dir)? {
                kill(pid, Signal::SIGKILL).ok();
            }
        }
        if begin.elapsed() > PATIENCE + Duration::from_secs(5) {
            return Err(Error::AlreadyRunning { data_dir: data_dir.to_owned() });
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    Ok(())
}

/// The process that holds the daemon's lock, as the kernel tells it: no file of ours can be out of date about that.
fn owner(data_dir: &Path) -> Result<Option<Pid>, Error> {
    use std::os::unix::fs::MetadataExt as _;
    let lock = data_dir.join("daemon.lock");
    let Ok(metadata) = std::fs::metadata(&lock) else { return Ok(None) };
    let table = Path::new("/proc/locks");
    let text = fs_err::read_to_string(table).map_err(Error::file("read", table))?;
    Ok(lock_owner(&text, metadata.ino()))
}

/// A line of /proc/locks: `1: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF` (pid, device and inode).
fn lock_owner(locks: &str, inode: u64) -> Option<Pid> {
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let flock = fields.get(1) == Some(&"FLOCK");
        let same = fields.get(5)?.rsplit(':').next()?.parse() == Ok(inode);
        (flock && same).then(|| fields.get(4)?.parse().ok().map(Pid::from_raw))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_says_who_holds_a_lock() {
        let table = "1: POSIX  ADVISORY  WRITE 10 fe:00:131 0 EOF\n2: FLOCK  ADVISORY  WRITE 4711 fe:00:131 0 EOF\n";
        assert_eq!(lock_owner(table, 131), Some(Pid::from_raw(4711)));
        assert_eq!(lock_owner(table, 31), None);

        let dir = tempfile::tempdir().unwrap();
        let _held = files::try_lock(&dir.path().join("daemon.lock")).unwrap().unwrap();
        assert_eq!(owner(dir.path()).unwrap(), Some(Pid::this()));
    }
}
