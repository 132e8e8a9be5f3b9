//! How much one client may ask for: so many requests a second, more for a moment. Whoever asks for more is told when to
//! come back.
//!
//! Each client has a place in a table of fixed size, found by a hash that nobody outside can predict: memory does not
//! grow with the number of clients, and two that share a place merely share their rate. A place holds the time until
//! which it is used up (the generic cell rate algorithm).

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::client;
use crate::{app::App, error::ApiError};

/// How many places there are: half a megabyte.
const PLACES: usize = 1 << 16;

/// How many seconds' worth of requests may come at once, since a page asks for many things.
const BURST_SECONDS: u32 = 10;

/// The rate of every client.
pub(crate) struct Rate {
    used_until: Box<[AtomicU64]>,
    hasher: RandomState,
    begun: Instant,
    /// How long one request uses its client's place, in nanoseconds.
    each: u64,
    /// How far ahead a place may be used.
    ahead: u64,
}

impl Rate {
    /// So many requests a second.
    pub(crate) fn new(per_second: u32) -> Self {
        let each = 1_000_000_000 / u64::from(per_second.max(1));
        Self {
            used_until: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            begun: Instant::now(),
            each,
            ahead: each * u64::from(per_second.max(1) * BURST_SECONDS),
        }
    }

    /// Counts a request of this client; refuses it when the client's place is used up.
    pub(crate) fn take(&self, client: impl Hash) -> Result<(), ApiError> {
        let now = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.take_at(now, client).map_err(|wait| ApiError::TooManyRequests { wait })
    }

    fn take_at(&self, now: u64, client: impl Hash) -> Result<(), Duration> {
        let place = usize::try_from(self.hasher.hash_one(client) % PLACES as u64).unwrap_or_default();
        let used = self.used_until[place].fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let next = used.max(now) + self.each;
            (next <= now + self.ahead).then_some(next)
        });
        used.map(drop).map_err(|used| Duration::from_nanos(used + self.each - now - self.ahead))
    }
}

/// Refuses what a visitor's address asks for too often. Stands behind the origin check: what our proxies say of the
/// visitor is true then. Without that check nobody is believed, and who connected counts.
pub(crate) async fn limit(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    if let Some(rate) = app.rate() {
        let address = if app.origins().are_checked() {
            client::visitor(request.headers())
        } else {
            client::peer(request.extensions())
        };
        if let Some(address) = address {
            rate.take(address)?;
        }
    }
    Ok(next.run(request).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_client_may_ask_at_its_rate_and_more_for_a_moment() {
        let rate = Rate::new(5);
        let taken = |now| (0..1_000).take_while(|_| rate.take_at(now, "one").is_ok()).count();
        assert_eq!(taken(0), 50);
        assert_eq!(rate.take_at(0, "one"), Err(Duration::from_millis(200)));
        rate.take_at(0, "other").unwrap();
        assert_eq!(taken(SECOND), 5);
        assert_eq!(taken(60 * SECOND), 50);
    }

    #[test]
    fn more_clients_than_places_take_no_more_memory() {
        let rate = Rate::new(1);
        let refused = (0..PLACES * 4).filter(|client| rate.take_at(0, client).is_err()).count();
        assert_eq!(rate.used_until.len(), PLACES);
        // Four share a place on average, and ten fit into one.
        assert!(refused < PLACES / 100, "{refused}");
    }
}
