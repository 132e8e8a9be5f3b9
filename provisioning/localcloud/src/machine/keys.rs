//! SSH keys: the authority that signs logins, the keys by which machines prove themselves, and one-hour certificates.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use fs_err as fs;
use jiff::{SignedDuration, Timestamp};

use super::{Access, HostKey};
use crate::{error::Error, files, process};

const DEADLINE: Duration = Duration::from_secs(20);
const VALID: SignedDuration = SignedDuration::from_hours(1);
const ALGORITHMS: [&str; 2] = ["ed25519", "ecdsa"];
const HOST_KEYS: &str = "host_keys.json";
const SCRATCH: &str = ".keys-";

/// Makes the authority's key at `path` (and `.pub`) unless it is there.
pub(super) async fn ensure_authority(path: &Path) -> Result<(), Error> {
    remove_scratch(path.parent().unwrap_or(path))?;
    if path.exists() && path.with_extension("pub").exists() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(path);
    files::private_dir(parent)?;
    let scratch = scratch(parent)?;
    let made = scratch.path().join("key");
    generate(&made, "ed25519", "local cloud logins").await?;
    // The private half last: it is what we look for.
    copy(&made.with_extension("pub"), &path.with_extension("pub"), false)?;
    copy(&made, path, true)
}

/// Tells the machine in `root` whom to let in.
pub(super) fn install_authority(root: &Path, authority: &Path) -> Result<(), Error> {
    copy(&authority.with_extension("pub"), &root.join("etc/ssh/user_ca.pub"), false)
}

/// Makes the host keys of the machine in `root` and remembers their public halves in the instance `directory`.
pub(super) async fn install_host_keys(root: &Path, directory: &Path, hostname: &str) -> Result<(), Error> {
    remove_scratch(directory)?;
    let scratch = scratch(directory)?;
    for algorithm in ALGORITHMS {
        let made = scratch.path().join(algorithm);
        generate(&made, algorithm, &format!("root@{hostname}")).await?;
        let installed = host_key(root, algorithm);
        copy(&made.with_extension("pub"), &installed.with_extension("pub"), false)?;
        copy(&made, &installed, true)?;
    }
    witness_host_keys(root, directory).await
}

/// Remembers the public halves of the host keys that the machine in `root` has, in the instance `directory`.
pub(super) async fn witness_host_keys(root: &Path, directory: &Path) -> Result<(), Error> {
    let now = Timestamp::now();
    let mut known = Vec::new();
    for algorithm in ALGORITHMS {
        let public = host_key(root, algorithm).with_extension("pub");
        let line = fs::read_to_string(&public).map_err(Error::file("read", &public))?;
        let mut words = line.split_whitespace();
        known.push(HostKey {
            algorithm: words.next().unwrap_or_default().to_owned(),
            public_key: words.next().unwrap_or_default().to_owned(),
            fingerprint_sha1: fingerprint(&public, "sha1").await?,
            fingerprint_sha256: fingerprint(&public, "sha256").await?,
            witnessed_at: now,
            not_valid_before: now,
            not_valid_after: now + SignedDuration::from_hours(24 * 365 * 30),
        });
    }
    files::write_json(&directory.join(HOST_KEYS), &known)
}

fn host_key(root: &Path, algorithm: &str) -> PathBuf {
    root.join("etc/ssh").join(format!("ssh_host_{algorithm}_key"))
}

/// The host keys of the machine in the instance `directory`.
pub(super) fn read_host_keys(directory: &Path) -> Result<Vec<HostKey>, Error> {
    let path = directory.join(HOST_KEYS);
    files::read_json(&path)?.ok_or_else(|| Error::Damaged { path, reason: "it is missing".into() })
}

/// A fresh key pair for `user`, certified by `authority` for the next hour.
pub(super) async fn access(authority: &Path, user: &str, id: &str, host_keys: Vec<HostKey>) -> Result<Access, Error> {
    let scratch = scratch(authority.parent().unwrap_or(authority))?;
    let key = scratch.path().join("key");
    generate(&key, "ed25519", user).await?;
    let expires_at = Timestamp::now() + VALID;
    let (authority_argument, key_argument) = (authority.to_string_lossy(), key.with_extension("pub"));
    // Five minutes back, for machines whose clock is a little late.
    let validity = format!("-5m:+{}s", VALID.as_secs());
    let key_argument = key_argument.to_string_lossy();
    let arguments = ["-q", "-s", &authority_argument, "-I", id, "-n", user, "-V", &validity, &key_argument];
    process::run("ssh-keygen", arguments, DEADLINE).await?;
    let read = |path: &Path| fs::read_to_string(path).map_err(Error::file("read", path));
    Ok(Access {
        user: user.to_owned(),
        private_key: read(&key)?.into(),
        certificate: read(&scratch.path().join("key-cert.pub"))?.trim().to_owned(),
        expires_at,
        host_keys,
    })
}

async fn generate(path: &Path, algorithm: &str, comment: &str) -> Result<(), Error> {
    let file = path.to_string_lossy();
    let arguments = ["-q", "-t", algorithm, "-N", "", "-C", comment, "-f", &file];
    process::run("ssh-keygen", arguments, DEADLINE).await.map(drop)
}

/// The second word of `256 SHA256:... comment (ED25519)`.
async fn fingerprint(public: &Path, hash: &str) -> Result<String, Error> {
    let file = public.to_string_lossy();
    let output = process::run("ssh-keygen", ["-l", "-E", hash, "-f", &file], DEADLINE).await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().nth(1).map(str::to_owned).ok_or_else(|| Error::Keys {
        what: format!("the fingerprint of {}", public.display()),
        reason: format!("ssh-keygen said `{}`", text.trim()),
    })
}

/// Removes the directories of [`scratch`] that a killed run left, with the private keys in them.
fn remove_scratch(parent: &Path) -> Result<(), Error> {
    let Ok(entries) = fs::read_dir(parent) else { return Ok(()) };
    for entry in entries.filter_map(Result::ok) {
        if entry.file_name().to_string_lossy().starts_with(SCRATCH) {
            files::remove_tree(&entry.path())?;
        }
    }
    Ok(())
}

/// A directory closed to others that goes away with the returned value.
fn scratch(parent: &Path) -> Result<tempfile::TempDir, Error> {
    tempfile::Builder::new().prefix(SCRATCH).tempdir_in(parent).map_err(Error::file("make a directory in", parent))
}

fn copy(from: &Path, to: &Path, private: bool) -> Result<(), Error> {
    let bytes = fs::read(from).map_err(Error::file("read", from))?;
    if private { files::write_private(to, &bytes) } else { files::write_public(to, &bytes) }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[tokio::test]
    async fn a_login_is_certified_by_the_authority_for_one_user_and_one_hour() {
        let dir = tempfile::tempdir().unwrap();
        let authority = dir.path().join("keys/user_ca");
        ensure_authority(&authority).await.unwrap();
        let before = fs::read(&authority).unwrap();
        std::fs::create_dir(dir.path().join("keys/.keys-of-a-killed-run")).unwrap();
        ensure_authority(&authority).await.unwrap();
        assert_eq!(before, fs::read(&authority).unwrap(), "made once");

        let access = access(&authority, "ubuntu", "i-1", Vec::new()).await.unwrap();
        assert!(access.private_key.expose_secret().starts_with("-----BEGIN OPENSSH PRIVATE KEY-----"));
        assert!(access.certificate.starts_with("ssh-ed25519-cert-v01@openssh.com "));
        let left = access.expires_at.duration_since(Timestamp::now());
        assert!(left > SignedDuration::from_mins(59) && left <= VALID);

        let file = dir.path().join("shown-cert.pub");
        fs::write(&file, &access.certificate).unwrap();
        let shown = process::run("ssh-keygen", ["-L", "-f", file.to_str().unwrap()], DEADLINE).await.unwrap();
        let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert!(shown.contains("Key ID: \"i-1\"") && shown.contains("                ubuntu\n"), "{shown}");
        let names: Vec<_> =
            fs::read_dir(authority.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names.len(), 2, "no key stays behind: {names:?}");
    }

    #[tokio::test]
    async fn host_keys_are_remembered_as_installed() {
        let root = tempfile::tempdir().unwrap();
        let directory = tempfile::tempdir().unwrap();
        install_host_keys(root.path(), directory.path(), "shop").await.unwrap();
        let known = read_host_keys(directory.path()).unwrap();
        let algorithms: Vec<_> = known.iter().map(|k| k.algorithm.as_str()).collect();
        assert_eq!(algorithms, ["ssh-ed25519", "ecdsa-sha2-nistp256"]);
        let line = fs::read_to_string(root.path().join("etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
        assert!(line.contains(&known[0].public_key));
        assert!(known[0].fingerprint_sha256.starts_with("SHA256:") && known[0].fingerprint_sha1.starts_with("SHA1:"));
    }
}
