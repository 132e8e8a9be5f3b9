//! Copies of a database's data, and new databases made from them.
//!
//! A copy of a server that runs is taken while nobody can commit and the process stands still: it is what a power
//! failure between two transactions would have left, and the new server recovers from it as from one.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Databases, Master, ServerSpec, admin,
    backup::{Backups, Position, floor, logs_in},
    directory::{self, Directory},
    error::Error,
    replay::{Replay, Tool},
    template::IDENTITY,
};
use crate::{
    copies::{self, Making},
    files,
};

/// How long commits may be held before a copy; beyond the statement's own limit only a server that hangs is met.
const HOLD_WITHIN: Duration = Duration::from_secs(20);

/// Where a new database's data comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// A snapshot, by its id.
    Snapshot(String),
    /// The automatic backups of a database, by its id: its state at that moment, or the latest there is. The log knows
    /// seconds, so a moment within a second means its beginning.
    Backups {
        /// Whose.
        of: String,
        /// The moment.
        until: Option<Timestamp>,
    },
}

/// The files of the log that are to be replayed; how, is in the file [`HOW`] among them.
const REPLAYED: &str = "replay";
const HOW: &str = "how.json";

impl Databases {
    /// Copies the data of a database, whether its server runs or not, under the id `snapshot`. Idempotent. A server
    /// that runs stands still meanwhile; nobody is disconnected.
    ///
    /// # Errors
    /// When a long statement does not let commits be held, or something cannot be copied.
    pub async fn snapshot(&self, id: &str, snapshot: &str) -> Result<(), Error> {
        if self.layout.snapshot_dir(snapshot).exists() {
            return Ok(());
        }
        let failed = || Error::copy(id, "make a snapshot of its data");
        let making = Making::begin(&self.layout.snapshots_dir()).map_err(failed())?;
        self.copy_data(id, &making.path().join("data")).await?;
        making.finish(snapshot).map_err(failed())
    }

    /// Puts the data of `origin` into the directory of the new database `id`: everything that is needed of the origin,
    /// which may vanish afterwards. Idempotent until the database is [restored](Self::restore).
    ///
    /// # Errors
    /// When the origin has no such state, or something cannot be copied.
    pub async fn gather(&self, id: &str, origin: &Origin) -> Result<(), Error> {
        let directory = self.directory(id, self.engine().await?);
        if directory.is_complete() {
            return Ok(());
        }
        // What was begun and cut off may be half replayed.
        self.stop(id).await?;
        directory::remove(&directory.path).await?;
        directory.lay_out()?;
        match origin {
            Origin::Snapshot(snapshot) => {
                let data = self.layout.snapshot_dir(snapshot).join("data");
                if !data.exists() {
                    return Err(Error::NotRestorable { id: id.to_owned(), reason: "the snapshot is gone".to_owned() });
                }
                self.put_data(&directory, id, &data).await
            }
            Origin::Backups { of, until } => {
                Tool::find(self.engine().await?)?;
                let until = until.map(floor);
                let backups = Backups::read(self.layout.backup_dir(of)).map_err(Error::copy(id, "read its backups"))?;
                let (base, replay) = chosen(id, &backups, until)?;
                self.put_data(&directory, id, &base.join("data")).await?;
                let log = directory.path.join(REPLAYED);
                copies::copy(&backups.log(), &log).await.map_err(Error::copy(id, "copy its binary log"))?;
                let written = files::write_json(&log.join(HOW), &replay);
                written.map_err(Error::copy(id, "remember what to replay"))
            }
        }
    }

    /// Starts the server over what was [gathered](Self::gather), brings it to its moment, and gives it its master user;
    /// every other account of the origin is there too. Idempotent only together with `gather` before it.
    ///
    /// # Errors
    /// When the server does not start or the log cannot be replayed.
    pub async fn restore(&self, spec: &ServerSpec, master: &Master) -> Result<(), Error> {
        let id = &spec.id;
        let engine = self.engine().await?;
        let directory = self.directory(id, engine);
        let server = self.start_server(spec).await?;
        let replay = files::read_json::<Replay>(&directory.path.join(REPLAYED).join(HOW));
        let replay = replay.map_err(Error::copy(id, "read what to replay"))?;
        if let Some(replay) = replay.filter(|_| !directory.is_complete()) {
            let tool = Tool::find(engine)?;
            let before = admin::session(server.administrator().await?, admin::accept_large_statements).await?;
            let log = directory.path.join(REPLAYED);
            admin::session(server.administrator().await?, async |sql| replay.run(id, &tool, &log, sql).await).await?;
            let put_back = async |sql: &mut _| admin::set_parameter(sql, admin::LARGEST_STATEMENT, &before).await;
            admin::session(server.administrator().await?, put_back).await?;
        }
        let configure = async |sql: &mut _| admin::configure(sql, engine.flavour, master).await;
        admin::session(server.administrator().await?, configure).await?;
        directory.complete()?;
        directory::remove(&directory.path.join(REPLAYED)).await
    }

    /// Copies the data as it is between two transactions; gives the point of the binary log between them.
    pub(super) async fn copy_data(&self, id: &str, to: &std::path::Path) -> Result<Option<Position>, Error> {
        let data = Directory::data(&self.layout.database_dir(id));
        let copy = async || copies::copy(&data, to).await.map_err(Error::copy(id, "copy its data"));
        // One that is to run and does not is about to be started again: its data is not to be had now.
        let Some(server) = self.servers().get(id).cloned() else {
            copy().await?;
            return Ok(None);
        };
        let flavour = self.engine().await?.flavour;
        let held = admin::session(server.administrator().await?, async |sql| {
            let held = tokio::time::timeout(HOLD_WITHIN, admin::hold_commits(sql, flavour)).await;
            let position = held.unwrap_or_else(|_| Err(late(id)))?;
            let paused = server.pause()?;
            let copied = copy().await;
            drop(paused);
            admin::release(sql).await?;
            copied.map(|()| position)
        });
        held.await
    }

    /// Puts a copy of `data` into the directory, as that of another server.
    async fn put_data(&self, directory: &Directory, id: &str, data: &std::path::Path) -> Result<(), Error> {
        let failed = || Error::copy(id, "copy its data");
        let making = Making::begin(&directory.path).map_err(failed())?;
        let copied = making.path().join("data");
        copies::copy(data, &copied).await.map_err(failed())?;
        let _ = std::fs::remove_file(copied.join(IDENTITY));
        let data = Directory::data(&directory.path);
        fs_err::remove_dir(&data).map_err(Error::file("remove", &data))?;
        fs_err::rename(&copied, &data).map_err(Error::file("rename", &copied))
    }
}

fn late(id: &str) -> Error {
    let source = std::io::ErrorKind::TimedOut.into();
    let answer = crate::Error::Network { action: "get its server's answer in time".to_owned(), source };
    Error::copy(id, "hold its commits for a copy")(answer)
}

/// The copy to begin with, and what to replay over it.
fn chosen(id: &str, backups: &Backups, until: Option<Timestamp>) -> Result<(std::path::PathBuf, Replay), Error> {
    let not = |reason: String| Error::NotRestorable { id: id.to_owned(), reason };
    let Some(carried) = &backups.carried else { return Err(not("there are no automatic backups".to_owned())) };
    if until.is_some_and(|until| until > carried.at) {
        return Err(not(format!("the backups end at {}", carried.at)));
    }
    let oldest = || match backups.bases.first() {
        Some((_, base)) => format!("the backups begin after {}", base.at),
        None => "there is no copy of its data".to_owned(),
    };
    let (path, base) = backups.base(until).ok_or_else(|| not(oldest()))?;
    let files = logs_in(&backups.log()).into_iter();
    let replay = Replay {
        files: files.filter(|name| *name >= base.position.file && *name <= carried.to.file).collect(),
        from: base.position.offset,
        to: carried.to.offset,
        until,
    };
    Ok((path.clone(), replay))
}
