//! Private network numbers: which cloud has which, as long as this machine is up.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use fs_err as fs;

use crate::{error::Error, files, layout};

/// One file per slot in use, holding the data directory of its cloud. Empty after a reboot, as the namespaces are.
const REGISTRY: &str = "/run/jewel-localcloud";

/// Takes the first free slot for the cloud in `data_dir`, or the one it has already.
pub(crate) fn claim_free(data_dir: &Path) -> Result<u8, Error> {
    let _lock = lock()?;
    let first = layout::first_slot(data_dir);
    (0..250u8)
        .map(|step| ((u16::from(first) - 1 + u16::from(step)) % 250) as u8 + 1)
        .find(|slot| match holder(*slot) {
            Some(by) => by == data_dir,
            None => !namespace_exists(*slot),
        })
        .ok_or(Error::NoSlot)
        .and_then(|slot| write(slot, data_dir).map(|()| slot))
}

/// Takes `slot` again for the cloud that has it by its settings.
pub(crate) fn claim(slot: u8, data_dir: &Path) -> Result<(), Error> {
    let _lock = lock()?;
    match holder(slot) {
        Some(by) if by == data_dir => Ok(()),
        Some(by) => Err(Error::SlotTaken { slot, by }),
        None => write(slot, data_dir),
    }
}

/// Gives `slot` back.
pub(crate) fn release(slot: u8, data_dir: &Path) -> Result<(), Error> {
    let _lock = lock()?;
    // Its settings are gone by now, so ask the registry alone.
    if fs::read(file(slot)).is_ok_and(|by| by == data_dir.as_os_str().as_encoded_bytes()) {
        fs::remove_file(file(slot)).map_err(Error::file("remove", file(slot)))?;
    }
    Ok(())
}

/// Who has it: a cloud whose settings still say so, or one that is being made at this moment.
fn holder(slot: u8) -> Option<PathBuf> {
    const BEING_MADE: Duration = Duration::from_secs(60);
    let data_dir = PathBuf::from(fs::read_to_string(file(slot)).ok()?);
    match super::settings::Settings::read(&data_dir).ok().flatten() {
        Some(settings) => (settings.slot == slot).then_some(data_dir),
        None => {
            let age = fs::metadata(file(slot)).ok()?.modified().ok()?.elapsed().unwrap_or_default();
            (age < BEING_MADE).then_some(data_dir)
        }
    }
}

fn namespace_exists(slot: u8) -> bool {
    Path::new("/run/netns").join(layout::vpc_namespace(slot)).exists()
}

fn write(slot: u8, data_dir: &Path) -> Result<(), Error> {
    files::write_private(&file(slot), data_dir.as_os_str().as_encoded_bytes())
}

fn file(slot: u8) -> PathBuf {
    Path::new(REGISTRY).join(slot.to_string())
}

fn lock() -> Result<nix::fcntl::Flock<std::fs::File>, Error> {
    let registry = Path::new(REGISTRY);
    files::private_dir(registry)?;
    let path = registry.join("lock");
    let file = std::fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::file("open", &path))?;
    // Held for a few file operations only, so waiting is short.
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusive)
        .map_err(|(_, e)| Error::file("lock", &path)(e.into()))
}
