//! What must be true before anything else is tried.

use std::path::PathBuf;

use crate::{doctor, error::Error, options::Options};

/// Linux and root, said in one clear line where it is not so.
pub(super) fn root_on_linux() -> Result<(), Error> {
    if !cfg!(target_os = "linux") {
        return Err(Error::NotLinux { os: if cfg!(target_os = "macos") { "macOS" } else { "something else" } });
    }
    if !nix::unistd::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    Ok(())
}

/// Everything the cloud needs from this machine, all that is missing in one error.
pub(super) async fn requirements(options: &Options) -> Result<(), Error> {
    let checks = doctor::check_requirements(options).await;
    let missing: Vec<String> = checks.iter().filter(|c| !c.ok).map(|c| format!("{} ({})", c.name, c.detail)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Missing { missing, install: doctor::install_command(&checks).map(|words| words.join(" ")) })
}

/// The same options with paths that mean the same in every working directory.
pub(super) fn absolute(options: &Options) -> Result<Options, Error> {
    let absolute = |path: &PathBuf| std::path::absolute(path).map_err(Error::file("find", path));
    Ok(Options {
        data_dir: absolute(&options.data_dir)?,
        cache_dir: absolute(&options.cache_dir)?,
        mysqld: options.mysqld.as_ref().map(absolute).transpose()?,
        ..options.clone()
    })
}
