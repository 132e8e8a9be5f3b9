//! Products in full, read together: whoever asks while a read is under way shares the next one.
//!
//! Nothing is kept: each answer was read from the database after it was asked for. One product takes a statement, and so
//! do thirty; under load that is what a server's time goes into, and alone nobody waits for company.

use std::{collections::HashMap, sync::Arc};

use sqlx::MySqlPool;
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{show::Showing, store};
use crate::error::ApiError;

/// Reads under way at once: the others wait and go together. Two keep a small database server busy.
const READERS: usize = 2;

/// The most products of one read.
const MOST: usize = 32;

/// A product's name in addresses, and who wants its document.
type Ask = (String, oneshot::Sender<Option<String>>);

/// Reads products for whoever asks.
pub(crate) struct Products {
    pool: MySqlPool,
    showing: Showing,
    asks: mpsc::UnboundedSender<Ask>,
}

impl Products {
    /// Begins to read. Must be called within a runtime; the reading ends with the value.
    pub(crate) fn new(pool: &MySqlPool, showing: &Showing) -> Self {
        let (asks, asked) = mpsc::unbounded_channel();
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..READERS {
            tokio::spawn(read(pool.clone(), showing.clone(), Arc::clone(&asked)));
        }
        Self { pool: pool.clone(), showing: showing.clone(), asks }
    }

    /// The product with this slug, if it is on sale, as JSON.
    pub(crate) async fn get(&self, slug: &str) -> Result<Option<String>, ApiError> {
        let (answer, answered) = oneshot::channel();
        if self.asks.send((slug.to_owned(), answer)).is_ok()
            && let Ok(found) = answered.await
        {
            return Ok(found);
        }
        // The read failed for all who shared it. Each finds out by itself what is wrong.
        Ok(store::details(&self.pool, &self.showing, &[slug]).await?.remove(slug))
    }
}

/// Takes all that wait, reads, answers; until nobody can ask any more.
async fn read(pool: MySqlPool, showing: Showing, asked: Arc<Mutex<mpsc::UnboundedReceiver<Ask>>>) {
    let mut waiting = Vec::with_capacity(MOST);
    while asked.lock().await.recv_many(&mut waiting, MOST).await > 0 {
        // Callers who left are not read for.
        waiting.retain(|(_, answer)| !answer.is_closed());
        let slugs: Vec<&str> = waiting.iter().map(|(slug, _)| slug.as_str()).collect();
        match store::details(&pool, &showing, &slugs).await {
            Ok(found) => answer_all(&mut waiting, found),
            Err(error) => {
                tracing::debug!(%error, "a read together failed");
                waiting.clear();
            }
        }
    }
}

fn answer_all(waiting: &mut Vec<Ask>, mut found: HashMap<String, String>) {
    while let Some((slug, answer)) = waiting.pop() {
        // The last one who wants a product gets it, the others a copy.
        let is_wanted_again = waiting.iter().any(|(other, _)| *other == slug);
        let document = if is_wanted_again { found.get(&slug).cloned() } else { found.remove(&slug) };
        // Who left meanwhile does not hear it.
        let _ = answer.send(document);
    }
}
