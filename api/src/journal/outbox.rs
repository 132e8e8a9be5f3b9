//! The SQL of the outbox.

use jewel_journal::Key;
use sqlx::{AssertSqlSafe, MySqlPool, mysql::MySqlExecutor};
use uuid::Uuid;

/// The most events of one object.
const MOST_EVENTS: u32 = 500;

/// The most bytes of one object, unless one event alone has more.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Committed events that are not in the journal, whoever committed them, the oldest first; not all when they are many.
///
/// Read afresh each time and without a cursor: events become visible when they are committed, not in the order of ids.
pub(super) async fn unjournaled(pool: &MySqlPool) -> Result<Vec<(Uuid, String)>, sqlx::Error> {
    let query = "SELECT event_id, body FROM outbox WHERE journal_seq IS NULL ORDER BY event_id LIMIT ?";
    let mut events: Vec<(Uuid, String)> = sqlx::query_as(query).bind(MOST_EVENTS).fetch_all(pool).await?;
    let mut bytes = 0;
    let fitting = events.iter().take_while(|(_, body)| {
        bytes += body.len();
        bytes <= MOST_BYTES
    });
    let fitting = fitting.count().max(1);
    events.truncate(fitting);
    Ok(events)
}

/// Those of these committed events that are in the journal. Of them, and only of them, rows may have been cleared away.
pub(super) async fn journaled(pool: &MySqlPool, events: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    let marks = vec!["?"; events.len()].join(", ");
    let query = format!("SELECT event_id FROM outbox WHERE event_id IN ({marks}) AND journal_seq IS NULL");
    let mut query = sqlx::query_scalar(AssertSqlSafe(query));
    for event in events {
        query = query.bind(*event);
    }
    let unjournaled: Vec<Uuid> = query.fetch_all(pool).await?;
    Ok(events.iter().copied().filter(|event| !unjournaled.contains(event)).collect())
}

/// Notes where these events are. What is not noted is written again, and known by its id.
pub(super) async fn mark(pool: &MySqlPool, events: &[Uuid], key: Key) -> Result<(), sqlx::Error> {
    let marks = vec!["?"; events.len()].join(", ");
    let query = format!(
        "UPDATE outbox SET journal_epoch = ?, journal_seq = ? WHERE event_id IN ({marks}) AND journal_seq IS NULL"
    );
    let mut query = sqlx::query(AssertSqlSafe(query)).bind(key.epoch).bind(key.seq);
    for event in events {
        query = query.bind(*event);
    }
    query.execute(pool).await.map(drop)
}

/// Clears away rows of events that are in the journal and older than this id, some at a time: how many. Ids grow with
/// time, so these are the first of the table.
pub(super) async fn prune(pool: &MySqlPool, before: Uuid, most: u32) -> Result<u64, sqlx::Error> {
    let query = "DELETE FROM outbox WHERE event_id < ? AND journal_seq IS NOT NULL ORDER BY event_id LIMIT ?";
    Ok(sqlx::query(query).bind(before).bind(most).execute(pool).await?.rows_affected())
}

/// The number of an epoch that nobody else gets from this database.
pub(super) async fn next_epoch(database: impl MySqlExecutor<'_>) -> Result<u64, sqlx::Error> {
    let query = "UPDATE journal_state SET epoch = LAST_INSERT_ID(epoch + 1) WHERE id = 1";
    Ok(sqlx::query(query).execute(database).await?.last_insert_id())
}
