//! One statement, sent and recorded so that a run may die anywhere in between.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};

use crate::{
    definition::fingerprint,
    error::server_code,
    event::Event,
    history::{self, Note, Place},
    plan::Doubt,
    shape::Reading,
    statement::Statement,
    watch::Watch,
};

/// A statement that is to be executed, and who wants to hear of it.
pub(crate) struct Execution<'a, 'w> {
    pub(crate) place: Place,
    /// How many statements the migration has.
    pub(crate) of: u32,
    pub(crate) statement: &'a Statement,
    /// It was sent by a run that never learned its outcome.
    pub(crate) doubt: Option<&'a Doubt>,
    pub(crate) watch: &'a mut Watch<'w>,
    /// How often a statement that takes its time is looked at.
    pub(crate) every: Duration,
    pub(crate) on_event: &'a mut (dyn FnMut(Event) + Send),
}

impl Execution<'_, '_> {
    /// Executes the statement and records it. True when an earlier run turned out to have done it already.
    pub(crate) async fn run(mut self, conn: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let outcome = if self.statement.is_transactional() {
            self.in_transaction(conn).await
        } else {
            self.by_itself(conn).await
        };
        if let Err(sqlx::Error::Database(error)) = &outcome {
            // The server refused: there is no doubt about this statement, and its text may change.
            let words = error.to_string();
            history::record(conn, self.place, self.statement, Note::Failed { error: &words }).await?;
        }
        outcome
    }

    async fn in_transaction(&mut self, conn: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let mut transaction = conn.begin().await?;
        self.send(&mut transaction).await?;
        history::record(&mut transaction, self.place, self.statement, Note::Done).await?;
        transaction.commit().await?;
        Ok(false)
    }

    async fn by_itself(&mut self, conn: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let now = fingerprint(conn, &Reading::of(self.statement).tables()).await?;
        let before = self.doubt.and_then(|doubt| doubt.fingerprint.clone());
        // Nobody else changes the schema while we hold the lock, and DDL happens wholly or not at all: where the tables
        // are not as they were, the dead run's statement is what changed them.
        let mut found_done = before.is_some() && before != now;
        if !found_done {
            history::record(conn, self.place, self.statement, Note::Sent { fingerprint: now.as_deref() }).await?;
            found_done = match self.send(conn).await {
                Ok(()) => false,
                Err(error) if self.doubt.is_some() && says_already_done(self.statement, &error) => true,
                Err(error) => return Err(error),
            };
        }
        history::record(conn, self.place, self.statement, Note::Done).await?;
        Ok(found_done)
    }

    /// Sends the statement by the text protocol, because many DDL statements cannot be prepared, and tells how far it
    /// is until it ends.
    async fn send(&mut self, conn: &mut MySqlConnection) -> Result<(), sqlx::Error> {
        let begun = Instant::now();
        let mut sent = std::pin::pin!(sqlx::raw_sql(AssertSqlSafe(self.statement.sql.clone())).execute(conn));
        loop {
            tokio::select! {
                outcome = &mut sent => return outcome.map(drop),
                () = tokio::time::sleep(self.every) => {}
            }
            // The end is not missed while the other connection answers.
            let sight = tokio::select! {
                outcome = &mut sent => return outcome.map(drop),
                sight = self.watch.look() => sight,
            };
            let elapsed = begun.elapsed();
            let percent = sight.fraction.map(|fraction| (fraction * 100.0) as u8);
            let left = sight.fraction.filter(|fraction| *fraction >= 0.01);
            (self.on_event)(Event::StatementProgress {
                version: self.place.version,
                ordinal: self.place.ordinal,
                of: self.of,
                elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
                stage: sight.stage,
                percent,
                remaining_ms: left.map(|fraction| (elapsed.as_millis() as f64 * (1.0 - fraction) / fraction) as u64),
                rows_changed: sight.rows_changed,
            });
        }
    }
}

/// Whether the server's refusal means that the statement's effect is there already.
///
/// Asked where no fingerprint tells: for what is no table, and for what was sent before there were fingerprints. Numbers
/// from the MySQL error reference; MariaDB shares them, but reports a duplicate foreign key as 1005 with the storage
/// engine's number 121.
fn says_already_done(statement: &Statement, error: &sqlx::Error) -> bool {
    let Some(code) = server_code(error) else { return false };
    match statement.verb().as_str() {
        // Database, table, key, routine, trigger exists.
        "CREATE" => matches!(code, 1007 | 1050 | 1061 | 1304 | 1359),
        // Column, key, foreign key, check exists; column or key is not there to drop; check is not there to drop.
        "ALTER" => {
            matches!(code, 1060 | 1061 | 1091 | 1826 | 3821 | 3822)
                || (code == 1005 && error.to_string().contains("errno: 121"))
        }
        // Database, table, key, routine, trigger is not there.
        "DROP" => matches!(code, 1008 | 1051 | 1091 | 1305 | 1360),
        // The old name is not there.
        "RENAME" => code == 1146,
        _ => false,
    }
}
