//! Who waits for which event.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

/// The requests that wait, by event.
#[derive(Default)]
pub(super) struct Waiting {
    requests: Mutex<Requests>,
    arrived: Notify,
}

#[derive(Default)]
struct Requests {
    by_event: HashMap<Uuid, Vec<oneshot::Sender<()>>>,
    over: bool,
}

impl Waiting {
    /// Waits for an event that was committed. The answer is an error when nobody will tell.
    pub(super) fn enter(&self, event: Uuid) -> oneshot::Receiver<()> {
        let (tell, told) = oneshot::channel();
        let mut requests = self.lock();
        if !requests.over {
            requests.by_event.entry(event).or_default().push(tell);
        }
        drop(requests);
        self.arrived.notify_one();
        told
    }

    /// Returns when somebody came since the last time.
    pub(super) async fn somebody(&self) {
        self.arrived.notified().await;
    }

    /// The events that are waited for.
    pub(super) fn events(&self) -> Vec<Uuid> {
        let mut requests = self.lock();
        requests.by_event.retain(|_, waiting| waiting.iter().any(|tell| !tell.is_closed()));
        requests.by_event.keys().copied().collect()
    }

    /// These events are in the journal.
    pub(super) fn tell(&self, events: &[Uuid]) {
        let mut requests = self.lock();
        let told: Vec<_> = events.iter().filter_map(|event| requests.by_event.remove(event)).flatten().collect();
        drop(requests);
        for tell in told {
            // Who left need not know.
            let _ = tell.send(());
        }
    }

    /// Nobody is told anything any more.
    pub(super) fn end(&self) {
        let mut requests = self.lock();
        requests.over = true;
        requests.by_event.clear();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().over
    }

    fn lock(&self) -> MutexGuard<'_, Requests> {
        // Nothing between lock and unlock can leave it half changed.
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_hears_of_their_own_event_and_of_the_end() {
        let (waiting, first, second) = (Waiting::default(), Uuid::now_v7(), Uuid::now_v7());
        let (one, two, other, gone) =
            (waiting.enter(first), waiting.enter(first), waiting.enter(second), waiting.enter(Uuid::now_v7()));
        drop(gone);
        waiting.somebody().await;
        assert_eq!(waiting.events().len(), 2);
        waiting.tell(&[first]);
        assert_eq!((one.await, two.await), (Ok(()), Ok(())));
        assert_eq!(waiting.events(), [second]);
        waiting.end();
        assert!(other.await.is_err() && waiting.enter(second).await.is_err() && waiting.is_over());
    }
}
