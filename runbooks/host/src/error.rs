//! What can go wrong between here and an instance, each with the address, path or command it happened to.

use std::path::PathBuf;
use std::time::Duration;

/// A failure to reach an instance or to do something on it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The access details cannot be used as they were given.
    #[error("the {what} given for ssh to {address} cannot be read: {reason}")]
    Access {
        /// The instance's `host:port`.
        address: String,
        /// Which part: private key, certificate, host key.
        what: &'static str,
        /// Why, without any of the key's content.
        reason: String,
    },
    /// The server showed a key that is not among those pinned for it.
    #[error("{address} showed the host key {presented}, but only {} would be the right one", pinned.join(" or "))]
    HostKey {
        /// The instance's `host:port`.
        address: String,
        /// Fingerprint of the key that was shown, `SHA256:...`.
        presented: String,
        /// Fingerprints of the pinned keys.
        pinned: Vec<String>,
    },
    /// Nothing that speaks SSH answered within the deadline.
    #[error("no ssh server answered at {address} within {}", seconds(*waited))]
    Unreachable {
        /// The instance's `host:port`.
        address: String,
        /// How long was tried.
        waited: Duration,
        /// What the last attempt ran into.
        #[source]
        source: Option<Box<russh::Error>>,
    },
    /// The server is there but does not let us in.
    #[error("{address} did not accept the certificate for user {user}")]
    Denied {
        /// The instance's `host:port`.
        address: String,
        /// The user name tried.
        user: String,
    },
    /// The SSH connection failed while something was being done.
    #[error("the ssh connection to {address} failed while {doing}")]
    Connection {
        /// The instance's `host:port`.
        address: String,
        /// What was being done.
        doing: String,
        /// What the SSH library says.
        #[source]
        source: Box<russh::Error>,
    },
    /// The connection ended before the answer was there.
    #[error("the ssh connection to {address} ended while {doing}")]
    Ended {
        /// The instance's `host:port`.
        address: String,
        /// What was being done.
        doing: String,
    },
    /// It took longer than it may.
    #[error("{doing} on {address} did not finish within {}", seconds(*after))]
    Deadline {
        /// The instance's `host:port`.
        address: String,
        /// What was being done.
        doing: String,
        /// The deadline.
        after: Duration,
    },
    /// A command ended with another status than 0.
    #[error("`{command}` on {address} ended with {status}{}", tail(last_lines))]
    Command {
        /// The instance's `host:port`.
        address: String,
        /// The command, shortened.
        command: String,
        /// Exit code or signal.
        status: crate::exec::Status,
        /// The last lines it printed, standard error first of all.
        last_lines: Vec<String>,
    },
    /// A command printed more than can be kept in memory.
    #[error("`{command}` on {address} printed more than {limit} bytes")]
    TooMuchOutput {
        /// The instance's `host:port`.
        address: String,
        /// The command, shortened.
        command: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// SFTP refused something.
    #[error("{doing} {path} on {address} failed")]
    Transfer {
        /// The instance's `host:port`.
        address: String,
        /// "writing", "reading", ...
        doing: &'static str,
        /// The path on the instance.
        path: String,
        /// What the SFTP library says.
        #[source]
        source: Box<russh_sftp::client::error::Error>,
    },
    /// What arrived is not what was sent.
    #[error("{path} on {address} has the sha-256 {found}, sent was {sent}")]
    Checksum {
        /// The instance's `host:port`.
        address: String,
        /// The path on the instance.
        path: String,
        /// Digest of the file on this side.
        sent: String,
        /// Digest of the file on the instance.
        found: String,
    },
    /// A file on this side cannot be read or written.
    #[error("{} cannot be used", path.display())]
    Local {
        /// The path on this side.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The binary cannot run on the instance; it was not sent.
    #[error("{} cannot run on {instance}: {reason}", path.display())]
    Unfit {
        /// The binary on this side.
        path: PathBuf,
        /// The instance's name.
        instance: String,
        /// What it is and what the instance is.
        reason: String,
    },
    /// Releases cannot be signed.
    #[error("the key that releases are signed with cannot be used: {reason}")]
    Signing {
        /// Why, without any of the key's content.
        reason: &'static str,
    },
    /// The local end of a tunnel cannot listen.
    #[error("no local port could be opened for the tunnel to {target}")]
    Listen {
        /// Where the tunnel leads.
        target: String,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// A value that cannot be written into an environment file.
    #[error("the environment variable {name} cannot be written to the service's environment: {reason}")]
    Environment {
        /// The variable's name (never its value).
        name: String,
        /// Why.
        reason: &'static str,
    },
    /// The release does not fit or cannot be started; the one before it goes on serving.
    #[error("release {release} was not put into service: {reason}{}", tail(last_lines))]
    Release {
        /// The release's id.
        release: String,
        /// What stopped it.
        reason: String,
        /// The last lines of its log.
        last_lines: Vec<String>,
    },
    /// The service did not come back after a rejected release was taken out again.
    #[error(
        "after release {release} was rejected ({reason}), {previous} could not be put back into service{}",
        tail(last_lines)
    )]
    NotRestored {
        /// The release that was tried.
        release: String,
        /// The one that served before.
        previous: String,
        /// Why the new one was rejected.
        reason: String,
        /// The last lines of the service's log.
        last_lines: Vec<String>,
    },
    /// The instance answered something that cannot be understood.
    #[error("{address} answered {what} in a form that cannot be understood: {answer}")]
    Answer {
        /// The instance's `host:port`.
        address: String,
        /// What was asked for.
        what: &'static str,
        /// The answer, shortened.
        answer: String,
    },
}

impl Error {
    /// What to try next, where there is something to try.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::HostKey { .. } => Some(
                "somebody may be answering in the instance's place; compare the fingerprints with those the cloud lists for it",
            ),
            Self::Unreachable { .. } => {
                Some("see that the instance is running and that port 22 is open for this address")
            }
            Self::Denied { .. } => Some("the temporary key may have expired; run the command again for a new one"),
            Self::Unfit { .. } => Some(
                "nothing was changed; build it for the instance's machine and on a system as old, or for an older glibc",
            ),
            Self::Listen { .. } => Some("another program may have that port; choose one with `--port`"),
            Self::Release { .. } => Some("the release before it is still serving; mend the new one and deploy again"),
            Self::NotRestored { .. } => Some("the shop's API is down; deploy a release that is known to work"),
            _ => None,
        }
    }
}

fn seconds(duration: Duration) -> String {
    format!("{} s", duration.as_secs_f64().round())
}

fn tail(lines: &[String]) -> String {
    if lines.is_empty() { String::new() } else { format!("; its last lines:\n  {}", lines.join("\n  ")) }
}
