//! One apply at a time: a lease that a killed holder loses by itself.
//!
//! The rules are here and the store is elsewhere: anything with "put if absent" and "put if unchanged" will do. A lease
//! lives for [`LeaseOptions::ttl`] after its last renewal. A holder that cannot renew learns it from [`Held::lost`] and
//! stops; whoever takes an expired lease over does so with "put if unchanged", so two never hold it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::Failure;

/// What a store uses to tell one version of the lease from another (an ETag).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version(pub String);

/// Where the lease is kept.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// The lease, if there is one.
    async fn get(&self) -> Result<Option<(LeaseRecord, Version)>, StoreError>;
    /// Writes it if there is none (`expected` is `None`) or if it is still the expected version.
    async fn put(&self, record: &LeaseRecord, expected: Option<&Version>) -> Result<Version, StoreError>;
    /// Deletes it if it is still the expected version, or whatever it is.
    async fn delete(&self, expected: Option<&Version>) -> Result<(), StoreError>;
}

/// What a store can answer.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is another version, or none.
    #[error("the lease is not as expected")]
    Changed,
    /// It could not be asked.
    #[error("the lease could not be reached")]
    Failed(#[source] Failure),
}

/// Who holds the lease.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The person, as the machine knows them.
    pub user: String,
    /// The machine.
    pub host: String,
    /// The process on it.
    pub pid: u32,
    /// What it is doing, such as `jewelctl provision`.
    pub command: String,
}

/// The stored form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeaseRecord {
    /// The version of this form.
    pub format_version: u32,
    /// Tells two runs apart even on one machine.
    pub id: String,
    /// Who.
    pub holder: Holder,
    /// Since when.
    pub acquired_at: Timestamp,
    /// When it was last renewed.
    pub renewed_at: Timestamp,
    /// When it may be taken over.
    pub expires_at: Timestamp,
}

impl LeaseRecord {
    /// Whether it may be taken over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// How long it has been held, in whole seconds.
    pub fn held_for(&self, now: Timestamp) -> u64 {
        u64::try_from(now.duration_since(self.acquired_at).as_secs()).unwrap_or(0)
    }

    /// How long it lives on without renewal, in whole seconds.
    pub fn expires_in(&self, now: Timestamp) -> u64 {
        u64::try_from(self.expires_at.duration_since(now).as_secs()).unwrap_or(0)
    }
}

/// The times of a lease.
#[derive(Debug, Clone, Copy)]
pub struct LeaseOptions {
    /// How long it lives without renewal.
    pub ttl: Duration,
    /// How often it is renewed.
    pub heartbeat: Duration,
    /// How often a waiting run looks again.
    pub poll: Duration,
}

impl Default for LeaseOptions {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(45), heartbeat: Duration::from_secs(10), poll: Duration::from_secs(1) }
    }
}

/// What the caller knows of a holder beyond the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// It is at work, or out of sight.
    Alive,
    /// It is gone for certain, and will not renew.
    Gone,
}

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has it.
    #[error(
        "locked by {} on {} (process {}, `{}`) for {} s",
        record.holder.user, record.holder.host, record.holder.pid, record.holder.command,
        record.held_for(Timestamp::now())
    )]
    Held {
        /// What is stored.
        record: Box<LeaseRecord>,
    },
    /// The store did not work.
    #[error("the lock could not be used")]
    Store(#[source] StoreError),
}

/// How often the lease may be found free and yet not be taken.
const CONTESTS: u32 = 20;

/// A lease that can be taken.
#[derive(Clone)]
pub struct Lease {
    store: Arc<dyn LeaseStore>,
    options: LeaseOptions,
}

impl Lease {
    /// A lease kept in `store`.
    pub fn new(store: impl LeaseStore, options: LeaseOptions) -> Self {
        Self { store: Arc::new(store), options }
    }

    /// Takes the lease, waiting for at most `wait` while another run holds it. `id` must be unique to this run.
    ///
    /// `sight` is asked about whoever is found holding it. A lease that expired or was abandoned is taken over by one
    /// conditional write over exactly what was seen, so a holder that comes back to life and renews keeps it.
    ///
    /// # Errors
    /// When it is held for longer than that, or the store does not work.
    pub async fn acquire(
        &self,
        id: &str,
        holder: &Holder,
        wait: Duration,
        sight: &(dyn Fn(&LeaseRecord) -> Sight + Send + Sync),
    ) -> Result<Held, LeaseError> {
        let deadline = Instant::now() + wait;
        let mut contests = 0;
        loop {
            let now = Timestamp::now();
            let current = self.store.get().await.map_err(LeaseError::Store)?;
            let expected = match current {
                // An answer lost after success: it is ours already.
                Some((record, version)) if record.id == id => return Ok(self.hold(record, version)),
                Some((record, _)) if !record.is_expired(now) && sight(&record) == Sight::Alive => {
                    if Instant::now() + self.options.poll > deadline {
                        return Err(LeaseError::Held { record: Box::new(record) });
                    }
                    tokio::time::sleep(self.options.poll).await;
                    continue;
                }
                Some((_, version)) => Some(version),
                None => None,
            };
            let record = LeaseRecord {
                format_version: 1,
                id: id.to_owned(),
                holder: holder.clone(),
                acquired_at: now,
                renewed_at: now,
                expires_at: after(now, self.options.ttl),
            };
            match self.store.put(&record, expected.as_ref()).await {
                Ok(version) => return Ok(self.hold(record, version)),
                // Somebody was faster, or our own answer was lost: look who has it. Nobody, time and again, is a store
                // that does not work.
                Err(StoreError::Changed) if contests < CONTESTS => {
                    contests += 1;
                    tokio::time::sleep(self.options.poll / 10).await;
                }
                Err(error) => return Err(LeaseError::Store(error)),
            }
        }
    }

    /// Who holds the lease, expired or not.
    ///
    /// # Errors
    /// When the store does not work.
    pub async fn status(&self) -> Result<Option<LeaseRecord>, LeaseError> {
        Ok(self.store.get().await.map_err(LeaseError::Store)?.map(|(record, _)| record))
    }

    /// Takes the lease away from the run `id`, if it still has it; `false` when it had none any more.
    ///
    /// A holder that is still at work notices at its next renewal and starts nothing more.
    ///
    /// # Errors
    /// When another run has it by now, or the store does not work.
    pub async fn take_from(&self, id: &str) -> Result<bool, LeaseError> {
        match self.store.get().await.map_err(LeaseError::Store)? {
            None => Ok(false),
            Some((record, _)) if record.id != id => Err(LeaseError::Held { record: Box::new(record) }),
            // Not only this version: the holder may renew at any moment, and it is the holder who is meant.
            Some(_) => self.store.delete(None).await.map(|()| true).map_err(LeaseError::Store),
        }
    }

    fn hold(&self, record: LeaseRecord, version: Version) -> Held {
        let lost = CancellationToken::new();
        let stop = CancellationToken::new();
        let beat = tokio::spawn(heartbeat(
            Arc::clone(&self.store),
            self.options,
            record.clone(),
            version,
            stop.clone(),
            lost.clone(),
        ));
        Held { record, store: Arc::clone(&self.store), lost, stop: stop.drop_guard(), beat }
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A lease that is held and renewed in the background. Dropped without [`Held::release`], it expires by itself.
pub struct Held {
    record: LeaseRecord,
    store: Arc<dyn LeaseStore>,
    lost: CancellationToken,
    stop: DropGuard,
    beat: tokio::task::JoinHandle<Version>,
}

impl Held {
    /// What was stored when it was taken.
    pub fn record(&self) -> &LeaseRecord {
        &self.record
    }

    /// Cancelled when the lease could not be kept: whoever holds it must stop writing.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// Gives it back. A lease that is gone already (taken over, or deleted with its bucket) is no error.
    ///
    /// # Errors
    /// When the store does not work; the lease then expires by itself.
    pub async fn release(self) -> Result<(), LeaseError> {
        drop(self.stop);
        // The heartbeat ends at its next step and returns the version it wrote last.
        let Ok(version) = self.beat.await else { return Ok(()) };
        if self.lost.is_cancelled() {
            return Ok(());
        }
        match self.store.delete(Some(&version)).await {
            Ok(()) | Err(StoreError::Changed) => Ok(()),
            Err(error) => Err(LeaseError::Store(error)),
        }
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("record", &self.record).finish_non_exhaustive()
    }
}

async fn heartbeat(
    store: Arc<dyn LeaseStore>,
    options: LeaseOptions,
    mut record: LeaseRecord,
    mut version: Version,
    stop: CancellationToken,
    lost: CancellationToken,
) -> Version {
    let mut renewed = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return version,
            () = tokio::time::sleep(options.heartbeat) => {}
        }
        let now = Timestamp::now();
        record.renewed_at = now;
        record.expires_at = after(now, options.ttl);
        match store.put(&record, Some(&version)).await {
            Ok(next) => {
                version = next;
                renewed = Instant::now();
            }
            Err(StoreError::Changed) => {
                // The answer to our own renewal may have been lost.
                match store.get().await {
                    Ok(Some((stored, found))) if stored.id == record.id => version = found,
                    _ => {
                        lost.cancel();
                        return version;
                    }
                }
            }
            // Unreachable is not lost until it would have expired for others.
            Err(StoreError::Failed(_)) if renewed.elapsed() + options.heartbeat < options.ttl => {}
            Err(StoreError::Failed(_)) => {
                lost.cancel();
                return version;
            }
        }
    }
}

fn after(now: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| now.checked_add(span).ok()).unwrap_or(Timestamp::MAX)
}
