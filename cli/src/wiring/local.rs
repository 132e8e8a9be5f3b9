//! The local cloud's options.

use std::ffi::OsString;

use jewel_localcloud::Options;

use crate::Run;
use crate::args::Target;
use crate::environment;
use crate::failure::Failure;
use crate::settings::file::Local;
use crate::settings::{Folders, Settings};

/// What the cloud on this machine is started with. A missing `jewel.toml` means the defaults: the cloud can run
/// without a shop.
pub(crate) fn local_options(run: &Run) -> Result<Options, Failure> {
    let folders = Folders::find()?;
    let (local, region) = if run.global.config.exists() {
        let settings = Settings::load(&run.global)?;
        (settings.file.local, settings.file.region)
    } else {
        (Local::default(), "ap-southeast-1".into())
    };
    let program = std::env::current_exe()?;
    let mut daemon_command: Vec<OsString> = vec![program.into(), "local".into(), "daemon".into()];
    if run.global.config.exists() {
        daemon_command.push("--config".into());
        daemon_command.push(fs_err::canonicalize(&run.global.config)?.into());
    }
    Ok(Options {
        data_dir: folders.data.join("local"),
        cache_dir: folders.cache,
        port: environment::local_port().unwrap_or(local.port),
        time_factor: environment::local_time_factor().unwrap_or(local.time_factor),
        region,
        mysqld: environment::mysqld().or(local.mysqld),
        daemon_command,
    })
}

/// The running local cloud, when it is the target.
pub(super) async fn running(run: &Run) -> Result<Option<jewel_localcloud::Endpoints>, Failure> {
    if run.global.target != Target::Local {
        return Ok(None);
    }
    let options = local_options(run)?;
    match jewel_localcloud::endpoints(&options).await? {
        Some(endpoints) => Ok(Some(endpoints)),
        None => Err(Failure::new(crate::exit::Exit::Failed, "the local cloud does not run").hint(
            "`jewelctl local up` brings it back as it was; `jewelctl up --target local` brings the whole shop up",
        )),
    }
}
