//! The lease against a store in memory.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use jewel_engine::{
    Failure, FailureKind, Holder, Lease, LeaseError, LeaseOptions, LeaseRecord, LeaseStore, Sight, StoreError, Version,
};

#[derive(Clone, Default)]
struct Store {
    kept: Arc<Mutex<Option<(LeaseRecord, u64)>>>,
    /// Versions are never used twice.
    last: Arc<Mutex<u64>>,
    /// Writes take effect but their answers are lost, so many times.
    losing: Arc<Mutex<u32>>,
}

#[async_trait]
impl LeaseStore for Store {
    async fn get(&self) -> Result<Option<(LeaseRecord, Version)>, StoreError> {
        Ok(self.kept.lock().unwrap().clone().map(|(record, version)| (record, Version(version.to_string()))))
    }

    async fn put(&self, record: &LeaseRecord, expected: Option<&Version>) -> Result<Version, StoreError> {
        let mut kept = self.kept.lock().unwrap();
        let current = kept.as_ref().map(|(_, version)| version.to_string());
        if current.as_deref() != expected.map(|version| version.0.as_str()) {
            return Err(StoreError::Changed);
        }
        let mut last = self.last.lock().unwrap();
        *last += 1;
        let next = *last;
        *kept = Some((record.clone(), next));
        let mut losing = self.losing.lock().unwrap();
        if *losing > 0 {
            *losing -= 1;
            return Err(StoreError::Failed(Failure::new(FailureKind::Transient, "write the lock", "no answer")));
        }
        Ok(Version(next.to_string()))
    }

    async fn delete(&self, expected: Option<&Version>) -> Result<(), StoreError> {
        let mut kept = self.kept.lock().unwrap();
        let current = kept.as_ref().map(|(_, version)| version.to_string());
        if expected.is_some() && current.as_deref() != expected.map(|version| version.0.as_str()) {
            return Err(StoreError::Changed);
        }
        *kept = None;
        Ok(())
    }
}

fn holder(command: &str) -> Holder {
    Holder { user: "ada".to_owned(), host: "engine".to_owned(), pid: 7, command: command.to_owned() }
}

fn lease(store: &Store) -> Lease {
    let options = LeaseOptions {
        ttl: Duration::from_millis(120),
        heartbeat: Duration::from_millis(20),
        poll: Duration::from_millis(5),
    };
    Lease::new(store.clone(), options)
}

async fn take(store: &Store, id: &str, wait: Duration) -> Result<jewel_engine::Held, LeaseError> {
    lease(store).acquire(id, &holder(id), wait, &|_| Sight::Alive).await
}

#[tokio::test]
async fn the_second_is_told_who_holds_it() {
    let store = Store::default();
    let held = take(&store, "first", Duration::ZERO).await.unwrap();
    let error = take(&store, "second", Duration::ZERO).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Held { record } if record.holder == holder("first")), "{error}");
    assert!(error.to_string().starts_with("locked by ada on engine (process 7, `first`)"), "{error}");
    held.release().await.unwrap();
    take(&store, "second", Duration::ZERO).await.unwrap().release().await.unwrap();
    assert!(store.kept.lock().unwrap().is_none());
}

#[tokio::test]
async fn it_is_kept_for_longer_than_it_lives_and_waited_for() {
    let store = Store::default();
    let held = take(&store, "first", Duration::ZERO).await.unwrap();
    // Far beyond its lifetime, and still held because it is renewed.
    assert!(take(&store, "second", Duration::from_millis(500)).await.is_err());
    assert!(!held.lost().is_cancelled());
    let (waiting, ()) = tokio::join!(take(&store, "second", Duration::from_secs(5)), async {
        held.release().await.unwrap();
    });
    waiting.unwrap();
}

#[tokio::test]
async fn a_killed_holder_loses_it_by_itself() {
    let store = Store::default();
    drop(take(&store, "killed", Duration::ZERO).await.unwrap());
    assert!(store.kept.lock().unwrap().is_some(), "nothing was given back");
    take(&store, "next", Duration::from_secs(5)).await.unwrap();
    assert_eq!(store.kept.lock().unwrap().as_ref().unwrap().0.id, "next");
}

#[tokio::test]
async fn an_abandoned_lease_is_taken_over_at_once_by_one_write() {
    let store = Store::default();
    drop(take(&store, "killed", Duration::ZERO).await.unwrap());
    let gone = |record: &LeaseRecord| if record.id == "killed" { Sight::Gone } else { Sight::Alive };
    let before = *store.last.lock().unwrap();
    let held = lease(&store).acquire("next", &holder("next"), Duration::ZERO, &gone).await.unwrap();
    assert_eq!((held.record().id.as_str(), *store.last.lock().unwrap()), ("next", before + 1));
    // Two that see the same dead holder: one gets it, the other is told who did.
    let error = lease(&store).acquire("late", &holder("late"), Duration::ZERO, &gone).await.unwrap_err();
    assert!(matches!(&error, LeaseError::Held { record } if record.id == "next"), "{error}");
}

#[tokio::test]
async fn a_holder_learns_that_it_was_taken_away() {
    let store = Store::default();
    let held = take(&store, "first", Duration::ZERO).await.unwrap();
    assert!(lease(&store).take_from("first").await.unwrap());
    assert!(!lease(&store).take_from("first").await.unwrap(), "it is gone already");
    tokio::time::timeout(Duration::from_secs(5), held.lost().cancelled()).await.unwrap();
    // And does not take away what another holds now.
    let other = take(&store, "other", Duration::ZERO).await.unwrap();
    held.release().await.unwrap();
    let error = lease(&store).take_from("first").await.unwrap_err();
    assert!(matches!(&error, LeaseError::Held { record } if record.id == "other"), "{error}");
    assert_eq!(lease(&store).status().await.unwrap().unwrap().id, "other");
    other.release().await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_to_a_renewal_is_noticed_as_ours() {
    let store = Store::default();
    let held = take(&store, "first", Duration::ZERO).await.unwrap();
    *store.losing.lock().unwrap() = 2;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while *store.losing.lock().unwrap() > 0 {
        assert!(tokio::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(take(&store, "second", Duration::from_millis(300)).await.is_err());
    assert!(!held.lost().is_cancelled());
    held.release().await.unwrap();
}
