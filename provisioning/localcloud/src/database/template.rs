//! Servers take seconds of computing to make their system tables, and they are always the same: they are made once for
//! each version, kept in the cache, and copied for each database.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{
    directory::{self, Directory},
    engine::{Engine, Flavour},
    error::Error,
    process,
};
use crate::files;

/// What makes each server another: it gets its own when it starts.
pub(crate) const IDENTITY: &str = "auto.cnf";

/// Where a template is made before it is whole.
const MAKING: &str = ".making";

/// The data directory that new databases of `engine` begin with, made at the first call. One is made at a time; what a
/// killed program left half-made is begun anew.
///
/// # Errors
/// When the cache cannot be written to, or the server does not make its tables.
pub(crate) async fn ensure(cache: &Path, engine: &Engine) -> Result<PathBuf, Error> {
    let parent = cache.join("databases");
    let flavour = match engine.flavour {
        Flavour::MySql => "mysql",
        Flavour::MariaDb => "mariadb",
    };
    let template = parent.join(format!("{flavour}-{}", engine.version));
    if template.is_dir() {
        return Ok(template);
    }
    fs_err::create_dir_all(&parent).map_err(Error::file("create", &parent))?;
    let lock = parent.join(".lock");
    let locked = files::lock(&lock, || {}).await;
    let _alone = locked.map_err(|error| Error::file("lock", &lock)(std::io::Error::other(error)))?;
    if template.is_dir() {
        return Ok(template);
    }
    let making = Directory::new(parent.join(MAKING), &engine.binary);
    directory::remove(&making.path).await?;
    making.lay_out()?;
    making.initialise(engine).await?;
    let data = Directory::data(&making.path);
    let _ = std::fs::remove_file(data.join(IDENTITY));
    fs_err::rename(&data, &template).map_err(Error::file("rename", &data))?;
    directory::remove(&making.path).await?;
    Ok(template)
}

/// Fills the empty directory `data` from `template`; false when it could not be copied.
pub(crate) async fn take(template: &Path, data: &Path) -> bool {
    let mut command: Command = process::bare("/bin/cp");
    // Owners and holes included.
    command.args(["--archive", "--sparse=always", "--reflink=auto", "--no-target-directory"]).arg(template).arg(data);
    command.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_there_is_taken_whole() {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine { flavour: Flavour::MySql, version: "9.7.4".to_owned(), binary: "/nowhere/mysqld".into() };
        assert!(ensure(directory.path(), &engine).await.is_err(), "nothing can make one");
        let template = directory.path().join("databases/mysql-9.7.4");
        std::fs::create_dir(&template).unwrap();
        std::fs::write(template.join("ibdata1"), "tables").unwrap();
        assert_eq!(ensure(directory.path(), &engine).await.unwrap(), template);
        let data = directory.path().join("data");
        std::fs::create_dir(&data).unwrap();
        assert!(take(&template, &data).await);
        assert_eq!(std::fs::read_to_string(data.join("ibdata1")).unwrap(), "tables");
        assert!(!take(&directory.path().join("gone"), &data).await);
    }
}
