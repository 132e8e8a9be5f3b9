//! What of a restore is done, written down beside the data: a chunk's row is in the same transaction as its rows.
//!
//! So a restore may be killed anywhere and begun again: what is written down is in the table, whole, and what is not is
//! not there at all. Sessions of a killed restore that the server has not yet missed hold a named lock each; the next
//! restore finds them by it, and ends them.

use std::{collections::BTreeSet, time::Duration};

use mysql_async::{Conn, prelude::Queryable};

use crate::{
    Error,
    hash::Hash,
    server::{literal, quote},
};

/// Where it is written down. It goes away with the last restore that is done.
const SCHEMA: &str = "jewel_restore";
/// The step that a restore begins with.
const BEGUN: &str = "begun";
/// Sessions of one restore, at most.
pub(crate) const SESSIONS: usize = 16;
/// How long an ended session may take to go away, in seconds.
const GOING: u32 = 60;
/// How often the session that claims the schema says that it is alive.
pub(crate) const ALIVE: Duration = Duration::from_secs(15);
/// When the server gives it up, in seconds: so long a restore whose network was cut keeps the next one out.
const LOST: u32 = 60;

/// The progress of one restore.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    target: String,
    backup: String,
}

impl Progress {
    pub(crate) fn new(target: &str, backup: &str) -> Self {
        Self { target: target.to_owned(), backup: backup.to_owned() }
    }

    /// Makes sure that this is the only restore into the schema, as long as this connection lives.
    pub(crate) async fn claim(&self, control: &mut Conn) -> Result<(), Error> {
        let watched = format!("SET SESSION wait_timeout = {LOST}");
        control.query_drop(watched).await.map_err(failed())?;
        if !self.lock(control, 0, 0).await? {
            return Err(Error::Restoring { schema: self.target.clone() });
        }
        for session in 1..=SESSIONS {
            let holder = format!("SELECT IS_USED_LOCK('{}')", self.name(session));
            let holder: Option<Option<u64>> = control.query_first(holder).await.map_err(failed())?;
            if let Some(left_behind) = holder.flatten() {
                // It may have ended by itself in between.
                let _ = control.query_drop(format!("KILL {left_behind}")).await;
            }
        }
        Ok(())
    }

    /// Makes a session one of this restore.
    pub(crate) async fn join(&self, connection: &mut Conn, session: usize) -> Result<(), Error> {
        if self.lock(connection, session, GOING).await? {
            Ok(())
        } else {
            Err(Error::Restoring { schema: self.target.clone() })
        }
    }

    async fn lock(&self, connection: &mut Conn, session: usize, seconds: u32) -> Result<bool, Error> {
        let query = format!("SELECT GET_LOCK('{}', {seconds})", self.name(session));
        let got: Option<Option<u64>> = connection.query_first(query).await.map_err(failed())?;
        Ok(got.flatten() == Some(1))
    }

    /// Names of locks are 64 letters at most.
    fn name(&self, session: usize) -> String {
        let hash = Hash::of(self.target.as_bytes()).to_string();
        format!("jewel-restore-{}-{session}", &hash[..16])
    }

    /// What is done of it; none when it has not begun.
    pub(crate) async fn done(&self, control: &mut Conn) -> Result<Option<BTreeSet<String>>, Error> {
        for statement in [
            format!("CREATE DATABASE IF NOT EXISTS {}", quote(SCHEMA)),
            format!(
                "CREATE TABLE IF NOT EXISTS {} (
                    target VARCHAR(64)  CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
                    step   VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
                    backup VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
                    PRIMARY KEY (target, step)
                ) ENGINE=InnoDB",
                table()
            ),
        ] {
            control.query_drop(statement).await.map_err(failed())?;
        }
        let query = format!("SELECT step, backup FROM {} WHERE target = {}", table(), literal(&self.target));
        let rows: Vec<(String, String)> = control.query(query).await.map_err(failed())?;
        if let Some((_, other)) = rows.iter().find(|(_, backup)| *backup != self.backup) {
            return Err(Error::OtherBackup { schema: self.target.clone(), other: other.clone() });
        }
        let mut steps: BTreeSet<String> = rows.into_iter().map(|(step, _)| step).collect();
        Ok(steps.remove(BEGUN).then_some(steps))
    }

    /// Forgets what was done of whatever was restored there.
    pub(crate) async fn forget(&self, control: &mut Conn) -> Result<(), Error> {
        let statement = format!("DELETE FROM {} WHERE target = {}", table(), literal(&self.target));
        control.query_drop(statement).await.map_err(failed())
    }

    pub(crate) async fn begin(&self, control: &mut Conn) -> Result<(), Error> {
        control.query_drop(self.mark(BEGUN)).await.map_err(failed())
    }

    /// The statement that writes a step down.
    pub(crate) fn mark(&self, step: &str) -> String {
        let values = [&self.target, step, &self.backup].map(literal).join(", ");
        format!("INSERT INTO {} (target, step, backup) VALUES ({values})", table())
    }

    /// It is done, and nobody need know how far it was.
    pub(crate) async fn end(&self, control: &mut Conn) -> Result<(), Error> {
        self.forget(control).await?;
        let left: Option<u64> =
            control.query_first(format!("SELECT COUNT(*) FROM {}", table())).await.map_err(failed())?;
        if left == Some(0) {
            control.query_drop(format!("DROP DATABASE {}", quote(SCHEMA))).await.map_err(failed())?;
        }
        Ok(())
    }
}

fn table() -> String {
    format!("{}.`progress`", quote(SCHEMA))
}

fn failed() -> impl FnOnce(mysql_async::Error) -> Error {
    Error::server("writing down how far the restore is")
}
