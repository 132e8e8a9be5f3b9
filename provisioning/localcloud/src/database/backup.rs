//! Automatic backups: copies of the data of a running server, and its binary log, carried off as it grows.
//!
//! Under a database's backup directory: `base-<milliseconds>` with `data` and `base.json`, a copy and the point of the
//! binary log it is a copy of; `binlog`, the files of the log up to where `carried.json` says. A copy and the log after
//! its point make every state since. What is in the directory is always usable: copies are renamed into it, and what
//! was appended to the log counts once `carried.json` says so.

use std::{
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::PoisonError,
};

use fs_err as fs;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Databases, admin, directory::Directory, error::Error};
use crate::{
    copies::{self, Making},
    files,
};

/// How long backups are kept, as on Lightsail.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How old the newest copy may get.
const COPY_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// The beginning of a copy's name.
const BASE: &str = "base-";

/// The length of what a binary log begins with.
const MAGIC: u64 = 4;
/// The length of an event's header; the event's own length is in its tenth to thirteenth byte ("Binary Log Event Header"
/// in MySQL's internals manual).
const HEADER: usize = 19;

/// A point of a binary log, between two transactions. Earlier ones are less: servers number their files with leading
/// zeros.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position {
    /// A file name.
    pub(crate) file: String,
    /// Bytes.
    pub(crate) offset: u64,
}

/// How far the binary log was carried off.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Carried {
    pub(crate) to: Position,
    /// Everything that was committed before then is there.
    pub(crate) at: Timestamp,
}

/// A copy of the data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Base {
    pub(crate) position: Position,
    /// Nothing that was committed after then is in it.
    pub(crate) at: Timestamp,
}

/// What there is of one database.
pub(crate) struct Backups {
    pub(crate) directory: PathBuf,
    /// Oldest first, with their directories.
    pub(crate) bases: Vec<(PathBuf, Base)>,
    pub(crate) carried: Option<Carried>,
}

impl Backups {
    pub(crate) fn read(directory: PathBuf) -> Result<Self, crate::Error> {
        let mut bases = Vec::new();
        let entries = fs::read_dir(&directory).map(|entries| entries.filter_map(Result::ok).collect::<Vec<_>>());
        let is_base = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(BASE);
        for entry in entries.unwrap_or_default().into_iter().filter(is_base) {
            if let Some(base) = files::read_json::<Base>(&entry.path().join("base.json"))? {
                bases.push((entry.path(), base));
            }
        }
        bases.sort_by_key(|(_, base)| base.at);
        let carried = files::read_json(&directory.join("carried.json"))?;
        Ok(Self { directory, bases, carried })
    }

    /// Where the log is kept.
    pub(crate) fn log(&self) -> PathBuf {
        self.directory.join("binlog")
    }

    /// The newest copy that a state is to be made from: the latest there is, or that as of `until`. A copy stands for a
    /// moment within a second, and events know only their second, so the second must have passed.
    pub(crate) fn base(&self, until: Option<Timestamp>) -> Option<&(PathBuf, Base)> {
        let carried = self.carried.as_ref()?;
        let usable = |base: &Base| base.position <= carried.to && until.is_none_or(|until| base.at < floor(until));
        self.bases.iter().rfind(|(_, base)| usable(base))
    }

    /// Removes what is too old to be wanted: copies and logs that no state of the last week needs.
    fn prune(&self, now: Timestamp) -> Result<(), crate::Error> {
        let oldest_wanted = self.bases.iter().rposition(|(_, base)| base.at <= now - KEPT).unwrap_or(0);
        for (path, _) in &self.bases[..oldest_wanted] {
            files::remove_tree(path)?;
        }
        let Some((_, oldest)) = self.bases.get(oldest_wanted) else { return Ok(()) };
        for file in logs_in(&self.log()) {
            if file < oldest.position.file {
                let path = self.log().join(file);
                fs::remove_file(&path).map_err(crate::Error::file("remove", &path))?;
            }
        }
        Ok(())
    }
}

impl Databases {
    /// Copies the data if there is no copy of today, and carries off what is new of the binary log. Gives whether it
    /// made a copy. Idempotent. Commits wait for the copy's duration; nobody is disconnected.
    ///
    /// # Errors
    /// When the server does not run, writes no binary log, or something cannot be copied.
    pub async fn back_up(&self, id: &str) -> Result<bool, Error> {
        let failed = || Error::copy(id, "keep its automatic backups");
        let directory = self.layout.backup_dir(id);
        copies::sweep(&directory, |_| true).map_err(failed())?;
        let backups = Backups::read(directory.clone()).map_err(failed())?;
        let now = Timestamp::now();
        let due = backups.bases.last().is_none_or(|(_, base)| now.duration_since(base.at) >= COPY_EVERY);
        if due {
            self.copy_base(id, &directory).await?;
        }
        self.carry(id, &backups).await?;
        if due {
            Backups::read(directory).and_then(|backups| backups.prune(now)).map_err(failed())?;
        }
        Ok(due)
    }

    /// Up to when the database can be restored: everything that was committed before is carried off. None when there
    /// is nothing to restore from.
    #[must_use]
    pub fn latest_restorable(&self, id: &str) -> Option<Timestamp> {
        let known = self.carried().get(id).map(|carried| carried.at);
        // The daemon was started again, and nothing was carried off since.
        known.or_else(|| Backups::read(self.layout.backup_dir(id)).ok()?.carried.map(|carried| carried.at))
    }

    /// Removes all automatic backups of a database. Idempotent.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub async fn erase_backups(&self, id: &str) -> Result<(), Error> {
        self.carried().remove(id);
        let directory = self.layout.backup_dir(id);
        let removed = tokio::task::spawn_blocking(move || files::remove_tree(&directory)).await;
        removed.unwrap_or(Ok(())).map_err(Error::copy(id, "remove its automatic backups"))
    }

    async fn copy_base(&self, id: &str, directory: &Path) -> Result<(), Error> {
        let failed = || Error::copy(id, "copy its data");
        let making = Making::begin(directory).map_err(failed())?;
        let position = self.copy_data(id, &making.path().join("data")).await?;
        let at = Timestamp::now();
        let position = position.ok_or_else(|| Error::NotRunning { id: id.to_owned() })?;
        files::write_json(&making.path().join("base.json"), &Base { position, at }).map_err(failed())?;
        making.finish(&format!("{BASE}{}", at.as_millisecond())).map_err(failed())
    }

    async fn carry(&self, id: &str, backups: &Backups) -> Result<(), Error> {
        let source = Directory::binary_log(&self.layout.database_dir(id));
        let at = Timestamp::now();
        if let Some(before) = self.carried().get_mut(id).filter(|before| is_the_end(&source, &before.to)) {
            before.at = at;
            return Ok(());
        }
        let flavour = self.engine().await?.flavour;
        let session = self.server(id)?.administrator().await?;
        let position = admin::session(session, async |sql| admin::log_position(sql, flavour).await).await?;
        let to = position.ok_or_else(|| Error::NotRunning { id: id.to_owned() })?;
        // A log whose beginning no copy needs is not worth carrying off.
        let bases = Backups::read(backups.directory.clone()).map_err(Error::copy(id, "read its automatic backups"))?;
        let Some((_, first)) = bases.bases.first() else { return Ok(()) };
        let (log, from, end) = (bases.log(), first.position.file.clone(), to.clone());
        let copied = tokio::task::spawn_blocking(move || append_all(&source, &log, &from, &end)).await;
        copied.unwrap_or(Ok(())).map_err(Error::file("carry off the binary log", bases.log()))?;
        let carried = Carried { to, at };
        let written = files::write_json(&bases.directory.join("carried.json"), &carried);
        written.map_err(Error::copy(id, "keep its automatic backups"))?;
        self.carried().insert(id.to_owned(), carried);
        Ok(())
    }

    fn carried(&self) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Carried>> {
        self.carried.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nothing was written after `position`.
fn is_the_end(log: &Path, position: &Position) -> bool {
    let length = std::fs::metadata(log.join(&position.file)).map(|file| file.len());
    length.is_ok_and(|length| length == position.offset) && logs_in(log).last() == Some(&position.file)
}

/// The names of the files of a binary log, in order; its index is none of them.
pub(crate) fn logs_in(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let numbered = |name: &String| name.rsplit('.').next().is_some_and(|end| end.bytes().all(|b| b.is_ascii_digit()));
    let mut names: Vec<String> = names.filter(numbered).collect();
    names.sort();
    names
}

/// Brings the files of `log`, from the one named `from` up to `to`, to what they are in `source`.
fn append_all(source: &Path, log: &Path, from: &str, to: &Position) -> io::Result<()> {
    fs::create_dir_all(log)?;
    for name in logs_in(source).iter().filter(|name| name.as_str() >= from && **name <= to.file) {
        let mut input = fs::File::open(source.join(name))?;
        let there = std::fs::metadata(log.join(name)).map_or(0, |file| file.len());
        let length = if *name == to.file { to.offset } else { end_of_events(&mut input, there)? };
        if there < length {
            let mut output = fs::OpenOptions::new().append(true).create(true).open(log.join(name))?;
            input.seek(SeekFrom::Start(there))?;
            io::copy(&mut input.take(length - there), &mut output)?;
            output.sync_all()?;
        }
    }
    Ok(())
}

/// The end of the last whole event of a log that is not written to any more; `from` is the end of one, or 0. A server
/// that was killed leaves a torn event behind, which no program reads past.
fn end_of_events(log: &mut fs::File, from: u64) -> io::Result<u64> {
    let length = log.metadata()?.len();
    let mut end = from.max(MAGIC);
    loop {
        let mut header = [0; HEADER];
        log.seek(SeekFrom::Start(end))?;
        match log.read_exact(&mut header) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            read => read?,
        }
        let size = u64::from(u32::from_le_bytes([header[9], header[10], header[11], header[12]]));
        if size < HEADER as u64 || end + size > length {
            break;
        }
        end += size;
    }
    Ok(if end == MAGIC { 0 } else { end })
}

/// The second in which a moment lies.
pub(crate) fn floor(time: Timestamp) -> Timestamp {
    Timestamp::from_second(time.as_second()).unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn position(file: &str, offset: u64) -> Position {
        Position { file: file.to_owned(), offset }
    }

    fn base(at: &str, file: &str) -> (PathBuf, Base) {
        (PathBuf::from(at), Base { position: position(file, 4), at: time(at) })
    }

    fn event(body: &[u8]) -> Vec<u8> {
        let mut event = vec![7; HEADER];
        event.extend(body);
        let size = u32::try_from(event.len()).unwrap();
        event[9..13].copy_from_slice(&size.to_le_bytes());
        event
    }

    #[test]
    fn a_copy_serves_only_from_the_second_after_it() {
        let backups = Backups {
            directory: PathBuf::new(),
            bases: vec![base("2026-11-20T00:00:00Z", "binlog.000001"), base("2026-11-21T00:00:00.4Z", "binlog.000007")],
            carried: Some(Carried { to: position("binlog.000009", 90), at: time("2026-11-21T12:00:00Z") }),
        };
        let chosen = |until: Option<&str>| backups.base(until.map(time)).map(|(path, _)| path.to_str().unwrap());
        assert_eq!(chosen(None), Some("2026-11-21T00:00:00.4Z"));
        assert_eq!(chosen(Some("2026-11-21T00:00:01Z")), Some("2026-11-21T00:00:00.4Z"));
        assert_eq!(chosen(Some("2026-11-21T00:00:00.9Z")), Some("2026-11-20T00:00:00Z"));
        assert_eq!(chosen(Some("2026-11-20T00:00:00Z")), None);
    }

    #[test]
    fn a_log_is_carried_off_piece_by_piece_and_only_whole_transactions() {
        let home = tempfile::tempdir().unwrap();
        let (source, log) = (home.path().join("source"), home.path().join("log"));
        std::fs::create_dir(&source).unwrap();
        let (whole, torn) = (event(b"whole"), event(b"torn"));
        let killed = [b"\xfebin".as_slice(), &whole, &torn[..HEADER + 2]].concat();
        let files: [(&str, &[u8]); 3] = [("binlog.000001", b"old"), ("binlog.000002", &killed), ("binlog.index", b"i")];
        for (name, bytes) in files {
            std::fs::write(source.join(name), bytes).unwrap();
        }
        std::fs::write(source.join("binlog.000003"), "one,two,thr").unwrap();
        append_all(&source, &log, "binlog.000002", &position("binlog.000003", 4)).unwrap();
        assert_eq!(logs_in(&log), ["binlog.000002", "binlog.000003"]);
        assert_eq!(std::fs::read(log.join("binlog.000002")).unwrap(), [b"\xfebin".as_slice(), &whole].concat());
        assert_eq!(std::fs::read_to_string(log.join("binlog.000003")).unwrap(), "one,");
        assert!(!is_the_end(&source, &position("binlog.000003", 4)));
        for _ in 0..2 {
            append_all(&source, &log, "binlog.000002", &position("binlog.000003", 8)).unwrap();
            assert_eq!(std::fs::read_to_string(log.join("binlog.000003")).unwrap(), "one,two,");
        }
        assert!(is_the_end(&source, &position("binlog.000003", 11)));
    }

    #[test]
    fn what_no_state_of_the_last_week_needs_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let directory = home.path().to_owned();
        for (at, file) in [
            ("2026-11-01T00:00:00Z", "binlog.000001"),
            ("2026-11-10T00:00:00Z", "binlog.000002"),
            ("2026-11-16T00:00:00Z", "binlog.000003"),
        ] {
            files::write_json(&directory.join(format!("{BASE}{at}")).join("base.json"), &base(at, file).1).unwrap();
            std::fs::create_dir_all(directory.join("binlog")).unwrap();
            std::fs::write(directory.join("binlog").join(file), "").unwrap();
        }
        Backups::read(directory.clone()).unwrap().prune(time("2026-11-18T00:00:00Z")).unwrap();
        let left = Backups::read(directory).unwrap();
        assert_eq!(left.bases.len(), 2, "the one of the 10th makes the states of the 11th to the 15th");
        assert_eq!(logs_in(&left.log()), ["binlog.000002", "binlog.000003"]);
    }
}
