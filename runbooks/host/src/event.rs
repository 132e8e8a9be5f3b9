//! What a rollout says while it goes on. A closed list, each a fact that happened.

use serde::Serialize;

/// One step of a rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// This release with this environment is in service already; nothing was done.
    Unchanged {
        /// The release's id.
        release: String,
    },
    /// The instance was prepared: user, directories, units.
    SetUp,
    /// The binary is on its way.
    Uploading {
        /// The release's id.
        release: String,
        /// Bytes that are there.
        sent: u64,
        /// Bytes in all.
        total: u64,
    },
    /// The binary is there and its checksum is right.
    Uploaded {
        /// The release's id.
        release: String,
        /// Its size in bytes.
        size: u64,
        /// Whether it was there before.
        already_there: bool,
    },
    /// The release accepts its environment, and reaches its database.
    Checked {
        /// The release's id.
        release: String,
    },
    /// The release was started beside the one in service.
    Started {
        /// The release's id.
        release: String,
    },
    /// The started release says that it is ready.
    Ready {
        /// The release's id.
        release: String,
        /// Milliseconds since it was started.
        after_ms: u64,
    },
    /// The release answers on the public port.
    Serving {
        /// The release's id.
        release: String,
        /// The one that served before.
        previous: Option<String>,
    },
    /// The release was taken out again and the one before it put back.
    PutBack {
        /// The release that was taken out.
        release: String,
        /// The one that serves again.
        previous: String,
    },
    /// Old releases were removed.
    Pruned {
        /// Their ids.
        releases: Vec<String>,
    },
}
