//! Files to and from an instance: big ones by SFTP, checked and resumable; small secret ones through standard input.

use std::path::Path;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use russh_sftp::client::SftpSession;
use russh_sftp::protocol::OpenFlags;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::command::Command;
use crate::error::Error;
use crate::ssh::Session;

/// A single SFTP request is answered within this.
const REQUEST_SECONDS: u64 = 30;
/// Hashing or installing a file on a small instance.
const HASHING: Duration = Duration::from_secs(300);
const BLOCK: usize = 256 << 10;

/// What an upload did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// SHA-256 of the file, in hex, computed on both sides.
    pub sha256: String,
    /// Its length in bytes.
    pub size: u64,
    /// How many bytes were already there from an earlier attempt.
    pub resumed_at: u64,
}

/// The SHA-256 of a local file in hex, and its length.
///
/// # Errors
/// [`Error::Local`] when it cannot be read.
pub async fn digest(path: &Path) -> Result<(String, u64), Error> {
    digest_prefix(path, u64::MAX).await
}

impl Session {
    /// Sends a file to `remote`, a path this user may write, with these permission bits.
    ///
    /// The content goes to `remote` + `.part` first. What an interrupted attempt left there is kept when it is really
    /// the beginning of this file. The file appears under its name only when its checksum on the instance is right.
    /// `on_progress` gets (sent, total) in bytes.
    ///
    /// # Errors
    /// [`Error::Checksum`] when the content arrived changed, [`Error::Transfer`] when SFTP fails.
    pub async fn upload(
        &self,
        local: &Path,
        remote: &str,
        mode: u32,
        on_progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<Uploaded, Error> {
        let (sha256, size) = digest(local).await?;
        let part = format!("{remote}.part");
        let sftp = self.sftp().await?;
        let resumed_at = self.resume_point(&sftp, local, &part, size).await?;
        self.send(&sftp, local, &part, resumed_at, size, on_progress).await?;
        let found = self.remote_digest(&part).await?;
        if found != sha256 {
            // Nothing to resume from: the next attempt starts over.
            let _ = sftp.remove_file(&part).await;
            return Err(Error::Checksum { address: self.address().to_owned(), path: part, sent: sha256, found });
        }
        let finish = Command::script(r#"chmod "$3" "$1"; sync "$1"; mv -fT "$1" "$2""#)
            .args([part.as_str(), remote, &format!("{mode:04o}")])
            .timeout(HASHING);
        self.run_ok(&finish).await?;
        Ok(Uploaded { sha256, size, resumed_at })
    }

    /// Fetches `remote`, a file this user may read, into `local` (temp name, then rename) and checks its checksum.
    ///
    /// # Errors
    /// As [`Session::upload`].
    pub async fn download(&self, remote: &str, local: &Path) -> Result<u64, Error> {
        let sftp = self.sftp().await?;
        let part = local.with_added_extension("part");
        let unusable = |source| Error::Local { path: part.clone(), source };
        let mut from = sftp.open(remote).await.map_err(|error| self.transfer("reading", remote, error))?;
        let mut to = fs_err::tokio::File::create(&part).await.map_err(unusable)?;
        tokio::io::copy(&mut from, &mut to).await.map_err(|error| self.transfer("reading", remote, error.into()))?;
        to.sync_all().await.map_err(unusable)?;
        drop(to);
        let (sent, size) = (self.remote_digest(remote).await?, digest(&part).await?);
        if sent != size.0 {
            let path = part.display().to_string();
            return Err(Error::Checksum { address: self.address().to_owned(), path, sent, found: size.0 });
        }
        fs_err::tokio::rename(&part, local).await.map_err(unusable)?;
        Ok(size.1)
    }

    /// Writes a small file that only root may touch, atomically. The content goes through standard input, so that it is
    /// in no argument list and no log. A connection cut in the middle leaves the old file.
    ///
    /// # Errors
    /// [`Error::Command`] when the instance cannot write it.
    pub async fn write_root_file(&self, path: &str, content: &SecretString, mode: u32) -> Result<(), Error> {
        let bytes = content.expose_secret().as_bytes();
        self.run_ok_with_input(&write_root_file(path, bytes.len(), mode), bytes).await?;
        Ok(())
    }

    async fn sftp(&self) -> Result<SftpSession, Error> {
        let opening = "opening the file transfer";
        let channel = self.handle.channel_open_session().await.map_err(|error| self.failed(opening, error))?;
        channel.request_subsystem(true, "sftp").await.map_err(|error| self.failed(opening, error))?;
        let config = russh_sftp::client::Config {
            request_timeout_secs: REQUEST_SECONDS,
            ..russh_sftp::client::Config::default()
        };
        SftpSession::new_with_config(channel.into_stream(), config)
            .await
            .map_err(|error| self.transfer("opening", "the file transfer", error))
    }

    /// How much of `part` is already there and right.
    async fn resume_point(&self, sftp: &SftpSession, local: &Path, part: &str, size: u64) -> Result<u64, Error> {
        let Ok(metadata) = sftp.metadata(part).await else { return Ok(0) };
        let there = metadata.size.unwrap_or(0);
        if there == 0 || there > size {
            return Ok(0);
        }
        let (ours, _) = digest_prefix(local, there).await?;
        Ok(if ours == self.remote_digest(part).await? { there } else { 0 })
    }

    async fn send(
        &self,
        sftp: &SftpSession,
        local: &Path,
        part: &str,
        from: u64,
        size: u64,
        on_progress: &mut (dyn FnMut(u64, u64) + Send),
    ) -> Result<(), Error> {
        let unusable = |source| Error::Local { path: local.to_owned(), source };
        let writing = |error: std::io::Error| self.transfer("writing", part, error.into());
        let flags = OpenFlags::WRITE | OpenFlags::CREATE;
        let flags = if from == 0 { flags | OpenFlags::TRUNCATE } else { flags };
        let mut to = sftp.open_with_flags(part, flags).await.map_err(|error| self.transfer("writing", part, error))?;
        let mut source = fs_err::tokio::File::open(local).await.map_err(unusable)?;
        source.seek(std::io::SeekFrom::Start(from)).await.map_err(unusable)?;
        to.seek(std::io::SeekFrom::Start(from)).await.map_err(writing)?;
        let mut sent = from;
        let mut block = vec![0; BLOCK];
        on_progress(sent, size);
        loop {
            let read = source.read(&mut block).await.map_err(unusable)?;
            if read == 0 {
                break;
            }
            to.write_all(&block[..read]).await.map_err(writing)?;
            sent += read as u64;
            on_progress(sent, size);
        }
        to.close().await.map_err(writing)
    }

    async fn remote_digest(&self, path: &str) -> Result<String, Error> {
        let output = self.run_ok(&Command::new("sha256sum").arg("--").arg(path).timeout(HASHING)).await?;
        let text = output.text();
        // A name with a backslash or line break is announced by a backslash before the digest.
        let digest = text.trim_start_matches('\\').split_whitespace().next().unwrap_or_default();
        if digest.len() == 64 {
            return Ok(digest.to_owned());
        }
        Err(Error::Answer { address: self.address().to_owned(), what: "a checksum", answer: text })
    }

    fn transfer(&self, doing: &'static str, path: &str, source: russh_sftp::client::error::Error) -> Error {
        Error::Transfer { address: self.address().to_owned(), doing, path: path.to_owned(), source: Box::new(source) }
    }
}

/// The command that writes its standard input to `path` as root, and only if exactly `length` bytes came.
pub(crate) fn write_root_file(path: &str, length: usize, mode: u32) -> Command {
    Command::script(
        r#"umask 077
mkdir -p "$(dirname "$1")"
new=$(mktemp "$1.XXXXXX")
trap 'rm -f "$new"' EXIT
cat >"$new"
test "$(stat -c %s "$new")" = "$2" || { echo "the content was cut short" >&2; exit 1; }
chmod "$3" "$new"
sync "$new"
mv -fT "$new" "$1""#,
    )
    .args([path.to_owned(), length.to_string(), format!("{mode:04o}")])
    .sudo()
}

async fn digest_prefix(path: &Path, length: u64) -> Result<(String, u64), Error> {
    let unusable = |source| Error::Local { path: path.to_owned(), source };
    let mut source = fs_err::tokio::File::open(path).await.map_err(unusable)?.take(length);
    let (mut hasher, mut block, mut size) = (Context::new(&SHA256), vec![0; BLOCK], 0);
    loop {
        let read = source.read(&mut block).await.map_err(unusable)?;
        if read == 0 {
            return Ok((hex::encode(hasher.finish()), size));
        }
        hasher.update(&block[..read]);
        size += read as u64;
    }
}
