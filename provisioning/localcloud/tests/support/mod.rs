//! What these tests share.

use std::path::PathBuf;

/// The program's own cache: the base image is made once for all tests.
pub(crate) fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("jewelctl")
}
