//! Where restores are written down, so that what one machine began another one can end.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use jewel_aws::{Clients, Names, StackSpec, classify};
use jewel_engine::{Failure, FailureKind};

use super::Restore;

/// Where they are within the operations bucket.
const PREFIX: &str = "restores/";

/// The restores of one shop.
#[derive(Clone, Debug)]
pub struct RestoreStore {
    s3: Client,
    bucket: String,
}

impl RestoreStore {
    /// Those of the shop that `spec` describes, whatever is left of it.
    #[must_use]
    pub fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { s3: clients.s3.clone(), bucket: Names::new(spec).bucket("operations") }
    }

    /// Writes one over what was written of it before. The shop's lock is held meanwhile.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn put(&self, restore: &Restore) -> Result<(), Failure> {
        let action = format!("write down restore {}", restore.id);
        let body =
            serde_json::to_vec_pretty(restore).map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(format!("{PREFIX}{}.json", restore.id));
        let sent = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    /// One of them, if it is there.
    ///
    /// # Errors
    /// When it cannot be read, or is none of ours.
    pub async fn get(&self, id: &str) -> Result<Option<Restore>, Failure> {
        let action = format!("read restore {id}");
        let sent = self.s3.get_object().bucket(&self.bucket).key(format!("{PREFIX}{id}.json")).send().await;
        let object = match sent.map_err(|error| classify(&action, error)) {
            Ok(object) => object,
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let lost = |why: String| Failure::new(FailureKind::Transient, &action, why);
        let bytes = object.body.collect().await.map_err(|error| lost(error.to_string()))?.into_bytes();
        serde_json::from_slice(&bytes).map(Some).map_err(|error| Failure::permanent(&action, error.to_string()))
    }

    /// All of them, the oldest first.
    ///
    /// # Errors
    /// As [`RestoreStore::get`].
    pub async fn all(&self) -> Result<Vec<Restore>, Failure> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(PREFIX).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify("list the restores", error))?;
            for object in page.contents() {
                let id = object.key().and_then(|key| key.strip_prefix(PREFIX)?.strip_suffix(".json"));
                if let Some(restore) = self.get(id.unwrap_or_default()).await? {
                    all.push(restore);
                }
            }
        }
        Ok(all)
    }
}
