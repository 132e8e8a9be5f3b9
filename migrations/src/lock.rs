//! One migrator at a time: `GET_LOCK` with a deadline, whose answer is read.
//!
//! The lock belongs to the session, so it ends with the connection: a killed run leaves no lock behind.

use std::time::Duration;

use sha2::{Digest, Sha256};
use sqlx::MySqlConnection;

use crate::error::Error;

/// How much longer than the lock's own timeout the server may take to answer before the connection counts as dead.
const ANSWER_SLACK: Duration = Duration::from_secs(15);

/// What a lock is held for. A rehearsal keeps no migration waiting, and needs none to wait for it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Purpose {
    Migrate,
    Rehearse,
}

/// The lock, held by the connection it was taken on.
pub(crate) struct Lock {
    name: String,
    database: String,
}

impl Lock {
    /// Takes the lock of the connection's database; calls `on_waiting` with the holder when it is not free at once.
    pub(crate) async fn acquire(
        conn: &mut MySqlConnection,
        purpose: Purpose,
        timeout: Duration,
        on_waiting: impl FnOnce(Option<u64>),
    ) -> Result<Self, Error> {
        let database: Option<String> = sqlx::query_scalar("SELECT DATABASE()")
            .fetch_one(&mut *conn)
            .await
            .map_err(Error::history("ask which database is selected"))?;
        let database = database.ok_or(Error::NoDatabase)?;
        // Lock names are shared by the whole server and at most 64 characters long.
        let prefix = match purpose {
            Purpose::Migrate => "jewel_migrations",
            Purpose::Rehearse => "jewel_rehearsal",
        };
        let name = format!("{prefix}:{}", &hex::encode(Sha256::digest(&database))[..32]);
        let lock = Self { name, database };
        if lock.ask(conn, Duration::ZERO).await? {
            return Ok(lock);
        }
        let holder = lock.holder(conn).await?;
        on_waiting(holder);
        if lock.ask(conn, timeout).await? {
            return Ok(lock);
        }
        let holder = lock.holder(conn).await?;
        Err(Error::LockHeld { holder, database: lock.database, waited_seconds: timeout.as_secs() })
    }

    /// The database it is the lock of.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// Gives the lock back. A failure is of no consequence: the session's end does the same.
    pub(crate) async fn release(self, conn: &mut MySqlConnection) {
        if let Err(error) = sqlx::query("DO RELEASE_LOCK(?)").bind(&self.name).execute(conn).await {
            tracing::debug!(%error, "could not release the migration lock; the session's end will");
        }
    }

    async fn ask(&self, conn: &mut MySqlConnection, timeout: Duration) -> Result<bool, Error> {
        let seconds = i64::try_from(timeout.as_millis().div_ceil(1000)).unwrap_or(i64::MAX);
        let question = sqlx::query_scalar::<_, Option<i64>>("SELECT CAST(GET_LOCK(?, ?) AS SIGNED)")
            .bind(&self.name)
            .bind(seconds)
            .fetch_one(conn);
        match tokio::time::timeout(timeout.saturating_add(ANSWER_SLACK), question).await {
            Ok(answer) => match answer.map_err(Error::history("take the migration lock"))? {
                Some(answer) => Ok(answer == 1),
                None => Err(Error::LockUnanswered { database: self.database.clone() }),
            },
            Err(_) => Err(Error::LockUnanswered { database: self.database.clone() }),
        }
    }

    async fn holder(&self, conn: &mut MySqlConnection) -> Result<Option<u64>, Error> {
        sqlx::query_scalar("SELECT CAST(IS_USED_LOCK(?) AS UNSIGNED)")
            .bind(&self.name)
            .fetch_one(conn)
            .await
            .map_err(Error::history("ask who holds the migration lock"))
    }
}
