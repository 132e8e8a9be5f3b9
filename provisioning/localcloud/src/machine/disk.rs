//! The disk of a machine: the base image below, its own layer above, and what makes it this machine and no other.

use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use fs_err as fs;
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use sha2::{Digest as _, Sha256};

use super::MachineSpec;
use crate::{error::Error, files, process};

/// The name of the image below, in the instance directory.
const IMAGE: &str = "image";

/// The overlay of one machine.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    directory: PathBuf,
    image: PathBuf,
}

impl Disk {
    /// The disk in the instance directory `directory` over the image it was made over, or `image` if it is new.
    pub(super) fn new(directory: &Path, image: &Path) -> Self {
        let made_over = fs::read_to_string(directory.join(IMAGE)).ok();
        let made_over = made_over.map(|name| image.with_file_name(name.trim())).filter(|path| path.is_dir());
        Self { directory: directory.to_owned(), image: made_over.unwrap_or_else(|| image.to_owned()) }
    }

    /// Remembers the image, so that a newer one is not put under what was written over this one.
    pub(super) fn remember_image(&self) -> Result<(), Error> {
        self.lay_over_the_same(&self.directory)
    }

    /// What was written over the image.
    pub(super) fn upper(&self) -> PathBuf {
        self.directory.join("upper")
    }

    /// Makes the file `image` of another directory say the same as ours: what was written over one image makes no
    /// sense over another.
    pub(super) fn lay_over_the_same(&self, image_of: &Path) -> Result<(), Error> {
        let name = self.image.file_name().unwrap_or_default().as_encoded_bytes();
        files::write_public(&image_of.join(IMAGE), name)
    }

    /// Where the whole file system shows while it is mounted.
    pub(super) fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// Mounts it. Idempotent.
    pub(super) fn mount(&self) -> Result<(), Error> {
        let root = self.root();
        if files::mounts_under(&root)?.contains(&root) {
            return Ok(());
        }
        let (upper, work) = (self.upper(), self.directory.join("work"));
        for directory in [&root, &upper, &work] {
            files::dir(directory)?;
        }
        let open = std::fs::Permissions::from_mode(0o755);
        fs::set_permissions(&upper, open).map_err(Error::file("open", &upper))?;
        let options = format!("lowerdir={},upperdir={},workdir={}", escape(&self.image), escape(&upper), escape(&work));
        mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(options.as_str()))
            .map_err(|e| Error::file("mount an overlay on", &root)(e.into()))
    }

    /// Unmounts it. Idempotent.
    pub(super) fn unmount(&self) -> Result<(), Error> {
        let root = self.root();
        let mut mounts = files::mounts_under(&root)?;
        mounts.reverse();
        for mount in mounts {
            // What a dying process still holds is let go when it is dead; the path is free at once.
            umount2(&mount, MntFlags::MNT_DETACH).map_err(|e| Error::file("unmount", &mount)(e.into()))?;
        }
        Ok(())
    }

    /// Gives the mounted disk its name, its identity, its user and its first-boot script.
    pub(super) async fn personalise(&self, spec: &MachineSpec) -> Result<(), Error> {
        let root = self.root();
        let write = |name: &str, text: String| files::write_public(&root.join(name), text.as_bytes());
        let name = &spec.hostname;
        write("etc/hostname", format!("{name}\n"))?;
        write(
            "etc/hosts",
            format!("127.0.0.1 localhost\n{} {name}\n::1 localhost ip6-localhost ip6-loopback\n", spec.address),
        )?;
        write("etc/machine-id", format!("{}\n", machine_id(&self.directory)))?;
        self.add_user(&spec.user).await?;
        if let Some(script) = &spec.user_data {
            let script = if script.starts_with("#!") { script.clone() } else { format!("#!/bin/sh\n{script}") };
            let path = root.join("var/lib/cloud/user-data");
            files::write_private(&path, script.as_bytes())?;
            let executable = std::fs::Permissions::from_mode(0o700);
            fs::set_permissions(&path, executable).map_err(Error::file("open", &path))?;
        }
        Ok(())
    }

    /// Makes the mounted disk of another machine one that was never booted: what runs once is due again.
    pub(super) fn forget_first_boot(&self) -> Result<(), Error> {
        for name in ["user-data", "user-data.done"] {
            let path = self.root().join("var/lib/cloud").join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn add_user(&self, user: &str) -> Result<(), Error> {
        let root = self.root();
        let passwd = root.join("etc/passwd");
        let known = fs::read_to_string(&passwd).map_err(Error::file("read", &passwd))?;
        if known.lines().any(|line| line.split(':').next() == Some(user)) {
            return Ok(());
        }
        let root_argument = root.to_string_lossy().into_owned();
        let arguments = [&*root_argument, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", user];
        process::run("chroot", arguments, Duration::from_secs(20)).await.map(drop)
    }
}

/// What the machine in `directory` was made from; `None` when it was not, or not completely.
pub(super) fn read_spec(directory: &Path) -> Result<Option<MachineSpec>, Error> {
    files::read_json(&directory.join("spec.json"))
}

/// Marks the machine in `directory` as complete.
pub(super) fn write_spec(directory: &Path, spec: &MachineSpec) -> Result<(), Error> {
    files::write_json(&directory.join("spec.json"), spec)
}

/// 32 hex digits that follow from where the machine lives, so that making it again changes nothing.
fn machine_id(directory: &Path) -> String {
    hex::encode(&Sha256::digest(directory.as_os_str().as_encoded_bytes())[..16])
}

/// In overlay options a colon separates lower directories and a comma separates options.
fn escape(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_id_is_stable_and_well_formed() {
        let id = machine_id(Path::new("/data/instances/i-1"));
        assert_eq!(id.len(), 32);
        assert_eq!(id, machine_id(Path::new("/data/instances/i-1")));
        assert_ne!(id, machine_id(Path::new("/data/instances/i-2")));
    }

    #[test]
    fn a_disk_stays_over_the_image_it_was_made_over() {
        let images = tempfile::tempdir().unwrap();
        let (old, new) = (images.path().join("bookworm-1"), images.path().join("bookworm-2"));
        std::fs::create_dir(&old).unwrap();
        let directory = tempfile::tempdir().unwrap();
        Disk::new(directory.path(), &old).remember_image().unwrap();
        assert_eq!(Disk::new(directory.path(), &new).image, old);
        std::fs::remove_dir(&old).unwrap();
        assert_eq!(Disk::new(directory.path(), &new).image, new, "a lost image is replaced");
    }

    #[test]
    fn separators_in_paths_are_escaped() {
        assert_eq!(escape(Path::new("/a:b,c")), "/a\\:b\\,c");
    }
}
