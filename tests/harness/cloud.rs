//! One local cloud for a test run, on ports of its own, gone at the end.

use std::path::{Path, PathBuf};

use crate::{Answer, Jewelctl};

/// The cloud, a home for its data, and a folder for a shop's file.
#[derive(Debug)]
pub struct Cloud {
    home: tempfile::TempDir,
    cache: PathBuf,
}

impl Cloud {
    /// Makes the place; nothing runs yet. The base image is cached between runs.
    pub fn new() -> Self {
        let home = tempfile::Builder::new().prefix("jewel-tests-").tempdir().expect("a temporary folder");
        let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).unwrap_or_else(|| {
            PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/root".into())).join(".cache")
        });
        Self { home, cache }
    }

    /// Where the shop's file is.
    pub fn folder(&self) -> &Path {
        self.home.path()
    }

    /// What is cached between runs.
    pub fn cache(&self) -> &Path {
        &self.cache
    }

    /// `jewelctl ARGS…` against this cloud.
    pub fn command(&self, args: &[&str]) -> Jewelctl {
        Jewelctl::new(self.folder(), self.home.path(), args)
            .env("XDG_DATA_HOME", self.home.path().join("data"))
            .env("XDG_CACHE_HOME", &self.cache)
            .env("JEWEL_LOCAL_PORT", "0")
            .env("JEWEL_TARGET", "local")
    }

    /// What `jewelctl local env` prints: how anything finds this cloud.
    pub fn variables(&self) -> Vec<(String, String)> {
        let answer = self.run(&["local", "env", "--json"]).expect(0).json();
        let object = answer.as_object().expect("an object of variables");
        object.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect()
    }

    /// Runs it to its end.
    pub fn run(&self, args: &[&str]) -> Answer {
        self.command(args).run()
    }
}

impl Default for Cloud {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        // Machines and mounts live under the folder: they must be gone before it is.
        let answer = self.run(&["local", "reset", "--yes"]);
        if answer.code != 0 {
            eprintln!("the test's cloud could not be removed:\n{}", answer.stderr);
        }
    }
}
