//! Migrations read from files, for lint and for a schema other than the one compiled in.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::embedded::Migration;

/// Why files cannot be taken for migrations.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilesError {
    /// A file or folder is not there.
    #[error("there is no {}", path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// A file or folder cannot be read.
    #[error("could not read {}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A file's name does not say where it belongs.
    #[error("{} is not named as a migration: NNNN_what_it_does.sql", path.display())]
    Name {
        /// Which.
        path: PathBuf,
    },
    /// Two files have one number.
    #[error("{} and {} have the same number", one.display(), other.display())]
    SameVersion {
        /// One.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A folder has no migrations.
    #[error("{} has no file named NNNN_what_it_does.sql", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
}

/// Reads every `.sql` file of a folder, in ascending order of version.
///
/// # Errors
/// When the folder or a file cannot be read, has no number or one that is taken, or when there is none.
pub fn read_folder(folder: &Path) -> Result<Vec<Migration>, FilesError> {
    let unreadable = |source| unreadable(folder, source);
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            paths.push(path);
        }
    }
    if paths.is_empty() {
        return Err(FilesError::Empty { path: folder.to_owned() });
    }
    read_files(&paths)
}

/// Reads these files, in ascending order of version.
///
/// # Errors
/// When a file cannot be read, has no number, or one that is taken.
pub fn read_files(paths: &[PathBuf]) -> Result<Vec<Migration>, FilesError> {
    let mut read: Vec<(Migration, &PathBuf)> = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (version, name) = name
            .strip_suffix(".sql")
            .and_then(|stem| stem.split_once('_'))
            .and_then(|(number, name)| Some((number.parse().ok()?, name.to_owned())))
            .ok_or_else(|| FilesError::Name { path: path.clone() })?;
        if let Some((_, one)) = read.iter().find(|(other, _)| other.version == version) {
            return Err(FilesError::SameVersion { one: (*one).clone(), other: path.clone() });
        }
        read.push((Migration { version, name: name.into(), sql: text.into() }, path));
    }
    read.sort_by_key(|(migration, _)| migration.version);
    Ok(read.into_iter().map(|(migration, _)| migration).collect())
}

fn unreadable(path: &Path, source: io::Error) -> FilesError {
    let path = path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound => FilesError::Missing { path },
        _ => FilesError::Unreadable { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedded;

    #[test]
    fn our_own_folder_is_what_is_compiled_in() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
        assert_eq!(read_folder(&folder).unwrap(), embedded());
    }

    #[test]
    fn files_that_are_no_migrations_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| std::fs::write(folder.path().join(name), "SELECT 1;").unwrap();
        assert!(matches!(read_folder(folder.path()), Err(FilesError::Empty { .. })));
        write("0001_one.sql");
        write("notes.txt");
        assert_eq!(read_folder(folder.path()).unwrap()[0].name, "one");
        write("1_other.sql");
        assert!(matches!(read_folder(folder.path()), Err(FilesError::SameVersion { .. })));
        write("two.sql");
        let error = read_files(&[folder.path().join("two.sql")]).unwrap_err().to_string();
        assert!(error.ends_with("two.sql is not named as a migration: NNNN_what_it_does.sql"), "{error}");
        let missing = folder.path().join("missing");
        assert!(matches!(read_folder(&missing), Err(FilesError::Missing { .. })));
        assert!(matches!(read_files(&[missing]), Err(FilesError::Missing { .. })), "whatever it is called");
        assert!(matches!(read_files(&[folder.path().to_owned()]), Err(FilesError::Unreadable { .. })));
    }
}
