//! The environment variables read beside the flags' own (those are in `--help`), each in one place.

use std::path::PathBuf;
use std::time::Duration;

/// First port of the local cloud, over `local.port` of the file; 0 picks free ones when the cloud is made.
pub(crate) fn local_port() -> Option<u16> {
    std::env::var("JEWEL_LOCAL_PORT").ok()?.parse().ok()
}

/// How much of AWS's waiting time the local cloud keeps, over `local.time_factor` of the file.
pub(crate) fn local_time_factor() -> Option<f64> {
    std::env::var("JEWEL_LOCAL_TIME_FACTOR").ok()?.parse().ok()
}

/// A `mysqld` to run instead of Debian's MariaDB, over `local.mysqld` of the file.
pub(crate) fn mysqld() -> Option<PathBuf> {
    std::env::var_os("JEWEL_MYSQLD").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// The profile of the AWS CLI to use.
pub(crate) fn aws_profile() -> Option<String> {
    std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty())
}

/// When credentials that were handed over in the environment end: tools that do so say it here, and the SDK does not read
/// it. Says nothing where the credentials come from elsewhere.
pub(crate) fn aws_credentials_end() -> Option<jiff::Timestamp> {
    std::env::var_os("AWS_ACCESS_KEY_ID").filter(|_| aws_profile().is_none())?;
    std::env::var("AWS_CREDENTIAL_EXPIRATION").ok()?.parse().ok()
}

/// Seconds that one attempt of a call to the cloud may take before it is made again.
pub(crate) fn call_timeout() -> Option<Duration> {
    std::env::var("JEWEL_CALL_TIMEOUT").ok()?.parse().ok().filter(|seconds| *seconds > 0).map(Duration::from_secs)
}

/// Log directives (`tracing` syntax), instead of `-vv`.
pub(crate) fn log() -> Option<String> {
    std::env::var("JEWEL_LOG").ok()
}

/// The API's binary, where a command that has no flag for it needs one.
pub(crate) fn api_binary() -> Option<PathBuf> {
    std::env::var_os("JEWEL_API_BINARY").filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Where programs are looked for.
pub(crate) fn search_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

/// What kind of terminal this is.
pub(crate) fn terminal() -> String {
    std::env::var("TERM").unwrap_or_else(|_| "xterm".to_owned())
}

/// Who runs this, for the lock and the records.
pub(crate) fn user() -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .or_else(account)
        .unwrap_or_else(|| "unknown".into())
}

/// The name of the account this process runs as, where nothing in the environment says it (services, containers).
fn account() -> Option<String> {
    let id = std::os::unix::fs::MetadataExt::uid(&fs_err::metadata("/proc/self").ok()?).to_string();
    let accounts = fs_err::read_to_string("/etc/passwd").ok()?;
    let mut fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>());
    fields.find(|fields| fields.get(2) == Some(&id.as_str())).map(|fields| fields[0].to_owned())
}
