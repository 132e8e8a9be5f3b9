//! A folder as a store: backups on a disk, and on whatever can be mounted.

use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use bytes::Bytes;

use crate::store::{Answer, Store, StoreError, Stored};

/// Objects are files; a `/` in a key is a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    root: PathBuf,
}

/// Files that are being written begin with this, which no key does.
const PARTIAL: &str = "~";

impl Folder {
    /// The store in this folder, which is made when something is stored.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }
}

impl Store for Folder {
    async fn put_new(&self, key: &str, object: Bytes) -> Answer {
        let path = self.path(key);
        match blocking(move || put(&path, &object)).await {
            Ok(true) => Answer::Stored,
            Ok(false) => Answer::Taken,
            Err(error) => Answer::Unknown(error),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        let path = self.path(key);
        blocking(move || match std::fs::read(path) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        let (root, prefix) = (self.root.clone(), prefix.to_owned());
        blocking(move || {
            let mut found = Vec::new();
            walk(&root, "", &prefix, &mut found)?;
            found.sort_by(|one, other| one.key.cmp(&other.key));
            Ok(found)
        })
        .await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let path = self.path(key);
        blocking(move || match std::fs::remove_file(&path) {
            Ok(()) => {
                // A folder that has become empty goes too; one that has not refuses.
                let _ = path.parent().map(std::fs::remove_dir);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    Ok(tokio::task::spawn_blocking(work).await??)
}

/// Whole or not at all: the name appears when the bytes are on the disk, and only if nobody has it.
fn put(path: &Path, object: &[u8]) -> std::io::Result<bool> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let partial = folder.join(format!("{PARTIAL}{name}.{}", std::process::id()));
    let mut file = std::fs::File::create(&partial)?;
    let written = file.write_all(object).and_then(|()| file.sync_data());
    let linked = written.and_then(|()| std::fs::hard_link(&partial, path));
    std::fs::remove_file(&partial)?;
    match linked {
        Ok(()) => std::fs::File::open(folder)?.sync_all().map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

fn walk(folder: &Path, above: &str, prefix: &str, found: &mut Vec<Stored>) -> std::io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let key = if above.is_empty() { name.clone() } else { format!("{above}/{name}") };
        let may_lead_there = key.starts_with(prefix) || prefix.starts_with(&format!("{key}/"));
        if !may_lead_there || name.starts_with(PARTIAL) {
            continue;
        }
        let about = entry.metadata()?;
        if about.is_dir() {
            walk(&entry.path(), &key, prefix, found)?;
        } else {
            found.push(Stored { key, bytes: about.len() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_object_is_written_once_and_found_by_prefix() {
        let directory = tempfile::tempdir().unwrap();
        let store = Folder::new(directory.path().join("below"));
        assert!(store.list("").await.unwrap().is_empty());
        assert!(matches!(store.put_new("a/one", Bytes::from_static(b"1")).await, Answer::Stored));
        assert!(matches!(store.put_new("a/one", Bytes::from_static(b"2")).await, Answer::Taken));
        assert!(matches!(store.put_new("ab", Bytes::from_static(b"333")).await, Answer::Stored));
        assert_eq!(store.get("a/one").await.unwrap().unwrap(), "1");
        assert_eq!(store.get("a/two").await.unwrap(), None);
        let keys = |found: Vec<Stored>| found.into_iter().map(|object| object.key).collect::<Vec<_>>();
        assert_eq!(keys(store.list("a").await.unwrap()), ["a/one", "ab"]);
        assert_eq!(keys(store.list("a/").await.unwrap()), ["a/one"]);
        assert_eq!(keys(store.list("a/o").await.unwrap()), ["a/one"]);
        store.delete("a/one").await.unwrap();
        store.delete("a/one").await.unwrap();
        assert_eq!(keys(store.list("").await.unwrap()), ["ab"]);
    }
}
