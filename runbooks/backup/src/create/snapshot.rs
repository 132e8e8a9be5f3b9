//! Several connections that see the same moment, with no right but those of a managed database's master user.
//!
//! `FLUSH TABLES WITH READ LOCK` and `LOCK INSTANCE FOR BACKUP` are denied there. So a helper takes `LOCK TABLES … READ`,
//! the connections open their snapshots while nobody writes, and the helper lets go: a few milliseconds. Whoever has
//! written and not committed holds the helper up, and everybody who wants to write queues behind the helper; so it gives
//! up after a short while, and tries again later.

use std::time::Duration;

use futures::future::try_join_all;
use jiff::Timestamp;
use mysql_async::{Conn, prelude::Queryable};
use tokio::time::timeout;

use crate::{
    Error, Event,
    schema::Table,
    server::{Server, quote},
};

/// How hard to try for a moment without writers.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long writers may be held up by one attempt.
    pub hold: Duration,
    /// How often to try.
    pub attempts: u32,
    /// How long to leave writers alone between two attempts.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { hold: Duration::from_secs(2), attempts: 20, pause: Duration::from_secs(15) }
    }
}

/// Bytes are sent as they are stored, and every row as it was when the snapshot was opened.
const PREPARE: [&str; 2] = ["SET NAMES binary", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"];
const OPEN: &str = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";

/// So many connections, and the moment that they see.
pub(crate) async fn open(
    server: &Server,
    schema: &str,
    tables: &[Table],
    count: usize,
    patience: Patience,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<(Vec<Conn>, Timestamp), Error> {
    let opening = || Error::server("opening a snapshot");
    let list: Vec<String> = tables.iter().map(|table| format!("{} READ", quote(&table.name))).collect();
    for attempt in 1..=patience.attempts {
        let mut readers = try_join_all((0..count).map(|_| server.connect(Some(schema)))).await?;
        for reader in &mut readers {
            for statement in PREPARE {
                reader.query_drop(statement).await.map_err(opening())?;
            }
        }
        let mut helper = server.connect(Some(schema)).await?;
        let locked = async {
            // The server gives up by itself when nobody is left to tell it so.
            let wait = format!("SET SESSION lock_wait_timeout = {}", patience.hold.as_secs() + 1);
            helper.query_drop(wait).await?;
            if !list.is_empty() {
                helper.query_drop(format!("LOCK TABLES {}", list.join(", "))).await?;
            }
            try_join_all(readers.iter_mut().map(|reader| reader.query_drop(OPEN))).await
        };
        match timeout(patience.hold, locked).await {
            Ok(Ok(_)) => {
                let at = Timestamp::now();
                helper.query_drop("UNLOCK TABLES").await.map_err(opening())?;
                // The snapshots are open, and that is all it was for.
                let _ = helper.disconnect().await;
                return Ok((readers, at));
            }
            Ok(Err(error)) => return Err(opening()(error)),
            Err(_) => {}
        }
        // Going away would not take back what it asks for. It may have ended by itself.
        let helper_id = helper.id();
        drop(helper);
        let mut other = server.connect(None).await?;
        let _ = other.query_drop(format!("KILL {helper_id}")).await;
        on_event(Event::Busy { attempt, of: patience.attempts, held: patience.hold });
        if attempt < patience.attempts {
            tokio::time::sleep(patience.pause).await;
        }
    }
    Err(Error::Busy { attempts: patience.attempts, limit: patience.hold })
}
