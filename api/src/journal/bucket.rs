//! Objects into the bucket: one attempt at a time, and what its answer means.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aws_sdk_s3::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
    error::SdkError,
    operation::put_object::PutObjectError,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use jewel_journal::{Answer, Append, Hash, Key};

use crate::{config::AwsConfig, error::chain, storage};

/// How long an attempt may take. A later answer tells nothing, and the same bytes are sent again.
const ATTEMPT: Duration = Duration::from_secs(3);

/// The pause after the first attempt that failed; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);

/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Where the journal is.
pub(super) struct Bucket {
    client: Client,
    bucket: String,
    prefix: String,
    trouble: Mutex<Trouble>,
}

/// What is on its way.
#[derive(Default)]
struct Trouble {
    since: Option<Instant>,
    failures: u32,
    reason: Option<String>,
}

impl Bucket {
    pub(super) fn new(aws: &AwsConfig, bucket: &str, prefix: &str) -> Self {
        // The protocol knows what an unknown outcome means, and the SDK does not: it may not try again by itself.
        let timeouts = TimeoutConfig::builder().operation_timeout(ATTEMPT).connect_timeout(ATTEMPT / 2).build();
        let settings = storage::settings(aws).retry_config(RetryConfig::disabled()).timeout_config(timeouts);
        Self {
            client: Client::from_conf(settings.build()),
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            trouble: Mutex::default(),
        }
    }

    /// Its address, for people.
    pub(super) fn place(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.prefix)
    }

    /// For how long the object at hand is on its way.
    pub(super) fn troubled_for(&self) -> Duration {
        self.lock().since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Why it does not arrive.
    pub(super) fn trouble(&self) -> String {
        self.lock().reason.clone().unwrap_or_else(|| "no answer".to_owned())
    }

    async fn attempt(&self, key: Key, object: &[u8]) -> Result<(), Box<SdkError<PutObjectError>>> {
        let put = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(format!("{}/{key}", self.prefix))
            .if_none_match("*")
            .content_type("application/x-ndjson")
            .checksum_sha256(BASE64_STANDARD.encode(Hash::of(object).as_bytes()))
            .body(object.to_vec().into());
        put.send().await.map(drop).map_err(Box::new)
    }

    fn lock(&self) -> MutexGuard<'_, Trouble> {
        // Nothing between lock and unlock can leave it half changed.
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Append for Bucket {
    async fn put_new(&self, key: Key, object: &[u8]) -> Answer {
        self.lock().since.get_or_insert_with(Instant::now);
        let error = match self.attempt(key, object).await {
            Ok(()) => {
                *self.lock() = Trouble::default();
                return Answer::Stored;
            }
            Err(error) => error,
        };
        if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 412) {
            *self.lock() = Trouble::default();
            return Answer::Taken;
        }
        let reason = chain(error.as_ref());
        tracing::warn!(%key, error = reason, "an object of the journal may not have arrived");
        let pause = {
            let mut trouble = self.lock();
            trouble.failures += 1;
            trouble.reason = Some(reason);
            LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.saturating_pow(trouble.failures.saturating_sub(1).min(10)))
        };
        tokio::time::sleep(pause).await;
        Answer::Unknown
    }
}
