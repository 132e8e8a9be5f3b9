//! From `jewel.toml`, environment and flags to one value that every command reads.
//!
//! clap already folds `JEWEL_*` variables into the flags, so what is left is flags over file over defaults.

mod bundles;
mod diagnostic;
mod environments;
pub mod file;
mod payments;
pub mod template;
mod terms;
mod validate;

use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};

use crate::args::{Global, Target};
use crate::exit::Exit;
use crate::failure::Failure;
use file::File;

/// What this run works on.
#[derive(Clone, Debug)]
pub struct Settings {
    /// AWS or this machine.
    pub target: Target,
    /// The file's content, with the flags applied.
    pub file: File,
    /// Where the file is; relative paths in it start there.
    pub path: PathBuf,
}

impl Settings {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Exit 2 with the line and the key: no file, unknown key, wrong type, a value AWS would refuse.
    pub fn load(global: &Global) -> Result<Self, Failure> {
        let path = &global.config;
        let text = match fs_err::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing(path)),
            Err(error) => return Err(Failure::from_error(Exit::Usage, &error)),
        };
        let file = environments::read(path, &text, global.env.as_deref())?;
        Ok(Self { target: global.target, file, path: path.clone() })
    }

    /// `PROJECT-ENV`, the prefix of every name and what `destroy --confirm` wants typed.
    pub fn name(&self) -> String {
        format!("{}-{}", self.file.project, self.file.env)
    }

    /// A path of the file, seen from the file's folder.
    pub fn beside_file(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or_else(|| Path::new("")).join(path)
    }
}

/// Parses and checks the text of a file.
///
/// # Errors
/// Exit 2, pointing at the line.
pub fn check(path: &Path, text: &str) -> Result<File, Failure> {
    environments::read(path, text, None)
}

/// Where this program keeps its data and its cache (XDG).
#[derive(Clone, Debug)]
pub struct Folders {
    /// The local cloud's state.
    pub data: PathBuf,
    /// The base image, the emulator's environment: can be made again.
    pub cache: PathBuf,
}

impl Folders {
    /// Looks them up.
    ///
    /// # Errors
    /// Exit 2 when there is no home directory.
    pub fn find() -> Result<Self, Failure> {
        let args =
            AppStrategyArgs { top_level_domain: "dev".into(), author: "jewelctl".into(), app_name: "jewelctl".into() };
        let strategy = choose_app_strategy(args).map_err(|error| {
            Failure::from_error(Exit::Usage, &error).hint("set HOME, or XDG_DATA_HOME and XDG_CACHE_HOME")
        })?;
        Ok(Self { data: strategy.data_dir(), cache: strategy.cache_dir() })
    }
}

/// What to say when there is no file.
pub fn missing(path: &Path) -> Failure {
    Failure::new(Exit::Usage, format!("there is no `{}` here", path.display()))
        .hint("run `jewelctl init` to write one with every option explained, or name one with `--config FILE`")
}
