//! Logs of the libraries, on standard error, only when asked for: `-vv`, or `JEWEL_LOG`.

use tracing_subscriber::EnvFilter;

/// Turns them on.
pub(crate) fn init(verbose: u8) {
    let filter = match crate::environment::log() {
        Some(directives) => EnvFilter::new(directives),
        None if verbose >= 3 => EnvFilter::new("debug"),
        None if verbose == 2 => EnvFilter::new("jewel=debug,jewelctl=debug,info"),
        None => return,
    };
    // A second initialisation (tests in one process) keeps the first.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}
