//! Remembers answers within one observation, so that two resources that need the same answer ask once.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::OnceCell;

use crate::Failure;

type Answer = Result<Arc<dyn Any + Send + Sync>, Failure>;
type Cell = Arc<OnceCell<Answer>>;

/// Answers by key, each fetched once. A failure is an answer too: what cannot be reached is not asked again and again.
///
/// It lives in memory only and as long as one observation or one reconciliation pass, so nothing in it can be stale.
#[derive(Default)]
pub struct Memo(Mutex<HashMap<String, Cell>>);

impl Memo {
    /// The answer kept under `key`, or the one `fetch` gives.
    ///
    /// # Errors
    /// What `fetch` fails with, or a permanent failure when one key is used for two types.
    pub async fn once<T, F>(&self, key: &str, fetch: F) -> Result<Arc<T>, Failure>
    where
        T: Any + Send + Sync,
        F: Future<Output = Result<T, Failure>>,
    {
        let cell = {
            let mut cells = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(cells.entry(key.to_owned()).or_default())
        };
        let answer = cell.get_or_init(|| async { fetch.await.map(|value| Arc::new(value) as _) }).await;
        Arc::clone(answer.as_ref().map_err(Clone::clone)?)
            .downcast::<T>()
            .map_err(|_| Failure::permanent(format!("remember `{key}`"), "two types share this key"))
    }
}

impl std::fmt::Debug for Memo {
    // What is remembered may be secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo")
    }
}
