//! What this binary says it is.

use std::sync::LazyLock;

/// The crate's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The source revision, when the build was told (`JEWEL_BUILD_REVISION` at compile time).
pub const REVISION: Option<&str> = option_env!("JEWEL_BUILD_REVISION");

/// `0.1.0`, or `0.1.0 (4f2a91c)` when the revision is known.
pub fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| match REVISION {
        Some(revision) => format!("{VERSION} ({revision})"),
        None => VERSION.to_owned(),
    });
    &TEXT
}
