//! Copies of whole trees: what snapshots, backups and restored databases are made of.
//!
//! A copy is made beside its place and renamed into it, so that it is there whole or not at all. Every attempt has a
//! name of its own: a `cp` that outlives a killed daemon for a moment must not write into the next attempt.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use fs_err as fs;

use crate::{error::Error, files, process};

/// What is being made, and what was when its maker was killed.
const MAKING: &str = ".making-";

/// A gigabyte takes seconds; this is for slow disks.
const DEADLINE: Duration = Duration::from_secs(600);

/// Copies the tree `from` to `to`, which does not exist: owners, attributes and holes included, and sharing the blocks
/// where the file system can.
///
/// # Errors
/// When something cannot be copied; a part may be there then.
pub(crate) async fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    let options = ["--archive", "--reflink=auto", "--no-target-directory"].map(AsRef::<std::ffi::OsStr>::as_ref);
    let arguments = options.into_iter().chain([from.as_os_str(), to.as_os_str()]);
    process::run("cp", arguments, DEADLINE).await.map(drop)
}

/// A directory in the making. It is removed unless it is [finished](Self::finish).
pub(crate) struct Making {
    parent: PathBuf,
    path: PathBuf,
}

impl Making {
    /// Begins one in `parent`, which is made if need be; both are closed to others.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub(crate) fn begin(parent: &Path) -> Result<Self, Error> {
        let path = parent.join(format!("{MAKING}{}", uuid::Uuid::new_v4().simple()));
        files::private_dir(parent)?;
        files::private_dir(&path)?;
        Ok(Self { parent: parent.to_owned(), path })
    }

    /// Where to put things meanwhile.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name. What had the name before must be gone.
    ///
    /// # Errors
    /// When it cannot be renamed.
    pub(crate) fn finish(self, name: &str) -> Result<(), Error> {
        fs::rename(&self.path, self.parent.join(name)).map_err(Error::file("rename", &self.path))
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        // After `finish` there is nothing of this name.
        files::remove_tree(&self.path).ok();
    }
}

/// Removes everything from the directory `parent` whose name `keep` does not want, half-made copies among it.
///
/// # Errors
/// When something cannot be removed.
pub(crate) fn sweep(parent: &Path, keep: impl Fn(&str) -> bool) -> Result<(), Error> {
    let entries = match fs::read_dir(parent) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::file("list", parent)(error)),
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let wanted = name.to_str().is_some_and(|name| !name.starts_with(MAKING) && keep(name));
        if !wanted {
            files::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<String> = entries.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn a_copy_is_there_whole_or_not_at_all() {
        let home = tempfile::tempdir().unwrap();
        let (from, parent) = (home.path().join("from"), home.path().join("copies"));
        std::fs::create_dir(&from).unwrap();
        std::fs::write(from.join("file"), "text").unwrap();
        let making = Making::begin(&parent).unwrap();
        copy(&from, &making.path().join("data")).await.unwrap();
        making.finish("one").unwrap();
        let failed = Making::begin(&parent).unwrap();
        assert!(copy(&home.path().join("gone"), &failed.path().join("data")).await.is_err());
        drop(failed);
        assert_eq!(names(&parent), ["one"]);
        assert_eq!(std::fs::read_to_string(parent.join("one/data/file")).unwrap(), "text");
    }

    #[test]
    fn what_nobody_wants_is_swept_away_with_what_was_never_finished() {
        let home = tempfile::tempdir().unwrap();
        for name in [".making-killed", "one", "two"] {
            std::fs::create_dir(home.path().join(name)).unwrap();
        }
        sweep(home.path(), |name| name != "two").unwrap();
        assert_eq!(names(home.path()), ["one"]);
        sweep(&home.path().join("never"), |_| true).unwrap();
    }
}
