//! Products in full, by the name they have in addresses.

use sqlx::MySqlPool;

use super::{show::Showing, store, together::Together};
use crate::error::ApiError;

/// Reads products for whoever asks.
pub(crate) struct Products {
    pool: MySqlPool,
    showing: Showing,
    together: Together<String, Option<String>>,
}

impl Products {
    /// Begins to read. Must be called within a runtime.
    pub(crate) fn new(pool: &MySqlPool, showing: &Showing) -> Self {
        let (pool, showing) = (pool.clone(), showing.clone());
        let with = (pool.clone(), showing.clone());
        let together = Together::new(move |slugs| {
            let (pool, showing) = with.clone();
            async move { read(&pool, &showing, &slugs).await }
        });
        Self { pool, showing, together }
    }

    /// The product with this slug, if it is on sale, as JSON.
    pub(crate) async fn get(&self, slug: &str) -> Result<Option<String>, ApiError> {
        if let Some(found) = self.together.ask(slug.to_owned()).await {
            return Ok(found);
        }
        Ok(store::details(&self.pool, &self.showing, &[slug]).await?.remove(slug))
    }
}

async fn read(pool: &MySqlPool, showing: &Showing, slugs: &[String]) -> Result<Vec<Option<String>>, ApiError> {
    let mut found = store::details(pool, showing, &slugs.iter().map(String::as_str).collect::<Vec<_>>()).await?;
    let documents = slugs.iter().enumerate().map(|(at, slug)| {
        // The last one who wants a product gets it, the others a copy.
        let is_wanted_again = slugs[at + 1..].contains(slug);
        if is_wanted_again { found.get(slug).cloned() } else { found.remove(slug) }
    });
    Ok(documents.collect())
}
