//! The state file: written whole, atomically, after every change and before anything is done about it.
//!
//! Knows the state only as something that can be copied and written.

use std::{
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use super::{fault::Fault, state::State};

/// The state, in memory and on disk.
pub(crate) struct Store {
    path: PathBuf,
    current: Arc<RwLock<Arc<State>>>,
    writing: Arc<tokio::sync::Mutex<()>>,
}

impl Store {
    /// Reads the file; a missing one is an empty state.
    ///
    /// # Errors
    /// When it is there and cannot be read, or makes no sense ([`io::ErrorKind::InvalidData`]).
    pub(crate) fn open(path: PathBuf) -> io::Result<Self> {
        let state = match fs_err::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(error) => return Err(error),
        };
        Ok(Self { path, current: Arc::new(RwLock::new(Arc::new(state))), writing: Arc::default() })
    }

    /// The state as it is now; later changes do not show in it.
    pub(crate) fn now(&self) -> Arc<State> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state. When `change` refuses, or the file cannot be written, nothing has changed.
    ///
    /// Whoever stops waiting does not stop the writing: disk and memory change together or not at all, one at a time.
    pub(crate) async fn change<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Fault>) -> Result<T, Fault> {
        let alone = self.writing.clone().lock_owned().await;
        let mut next = State::clone(&self.now());
        let answer = change(&mut next)?;
        let failed = |error: &dyn std::fmt::Display| Fault::service(format!("The state could not be written: {error}"));
        let bytes = serde_json::to_vec_pretty(&next).map_err(|error| failed(&error))?;
        let (path, current) = (self.path.clone(), self.current.clone());
        let written = tokio::task::spawn_blocking(move || {
            replace(&path, &bytes)?;
            *current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
            drop(alone);
            Ok(())
        });
        let written: io::Result<()> = written.await.map_err(|error| failed(&error))?;
        written.map_err(|error| failed(&error))?;
        Ok(answer)
    }
}

/// Puts `bytes` in place of the file, so that a reader or a crash at any moment sees the old or the new, whole.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("/"));
    let temporary = path.with_extension("json.new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs_err::rename(&temporary, path)?;
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set_host(state: &mut State) -> Result<(), Fault> {
        state.last_public_host = 12;
        Ok(())
    }

    #[tokio::test]
    async fn a_change_survives_and_a_refused_one_leaves_no_trace() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lightsail.json");
        let store = Store::open(path.clone()).unwrap();
        store.change(set_host).await.unwrap();
        let refused = store
            .change(|state| {
                state.last_public_host = 99;
                Err::<(), _>(Fault::failed("no"))
            })
            .await;
        assert!(refused.is_err());
        assert_eq!(store.now().last_public_host, 12);
        assert_eq!(Store::open(path.clone()).unwrap().now().last_public_host, 12);
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_damaged_file_is_an_error_not_an_empty_cloud() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lightsail.json");
        std::fs::write(&path, "{\"instances\": [").unwrap();
        assert_eq!(Store::open(path).err().unwrap().kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn a_state_that_cannot_be_written_is_not_changed() {
        let directory = tempfile::tempdir().unwrap();
        let store = Store::open(directory.path().join("gone").join("lightsail.json")).unwrap();
        assert!(store.change(set_host).await.is_err());
        assert_eq!(store.now().last_public_host, 0);
    }
}
