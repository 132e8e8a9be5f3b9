//! The way of events from the outbox into the journal in S3, and what waits for it.
//!
//! One task, [`keep`], reads what was committed and is not in the journal, all of it whoever committed it, and writes it as
//! one object; whatever is committed meanwhile joins the next. So the journal never has an event without those that it
//! builds on, with any number of processes, and nobody waits for more than two objects.

mod bucket;
mod outbox;
mod waiting;

use std::{sync::Arc, time::Duration};

use jewel_journal::{GivenUp, Writer};
use sqlx::{MySqlConnection, MySqlPool};
use time::OffsetDateTime;
use tokio::sync::oneshot;
use uuid::{NoContext, Timestamp, Uuid};

use crate::{
    app::App,
    config::{Config, JournalConfig},
    database,
    error::{ApiError, chain},
};
use bucket::Bucket;
use waiting::Waiting;

/// For how long an object may be on its way before changes are refused.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a request waits for its event. Less than a request may take in all.
const WAIT: Duration = Duration::from_secs(6);

/// How often the outbox is looked at when nobody waits: a process that died, or a caller that left, may have committed.
const SWEEP: Duration = Duration::from_secs(1);

/// How long the outbox has an event that is in the journal. Nothing asks for it there any more; people may.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// How many of those are cleared away by one statement, which holds nobody up.
const PRUNED: u32 = 500;

/// The pause after the database failed.
const PAUSE: Duration = Duration::from_millis(200);

/// The journal as the rest of the API sees it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Journal(Option<Arc<Inner>>);

struct Inner {
    /// Apart from the requests', so that it waits for none of them.
    pool: MySqlPool,
    bucket: Bucket,
    waiting: Waiting,
    release: Option<String>,
}

/// Why the journal is not kept any more.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("the journal cannot go on in this process")]
    GivenUp(#[from] GivenUp),
    #[error("the journal's task failed")]
    Task(#[from] tokio::task::JoinError),
}

impl Journal {
    pub(crate) fn new(config: &Config) -> Self {
        let (JournalConfig::S3 { bucket, prefix }, Some(aws)) = (&config.journal, &config.aws) else {
            return Self(None);
        };
        Self(Some(Arc::new(Inner {
            pool: database::pool(&config.database, 1),
            bucket: Bucket::new(aws, bucket, prefix),
            waiting: Waiting::default(),
            release: config.release.clone(),
        })))
    }

    /// Refuses changes while the journal cannot be written: what could not be acknowledged must not be begun.
    pub(crate) fn accepting(&self) -> Result<(), ApiError> {
        match &self.0 {
            Some(inner) if inner.waiting.is_over() || inner.bucket.troubled_for() > PATIENCE => {
                Err(ApiError::JournalUnavailable)
            }
            _ => Ok(()),
        }
    }

    /// Whether there is a journal at all.
    pub(crate) fn is_kept(&self) -> bool {
        self.0.is_some()
    }

    /// Returns when this committed event is in the journal.
    pub(crate) async fn durable(&self, event: Uuid) -> Result<(), ApiError> {
        let Some(inner) = &self.0 else { return Ok(()) };
        let told = inner.waiting.enter(event);
        match tokio::time::timeout(WAIT, told).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(ApiError::Pending),
        }
    }

    /// Writes what is committed until `stop`, and then what is left.
    pub(crate) async fn keep(&self, mut stop: oneshot::Receiver<()>) -> Result<(), KeepError> {
        let Some(inner) = &self.0 else {
            // Ending is what stops the server: without a journal, that is not for us to say.
            let _ = stop.await;
            return Ok(());
        };
        let kept = inner.keep(&mut stop).await;
        // Whoever still waits learns that nobody will tell.
        inner.waiting.end();
        inner.pool.close().await;
        if let Err(reason) = &kept {
            tracing::error!(error = %chain(reason), "the journal is given up: no change is accepted any more");
        }
        Ok(kept?)
    }

    /// Opens a part of the journal and closes it, to see whether that can be done.
    pub(crate) async fn reach(&self, connection: &mut MySqlConnection) -> Result<String, String> {
        let Some(inner) = &self.0 else {
            return Ok("off: what the database loses is lost".to_owned());
        };
        let place = inner.bucket.place();
        let opening = async {
            let epoch = outbox::next_epoch(connection).await.map_err(|error| chain(&error))?;
            let writer = Writer::open(&inner.bucket, epoch, inner.release.as_deref(), OffsetDateTime::now_utc()).await;
            match writer {
                Ok(writer) => writer.close(&inner.bucket, OffsetDateTime::now_utc()).await.map(drop),
                // Somebody else wrote there, so it can be written.
                Err(GivenUp::Taken(_)) => Ok(()),
                Err(other) => Err(other),
            }
            .map_err(|error| chain(&error))
        };
        match tokio::time::timeout(WAIT, opening).await {
            Ok(Ok(())) => Ok(format!("{place} can be written")),
            Ok(Err(words)) => Err(format!("{place}: {words}")),
            Err(_) => Err(format!("{place}: {}", inner.bucket.trouble())),
        }
    }
}

impl Inner {
    async fn keep(&self, stop: &mut oneshot::Receiver<()>) -> Result<(), GivenUp> {
        let mut writer = self.open().await?;
        tracing::info!(epoch = writer.epoch(), "journal opened");
        loop {
            // Asked before the outbox is read: whoever is here and not there need not wait.
            let waiting = self.waiting.events();
            let batch = retried("read the outbox", || outbox::unjournaled(&self.pool)).await;
            self.tell_others(&waiting, &batch).await;
            if !batch.is_empty() {
                let bodies: Vec<&str> = batch.iter().map(|(_, body)| body.as_str()).collect();
                let key = writer.append(&self.bucket, &bodies, OffsetDateTime::now_utc()).await?;
                let events: Vec<Uuid> = batch.iter().map(|(event, _)| *event).collect();
                self.waiting.tell(&events);
                retried("mark the outbox", || outbox::mark(&self.pool, &events, key)).await;
                continue;
            }
            tokio::select! {
                () = self.waiting.somebody() => {}
                () = tokio::time::sleep(SWEEP) => {}
                _ = &mut *stop => break,
            }
        }
        writer.close(&self.bucket, OffsetDateTime::now_utc()).await.map(drop)
    }

    /// Opens an epoch that nobody had. A restored database counts from further back, and finds numbers taken.
    async fn open(&self) -> Result<Writer, GivenUp> {
        loop {
            let epoch = retried("take an epoch", || outbox::next_epoch(&self.pool)).await;
            match Writer::open(&self.bucket, epoch, self.release.as_deref(), OffsetDateTime::now_utc()).await {
                Err(GivenUp::Taken(_)) => {}
                other => return other,
            }
        }
    }

    /// Tells those whose events another process has journaled.
    async fn tell_others(&self, waiting: &[Uuid], batch: &[(Uuid, String)]) {
        let missing: Vec<Uuid> =
            waiting.iter().copied().filter(|event| batch.iter().all(|(other, _)| other != event)).collect();
        if !missing.is_empty() {
            let journaled = retried("read the outbox", || outbox::journaled(&self.pool, &missing)).await;
            self.waiting.tell(&journaled);
        }
    }
}

/// Clears old events out of the outbox. Whoever asks for one that is gone learns what is true: it is in the journal.
pub(crate) async fn prune(app: &App) -> Result<(), ApiError> {
    let now = OffsetDateTime::now_utc() - KEPT;
    let second = u64::try_from(now.unix_timestamp()).unwrap_or_default();
    let before = Uuid::new_v7(Timestamp::from_unix(NoContext, second, 0));
    while outbox::prune(app.pool(), before, PRUNED).await? == u64::from(PRUNED) {}
    Ok(())
}

/// Does it until it is done: the database comes back.
async fn retried<T, F: Future<Output = Result<T, sqlx::Error>>>(what: &str, work: impl Fn() -> F) -> T {
    loop {
        match work().await {
            Ok(value) => return value,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "could not {what}");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}
