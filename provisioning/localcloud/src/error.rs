//! Everything that can go wrong with the cloud as a whole, and what to do about it.

use std::{io, path::PathBuf};

/// A failure of the cloud on this machine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not Linux.
    #[error("the local cloud runs real machines and needs Linux; this is {os}")]
    NotLinux {
        /// What it is instead.
        os: &'static str,
    },
    /// Not root.
    #[error("the local cloud runs real machines and needs root")]
    NotRoot,
    /// Commands or abilities are missing.
    #[error("{} missing: {}", if .missing.len() == 1 { "a requirement is" } else { "requirements are" }, .missing.join("; "))]
    Missing {
        /// One line each.
        missing: Vec<String>,
        /// The command that installs them, where there is one.
        install: Option<String>,
    },
    /// A port is held by somebody else.
    #[error("port {port} is taken{}", holder(.by))]
    PortTaken {
        /// Which one.
        port: u16,
        /// Who holds it, if /proc tells.
        by: Option<String>,
    },
    /// Another daemon holds the data directory.
    #[error("another daemon already runs the cloud in {}", .data_dir.display())]
    AlreadyRunning {
        /// Its data directory.
        data_dir: PathBuf,
    },
    /// The daemon ended before it was ready.
    #[error("the daemon stopped before it was ready ({status}); the end of {}:\n{last_lines}", .log.display())]
    DaemonDied {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The end of its log.
        last_lines: String,
    },
    /// A part did not get ready or did not stop in time.
    #[error("{what} within {seconds} s; the end of {}:\n{last_lines}", .log.display())]
    Deadline {
        /// What did not happen, such as "ministack did not answer".
        what: String,
        /// The deadline.
        seconds: u64,
        /// Where to look.
        log: PathBuf,
        /// The end of that log.
        last_lines: String,
    },
    /// The base image could not be made.
    #[error("could not make the base image in {} ({} free): {reason}", .directory.display(), human(.free))]
    Image {
        /// Where it was being made.
        directory: PathBuf,
        /// Free bytes there.
        free: u64,
        /// What the tool said.
        reason: String,
    },
    /// The private Python environment could not be made.
    #[error("could not make the Python environment in {}: {reason}", .directory.display())]
    Python {
        /// Where it was being made.
        directory: PathBuf,
        /// What the tool said.
        reason: String,
    },
    /// The data directory holds something else.
    #[error("{} is not empty and not a local cloud (found `{found}`)", .data_dir.display())]
    NotOurs {
        /// The directory.
        data_dir: PathBuf,
        /// What was found in it.
        found: String,
    },
    /// The private network number of this cloud is in use by another.
    #[error("private network {slot} of this cloud is in use by the cloud in {}", .by.display())]
    SlotTaken {
        /// The number.
        slot: u8,
        /// The data directory of the other.
        by: PathBuf,
    },
    /// No slot (private network number) is left.
    #[error("all 250 private networks of this machine are in use")]
    NoSlot,
    /// A machine is not known or not in a state for this.
    #[error("instance {id}: {reason}")]
    Machine {
        /// Which one.
        id: String,
        /// What is wrong.
        reason: String,
    },
    /// A command failed.
    #[error("`{command}` failed ({status}){}", tail(.stderr))]
    Command {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// What it said on stderr.
        stderr: String,
    },
    /// A file could not be read or written.
    #[error("could not {action} {}", .path.display())]
    File {
        /// Such as "read".
        action: &'static str,
        /// Which one.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A stored file makes no sense.
    #[error("{} is damaged: {reason}", .path.display())]
    Damaged {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The network could not be arranged.
    #[error("could not {action}")]
    Network {
        /// Such as "listen on 127.77.1.10:80".
        action: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Keys or certificates could not be made.
    #[error("could not make {what}: {reason}")]
    Keys {
        /// Such as "the host keys of instance i-1".
        what: String,
        /// Why.
        reason: String,
    },
    /// The daemon answered with a refusal.
    #[error("the local cloud refused {request}: {reason}")]
    Refused {
        /// What was asked.
        request: String,
        /// Its answer.
        reason: String,
    },
    /// A service of the cloud could not start.
    #[error("{service} could not start")]
    Service {
        /// Which one.
        service: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// What the user can do about it, as one sentence, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotLinux { .. } => Some("use `--target aws`, or a Linux machine".into()),
            Self::NotRoot => Some("run it again with sudo".into()),
            Self::Missing { install: Some(command), .. } => {
                Some(format!("`jewelctl doctor --target local --fix` installs them, or by hand: {command}"))
            }
            Self::Missing { install: None, .. } => Some("`jewelctl doctor --target local` says more".into()),
            Self::PortTaken { .. } => Some(
                "stop what holds it; a cloud keeps the ports it was made with, a new one can be given others (0 = any)"
                    .into(),
            ),
            Self::NotOurs { .. } => Some("name an empty or new directory".into()),
            Self::SlotTaken { .. } => Some("reset one of the two with `jewelctl local reset`".into()),
            Self::AlreadyRunning { .. } => Some("`jewelctl local status` says how it is".into()),
            Self::DaemonDied { .. } | Self::Deadline { .. } => {
                Some("run it again: what was done is kept; `jewelctl local status` says what is wrong".into())
            }
            Self::Image { free, .. } if *free < crate::doctor::NEEDED_BYTES => {
                Some("free some disk space there, or name another cache directory, then run it again".into())
            }
            Self::Image { .. } | Self::Python { .. } => {
                Some("check the network and the package mirror, then run it again".into())
            }
            Self::Damaged { .. } => Some("`jewelctl local reset` begins anew (it erases the cloud's data)".into()),
            _ => None,
        }
    }

    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }
}

fn holder(by: &Option<String>) -> String {
    by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default()
}

fn tail(stderr: &str) -> String {
    let said = stderr.trim();
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// Bytes as people say them.
pub(crate) fn human(bytes: &u64) -> String {
    const MEBIBYTE: u64 = 1 << 20;
    match bytes / MEBIBYTE {
        mebibytes @ 0..1024 => format!("{mebibytes} MiB"),
        mebibytes => format!("{}.{} GiB", mebibytes / 1024, (mebibytes % 1024) * 10 / 1024),
    }
}
