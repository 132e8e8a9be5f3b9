//! Where the reports of drills are: beside the records of runs, as JSON for programs and as Markdown for people.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use jewel_aws::{Clients, Names, StackSpec, classify};
use jewel_engine::{Failure, FailureKind};

use super::Report;

/// Where they are within the operations bucket.
const PREFIX: &str = "drills/";

/// The reports of one shop's drills.
#[derive(Clone, Debug)]
pub struct DrillStore {
    s3: Client,
    bucket: String,
}

impl DrillStore {
    /// Those of the shop that `spec` describes.
    #[must_use]
    pub fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { s3: clients.s3.clone(), bucket: Names::new(spec).bucket("operations") }
    }

    /// Keeps a report.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn put(&self, report: &Report) -> Result<(), Failure> {
        let action = format!("keep the report of drill {}", report.id);
        let json = serde_json::to_vec_pretty(report).map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let texts = [("json", "application/json", json), ("md", "text/markdown", report.to_markdown().into_bytes())];
        for (ending, kind, body) in texts {
            let put = self.s3.put_object().bucket(&self.bucket).key(format!("{PREFIX}{}.{ending}", report.id));
            let sent = put.content_type(kind).body(ByteStream::from(body)).send().await;
            sent.map_err(|error| classify(&action, error))?;
        }
        Ok(())
    }

    /// One of them, if it is there.
    ///
    /// # Errors
    /// When it cannot be read, or is none of ours.
    pub async fn get(&self, id: &str) -> Result<Option<Report>, Failure> {
        let action = format!("read the report of drill {id}");
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
    /// As [`DrillStore::get`].
    pub async fn all(&self) -> Result<Vec<Report>, Failure> {
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(PREFIX).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify("list the reports of drills", error))?;
            for object in page.contents() {
                let Some(id) = object.key().and_then(|key| key.strip_prefix(PREFIX)?.strip_suffix(".json")) else {
                    continue;
                };
                all.extend(self.get(id).await?);
            }
        }
        Ok(all)
    }
}
