//! MySQL takes seconds of computing to make its system tables, and they are always the same: what one database was given
//! is kept in the cache, by version, for the next. MariaDB is quick enough without.

use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{
    engine::{Engine, Flavour},
    process,
};

/// What makes each server another: it gets its own when it starts.
const IDENTITY: &str = "auto.cnf";

/// Where the data directory of a new database of `engine` is kept; none where it is not.
pub(crate) fn path(cache: &Path, engine: &Engine) -> Option<PathBuf> {
    match engine.flavour {
        Flavour::MySql => Some(cache.join("databases").join(format!("mysql-{}", engine.version))),
        Flavour::MariaDb => None,
    }
}

/// Fills the empty directory `data` from `template`; false when there is none, or it could not be copied.
pub(crate) async fn take(template: &Path, data: &Path) -> bool {
    template.is_dir() && copy(template, data).await
}

/// Keeps a copy of `data`, made before any server ran on it. A cache that cannot be written to is only a loss of time.
pub(crate) async fn keep(data: &Path, template: &Path) {
    let Some(parent) = template.parent() else { return };
    let Ok(()) = fs_err::tokio::create_dir_all(parent).await else { return };
    // In a directory of this moment's own, so that two clouds do not write into one another.
    let Ok(aside) = tempfile::Builder::new().prefix(".making-").tempdir_in(parent) else { return };
    let made = aside.path().join("data");
    if fs_err::create_dir(&made).is_ok() && copy(data, &made).await {
        let _ = std::fs::remove_file(made.join(IDENTITY));
        // Another cloud may have been first.
        let _ = std::fs::rename(&made, template);
    }
}

/// Copies what is in `from` into `to`, owners and holes included.
async fn copy(from: &Path, to: &Path) -> bool {
    let mut command: Command = process::bare("/bin/cp");
    command.args(["--archive", "--sparse=always", "--reflink=auto", "--no-target-directory"]).arg(from).arg(to);
    command.kill_on_drop(true).status().await.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_is_taken_without_its_identity() {
        let directory = tempfile::tempdir().unwrap();
        let [data, next] = ["data", "next"].map(|name| directory.path().join(name));
        for path in [&data, &next] {
            std::fs::create_dir(path).unwrap();
        }
        std::fs::write(data.join("ibdata1"), "tables").unwrap();
        std::fs::write(data.join(IDENTITY), "uuid").unwrap();
        let template = directory.path().join("cache/databases/mysql-9.7.4");
        assert!(!take(&template, &next).await);
        keep(&data, &template).await;
        assert!(take(&template, &next).await);
        assert_eq!(std::fs::read_to_string(next.join("ibdata1")).unwrap(), "tables");
        assert!(!next.join(IDENTITY).exists());
    }
}
