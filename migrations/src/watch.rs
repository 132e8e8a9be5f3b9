//! How far a long statement is, asked on a second connection while the first one waits for its end.
//!
//! Servers say more or less of it: MySQL's performance schema counts the work of an `ALTER` when it is switched on and
//! may be read; MariaDB's process list has a percentage of some statements; InnoDB counts the rows a transaction
//! changed. What a server or its privileges do not give is left out, in the end everything but the time that passed.

use std::time::Duration;

use sqlx::{MySqlConnection, Row, mysql::MySqlRow};

/// A question that takes longer than this is given up, with the connection.
const ANSWER: Duration = Duration::from_secs(5);

/// What could be learned about a statement that runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sight {
    /// What the server is at, in its own words.
    pub(crate) stage: Option<String>,
    /// From 0 to 1.
    pub(crate) fraction: Option<f64>,
    pub(crate) rows_changed: Option<u64>,
}

/// Looks at one connection from another one.
pub(crate) struct Watch<'a> {
    conn: Option<&'a mut MySqlConnection>,
    watched: u64,
    /// Questions that this server answers to this user; those it refuses are not asked again.
    questions: Vec<Question>,
}

type Question = (&'static str, fn(&MySqlRow, &mut Sight) -> Result<(), sqlx::Error>);

const QUESTIONS: [Question; 4] = [
    (
        "SELECT event_name AS stage, CAST(work_completed AS UNSIGNED) AS completed,
                CAST(work_estimated AS UNSIGNED) AS estimated
         FROM performance_schema.events_stages_current
         WHERE thread_id = (SELECT thread_id FROM performance_schema.threads WHERE processlist_id = ?)",
        stage_of_performance_schema,
    ),
    (
        "SELECT state AS stage, stage AS part, max_stage AS parts, CAST(progress AS DOUBLE) AS progress
         FROM information_schema.processlist WHERE id = ?",
        stage_of_mariadb,
    ),
    ("SELECT state AS stage FROM information_schema.processlist WHERE id = ?", state),
    (
        "SELECT CAST(trx_rows_modified AS UNSIGNED) AS changed FROM information_schema.innodb_trx
         WHERE trx_mysql_thread_id = ?",
        rows_changed,
    ),
];

impl<'a> Watch<'a> {
    /// `watched` is the connection id of the other one.
    pub(crate) fn new(conn: Option<&'a mut MySqlConnection>, watched: u64) -> Self {
        Self { conn, watched, questions: QUESTIONS.to_vec() }
    }

    /// Looks once. Never fails: what cannot be seen is left out.
    pub(crate) async fn look(&mut self) -> Sight {
        let mut sight = Sight::default();
        let Some(conn) = self.conn.as_deref_mut() else { return sight };
        let mut refused = Vec::new();
        for (at, (query, read)) in self.questions.iter().enumerate() {
            let asked = sqlx::query(*query).bind(self.watched).fetch_optional(&mut *conn);
            match tokio::time::timeout(ANSWER, asked).await {
                Ok(Ok(Some(row))) => {
                    if let Err(error) = read(&row, &mut sight) {
                        tracing::debug!(%error, "an answer about progress could not be read");
                    }
                }
                Ok(Ok(None)) => {}
                Ok(Err(sqlx::Error::Database(error))) => {
                    tracing::debug!(%error, "the server says less about progress");
                    refused.push(at);
                }
                // The connection is of no use any more, or the server too busy to be asked again.
                Ok(Err(_)) | Err(_) => {
                    self.conn = None;
                    return sight;
                }
            }
        }
        for at in refused.into_iter().rev() {
            self.questions.remove(at);
        }
        sight
    }
}

fn stage_of_performance_schema(row: &MySqlRow, sight: &mut Sight) -> Result<(), sqlx::Error> {
    let stage: String = row.try_get("stage")?;
    sight.stage = Some(stage.trim_start_matches("stage/").to_owned());
    let (completed, estimated): (Option<u64>, Option<u64>) = (row.try_get("completed")?, row.try_get("estimated")?);
    if let (Some(completed), Some(estimated)) = (completed, estimated.filter(|estimated| *estimated > 0)) {
        sight.fraction = Some((completed as f64 / estimated as f64).clamp(0.0, 1.0));
    }
    Ok(())
}

fn stage_of_mariadb(row: &MySqlRow, sight: &mut Sight) -> Result<(), sqlx::Error> {
    let (part, parts): (i8, i8) = (row.try_get("part")?, row.try_get("parts")?);
    let progress: f64 = row.try_get("progress")?;
    if parts > 0 {
        let before = f64::from(part.saturating_sub(1).max(0));
        sight.fraction = Some(((before + progress / 100.0) / f64::from(parts)).clamp(0.0, 1.0));
    }
    Ok(())
}

fn state(row: &MySqlRow, sight: &mut Sight) -> Result<(), sqlx::Error> {
    if sight.stage.is_none() {
        sight.stage = row.try_get::<Option<String>, _>("stage")?.filter(|stage| !stage.is_empty());
    }
    Ok(())
}

fn rows_changed(row: &MySqlRow, sight: &mut Sight) -> Result<(), sqlx::Error> {
    sight.rows_changed = row.try_get::<Option<u64>, _>("changed")?.filter(|rows| *rows > 0);
    Ok(())
}
