//! What is looked up only when somebody wants to know: readiness, connections, and how far the journal is behind.

use time::{OffsetDateTime, PrimitiveDateTime};

use crate::{app::App, health};

/// A moment's figures.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) ready: bool,
    pub(crate) connections: u32,
    pub(crate) connections_idle: usize,
    /// `None` when the database does not say.
    pub(crate) outbox: Option<Outbox>,
}

/// Events on their way into the journal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outbox {
    pub(crate) waiting: i64,
    /// The age of the oldest; 0 when there is none.
    pub(crate) lag_seconds: f64,
}

impl Figures {
    /// Reads them now. A database that is away is a figure and no failure.
    pub(crate) async fn read(app: &App) -> Self {
        let ready = health::ready(app).await.is_ok();
        let outbox = if ready { outbox(app).await } else { None };
        Self { ready, connections: app.pool().size(), connections_idle: app.pool().num_idle(), outbox }
    }
}

async fn outbox(app: &App) -> Option<Outbox> {
    let read: Result<(i64, Option<PrimitiveDateTime>), sqlx::Error> =
        sqlx::query_as("SELECT COUNT(*), MIN(created_at) FROM outbox WHERE journal_seq IS NULL")
            .fetch_one(app.pool())
            .await;
    let (waiting, oldest) = read.inspect_err(|error| tracing::warn!(%error, "could not read the outbox")).ok()?;
    let age = oldest.map(|oldest| (OffsetDateTime::now_utc() - oldest.assume_utc()).as_seconds_f64());
    Some(Outbox { waiting, lag_seconds: age.unwrap_or_default().max(0.0) })
}
