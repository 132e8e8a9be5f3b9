//! What the cloud says while it starts, stops or is erased.

use serde::Serialize;

/// One piece of progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Another run is preparing the same thing; waiting for it.
    Waiting {
        /// For what, such as "the base image".
        what: &'static str,
    },
    /// The base image is being made; once per machine, about a minute.
    ImageStarted {
        /// Debian's code name.
        codename: String,
    },
    /// What the making of the image is at.
    ImageProgress {
        /// One line.
        line: String,
    },
    /// The base image is there.
    ImageReady,
    /// The Python environment for ministack is being made; once per machine.
    PythonStarted,
    /// What the making of the environment is at.
    PythonProgress {
        /// One line.
        line: String,
    },
    /// The environment is there.
    PythonReady,
    /// System packages are being installed.
    PackagesStarted {
        /// Their names.
        packages: Vec<String>,
    },
    /// What the installation is at.
    PackagesProgress {
        /// One line.
        line: String,
    },
    /// The packages are there.
    PackagesReady,
    /// The daemon was started and is on its way.
    DaemonStarted {
        /// Its process id.
        pid: u32,
    },
    /// It answers; instances and databases that ran before are coming back.
    Settling {
        /// What is not there yet, such as `instances: 0 of 1 running`.
        what: String,
    },
    /// It runs and answers.
    Ready {
        /// Where its AWS services answer.
        gateway: String,
        /// Whether it was running already.
        already: bool,
    },
    /// Instances and databases are being shut down.
    Stopping,
    /// Nothing of the cloud runs.
    Stopped,
    /// The cloud's data is being erased.
    Erasing,
    /// It is gone.
    Erased,
}
