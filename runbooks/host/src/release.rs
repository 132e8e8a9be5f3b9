//! Releases on an instance: what they are called, which are there, and which may go. Building the commands only;
//! [`crate::rollout`] runs them.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use crate::about::About;
use crate::command::Command;
use crate::error::Error;
use crate::fit::{Glibc, Machine};
use crate::layout;

/// Hashing a binary on a small instance.
const HASHING: Duration = Duration::from_secs(300);

/// The name of a release: its version and the first twelve hex digits of its binary's SHA-256, so that the same binary
/// is always the same release.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(String);

impl ReleaseId {
    /// The id of a binary. Characters of the version that do not belong into a directory name become dashes.
    #[must_use]
    pub fn new(version: &str, sha256: &str) -> Self {
        let clean = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let version: String = version.trim_start_matches('.').chars().map(clean).collect();
        Self(format!("{version}-{}", &sha256[..sha256.len().min(12)]))
    }

    /// The id of a binary on this machine.
    ///
    /// # Errors
    /// [`Error::Local`] when it cannot be read.
    pub fn of(version: &str, binary: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Local { path: binary.to_owned(), source };
        let (mut hasher, mut block) = (Context::new(&SHA256), vec![0; 256 << 10]);
        let mut file = fs_err::File::open(binary).map_err(unusable)?;
        loop {
            match file.read(&mut block).map_err(unusable)? {
                0 => return Ok(Self::new(version, &hex::encode(hasher.finish()))),
                read => hasher.update(&block[..read]),
            }
        }
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A release that is on the instance.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Release {
    /// Its id, the name of its directory.
    pub id: String,
    /// Whether it is the one in service.
    pub current: bool,
    /// Whether it ever was in service; one that was rejected has not been.
    pub served: bool,
    /// When it last went into service, or was uploaded if it never did.
    pub at: jiff::Timestamp,
    /// What it said of itself when it was tried; nothing if it never was ready.
    pub about: Option<About>,
}

impl Release {
    pub(crate) fn release_id(&self) -> ReleaseId {
        ReleaseId(self.id.clone())
    }
}

/// What an instance looks like before a rollout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// What machine it is.
    pub machine: Machine,
    /// The digest of the set-up done there.
    pub setup: Option<String>,
    /// The release the symlink points to.
    pub current: Option<String>,
    /// SHA-256 of the environment in use.
    pub environment: Option<String>,
    /// Whether the service runs.
    pub active: bool,
    /// Whether a rollout was killed and left something of its trial behind.
    pub unfinished: bool,
    /// The releases, newest first.
    pub releases: Vec<Release>,
}

impl State {
    /// The release that served before the current one.
    #[must_use]
    pub fn previous(&self) -> Option<&Release> {
        self.releases.iter().find(|release| release.served && !release.current)
    }

    /// The release in service.
    #[must_use]
    pub fn current(&self) -> Option<&Release> {
        self.releases.iter().find(|release| release.current)
    }

    /// The release to put back when another one does not serve: the current one, unless nobody ever saw it answer.
    pub(crate) fn last_good(&self) -> Option<&str> {
        let proven = self.current().filter(|current| current.served).or_else(|| self.previous());
        proven.map(|release| release.id.as_str())
    }

    /// What may go: releases that served, beyond the newest `keep`, and rejected ones but for the newest, which may be
    /// tried again without another upload. Never the current one.
    #[must_use]
    pub fn superseded(&self, keep: usize) -> Vec<String> {
        let (served, rejected): (Vec<_>, Vec<_>) =
            self.releases.iter().filter(|release| !release.current).partition(|release| release.served);
        let old = served.into_iter().skip(keep.saturating_sub(1)).chain(rejected.into_iter().skip(1));
        old.map(|release| release.id.clone()).collect()
    }
}

/// Asks for everything in [`State`] at once.
#[must_use]
pub(crate) fn inspect() -> Command {
    Command::script(
        r#"test -e "$1" && echo "setup=$(cat "$1")"
echo "machine=$(uname -m)"
echo "glibc=$(getconf GNU_LIBC_VERSION 2>/dev/null || true)"
test -L "$2" && echo "current=$(basename "$(readlink "$2")")"
test -e "$3" && echo "environment=$(sha256sum <"$3" | cut -d' ' -f1)"
echo "active=$(systemctl is-active "$4" || true)"
if test -e "$6" || systemctl is-active --quiet "$7"; then echo "unfinished=yes"; fi
test -d "$5" || exit 0
for release in "$5"/*/; do
  test -e "$release$4" || continue
  if test -e "$release/served"; then kind=served at="$release/served"; else kind=uploaded at="$release"; fi
  echo "$kind=$(stat -c %Y "$at") $(basename "$release")"
  test -e "$release/about" && echo "about=$(cat "$release/about")"
done
exit 0"#,
    )
    .args([layout::SETUP_STAMP, layout::CURRENT, layout::ENVIRONMENT, layout::SERVICE, layout::RELEASES])
    .args([layout::CANDIDATE_ENVIRONMENT, layout::CANDIDATE])
    .sudo()
}

/// Reads the answer to [`inspect`].
///
/// # Errors
/// [`Error::Answer`] when a line is not what the command prints.
pub(crate) fn parse(address: &str, answer: &str) -> Result<State, Error> {
    let mut state = State::default();
    for line in answer.lines() {
        let strange = || Error::Answer { address: address.to_owned(), what: "its state", answer: line.to_owned() };
        let (key, value) = line.split_once('=').ok_or_else(strange)?;
        match key {
            "setup" => state.setup = Some(value.to_owned()),
            "machine" => state.machine.name = Some(value.to_owned()),
            "glibc" => state.machine.glibc = Glibc::parse(value),
            "current" => state.current = Some(value.to_owned()),
            "environment" => state.environment = Some(value.to_owned()),
            "unfinished" => state.unfinished = true,
            "active" => state.active = value == "active",
            "served" | "uploaded" => {
                let (seconds, id) = value.split_once(' ').ok_or_else(strange)?;
                let at = seconds.parse().ok().and_then(|s| jiff::Timestamp::from_second(s).ok()).ok_or_else(strange)?;
                let (id, served) = (id.to_owned(), key == "served");
                state.releases.push(Release { id, current: false, served, at, about: None });
            }
            // Of the release named last. What an older or newer program wrote there is no reason to fail.
            "about" => state.releases.last_mut().ok_or_else(strange)?.about = About::from_line(value),
            _ => return Err(strange()),
        }
    }
    for release in &mut state.releases {
        release.current = Some(&release.id) == state.current.as_ref();
    }
    state.releases.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
    Ok(state)
}

/// Succeeds when the release is there, whole and signed.
#[must_use]
pub(crate) fn verify(id: &ReleaseId) -> Command {
    Command::new(layout::VERIFY).arg(directory(id)).timeout(HASHING)
}

/// Keeps what a release says of itself beside it.
#[must_use]
pub(crate) fn note(id: &ReleaseId, about: &About) -> Command {
    Command::script(r#"printf '%s\n' "$2" >"$1/about.new"; sync "$1/about.new"; mv -fT "$1/about.new" "$1/about""#)
        .args([directory(id), about.line()])
        .sudo()
}

/// Where the binary is uploaded to.
#[must_use]
pub(crate) fn incoming(id: &ReleaseId) -> String {
    format!("{}/{id}", layout::INCOMING)
}

/// Makes a release of an uploaded binary, with its manifest and the signature under that in base64; it appears whole or
/// not at all.
#[must_use]
pub(crate) fn install(id: &ReleaseId, manifest: &str, signature: &str) -> Command {
    Command::script(
        r#"new="$2/.new-$1"
rm -rf "$new"
install -d -m 0755 "$new"
mv -fT "$3" "$new/$4"
chown root:root "$new/$4"
chmod 0755 "$new/$4"
printf '%s' "$5" >"$new/release.env"
printf '%s' "$6" | base64 -d >"$new/release.env.sig"
chmod 0644 "$new/release.env" "$new/release.env.sig"
sync "$new/$4" "$new/release.env" "$new/release.env.sig" "$new"
rm -rf "$2/$1"
mv -fT "$new" "$2/$1""#,
    )
    .args([id.as_str(), layout::RELEASES, incoming(id).as_str(), layout::SERVICE, manifest, signature])
    .sudo()
}

/// Removes releases, and what uploads that were given up have left.
#[must_use]
pub(crate) fn prune(ids: &[String]) -> Command {
    Command::script(
        r#"find "$1" "$2" -mindepth 1 -maxdepth 1 \( -name '.new-*' -o -path "$1/*" \) -mmin +1440 -exec rm -rf {} +
cd "$2"
shift 2
for release in "$@"; do rm -rf -- "./$release"; done"#,
    )
    .args([layout::INCOMING, layout::RELEASES])
    .args(ids)
    .sudo()
}

fn directory(id: &ReleaseId) -> String {
    format!("{}/{id}", layout::RELEASES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_binary_is_the_same_release() {
        let digest = "0123456789abcdef";
        assert_eq!(ReleaseId::new("1.2.0", digest).as_str(), "1.2.0-0123456789ab");
        assert_eq!(ReleaseId::new("../1 0/x", digest).as_str(), "-1-0-x-0123456789ab", "no way out of the directory");
    }

    #[test]
    fn a_bare_instance_has_nothing() {
        assert_eq!(parse("h:22", "active=inactive\n").unwrap(), State::default());
    }

    #[test]
    fn the_newest_and_the_current_release_stay() {
        let answer = "setup=abc\ncurrent=1.0-b\nenvironment=ff\nactive=active\n\
                      served=100 1.0-a\nserved=200 1.0-b\nserved=500 1.0-e\nserved=300 1.0-c\nserved=400 1.0-d\n\
                      uploaded=600 1.0-x\nuploaded=700 1.0-y\n";
        let state = parse("h:22", answer).unwrap();
        let order: Vec<_> = state.releases.iter().map(|release| release.id.as_str()).collect();
        assert_eq!(order, ["1.0-y", "1.0-x", "1.0-e", "1.0-d", "1.0-c", "1.0-b", "1.0-a"]);
        assert!(state.active && state.releases[5].current);
        assert_eq!(state.previous().unwrap().id, "1.0-e", "a rejected release is nothing to go back to");
        assert_eq!(state.last_good(), Some("1.0-b"));
        assert_eq!(state.superseded(5), ["1.0-x"]);
        assert_eq!(state.superseded(3), ["1.0-c", "1.0-a", "1.0-x"]);
        assert_eq!(state.superseded(1), ["1.0-e", "1.0-d", "1.0-c", "1.0-a", "1.0-x"]);
    }

    #[test]
    fn what_a_release_said_of_itself_is_known_and_a_release_never_seen_to_answer_is_not_gone_back_to() {
        let answer = "current=1.0-b\nactive=active\nserved=100 1.0-a\n\
                      about={\"version\":\"1.0\",\"revision\":null,\"schema_version\":3}\nuploaded=200 1.0-b\nabout=?\n";
        let state = parse("h:22", answer).unwrap();
        assert_eq!(state.last_good(), Some("1.0-a"));
        assert_eq!(state.releases[1].about.as_ref().map(|about| about.schema_version), Some(3));
        assert_eq!(state.current().and_then(|current| current.about.as_ref()), None);
    }

    #[test]
    fn an_answer_that_makes_no_sense_is_refused() {
        for answer in ["nonsense", "served=x 1.0-a", "served=1", "other=1"] {
            assert!(matches!(parse("h:22", answer), Err(Error::Answer { .. })), "{answer}");
        }
    }

    #[test]
    fn commands_are_what_they_were() {
        let id = ReleaseId::new("1.0.0", "0123456789abcdef");
        let all = [inspect(), verify(&id), install(&id, "JEWEL_RELEASE=...", "c2ln"), prune(&["1.0-a".to_owned()])];
        insta::assert_snapshot!(all.map(|command| command.to_string()).join("\n---\n"));
    }
}
