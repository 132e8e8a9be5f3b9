//! The lock as an object in the operations bucket.
//!
//! S3 gives what a lease needs: `If-None-Match: *` writes only where nothing is, `If-Match` only over what was read.

use async_trait::async_trait;
use aws_sdk_s3::{Client, primitives::ByteStream};
use jewel_engine::{Failure, FailureKind, Lease, LeaseOptions, LeaseRecord, LeaseStore, StoreError, Version};

use crate::{
    Clients, Names, StackSpec, classify,
    failure::{incomplete, optional},
    storage::Bucket,
};

/// The object's key.
pub(crate) const KEY: &str = "lock.json";

/// The lock of the stack. Taking it makes the operations bucket if it does not exist yet.
pub fn lease(spec: &StackSpec, clients: &Clients) -> Lease {
    let bucket = Names::new(spec).bucket("operations");
    Lease::new(
        Store { s3: clients.s3.clone(), bucket, make: Bucket::operations(spec, clients) },
        LeaseOptions::default(),
    )
}

struct Store {
    s3: Client,
    bucket: String,
    make: Bucket,
}

#[async_trait]
impl LeaseStore for Store {
    async fn get(&self) -> Result<Option<(LeaseRecord, Version)>, StoreError> {
        let action = "read the lock";
        let sent = self.s3.get_object().bucket(&self.bucket).key(KEY).send().await;
        let answer = optional(sent.map_err(|error| classify(action, error))).map_err(StoreError::Failed)?;
        let Some(object) = answer else { return Ok(None) };
        let version = Version(object.e_tag.ok_or_else(|| StoreError::Failed(incomplete(action, "ETag")))?);
        let lost = |why: String| StoreError::Failed(Failure::new(FailureKind::Transient, action, why));
        let bytes = object.body.collect().await.map_err(|error| lost(error.to_string()))?.into_bytes();
        let record = serde_json::from_slice(&bytes).map_err(|error| {
            StoreError::Failed(Failure::permanent(
                action,
                format!(
                    "s3://{}/{KEY} is not a lock of ours ({error}); remove it with `jewelctl lock release`",
                    self.bucket
                ),
            ))
        })?;
        Ok(Some((record, version)))
    }

    async fn put(&self, record: &LeaseRecord, expected: Option<&Version>) -> Result<Version, StoreError> {
        match self.write(record, expected).await {
            // Only the first write may make the bucket: a renewal that finds it gone has lost the lock with it.
            Err(failure) if failure.code.as_deref() == Some("NoSuchBucket") && expected.is_none() => {
                self.make.create_if_missing().await.map_err(StoreError::Failed)?;
                self.write(record, expected).await
            }
            other => other,
        }
        .map_err(|failure| match failure.kind {
            FailureKind::Conflict => StoreError::Changed,
            // `If-Match` on what is gone answers 404.
            FailureKind::NotFound if expected.is_some() => StoreError::Changed,
            _ => StoreError::Failed(failure),
        })
    }

    async fn delete(&self, expected: Option<&Version>) -> Result<(), StoreError> {
        if let Some(expected) = expected {
            // Conditional deletes are younger than conditional writes and not offered everywhere. The gap between this
            // look and the delete is harmless: a takeover needs the lease to have expired first.
            match self.get().await? {
                Some((_, version)) if version == *expected => {}
                Some(_) | None => return Err(StoreError::Changed),
            }
        }
        let sent = self.s3.delete_object().bucket(&self.bucket).key(KEY).send().await;
        optional(sent.map_err(|error| classify("release the lock", error))).map_err(StoreError::Failed)?;
        Ok(())
    }
}

impl Store {
    async fn write(&self, record: &LeaseRecord, expected: Option<&Version>) -> Result<Version, Failure> {
        let action = "write the lock";
        let body = serde_json::to_vec_pretty(record).map_err(|error| Failure::permanent(action, error.to_string()))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(KEY).content_type("application/json");
        let put = match expected {
            Some(Version(etag)) => put.if_match(etag),
            None => put.if_none_match("*"),
        };
        let answer = put.body(ByteStream::from(body)).send().await.map_err(|error| classify(action, error))?;
        answer.e_tag.map(Version).ok_or_else(|| incomplete(action, "ETag"))
    }
}
