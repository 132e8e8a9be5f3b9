//! The records of runs, as objects in the operations bucket: who did what, when, and how it ended.
//!
//! A record is written twice under one key: when the run begins to change things, and at its end. One without an end is
//! of a run that was killed, or still works. The bucket's lifecycle removes records after a year.

use std::collections::BTreeMap;

use aws_sdk_s3::{Client, primitives::ByteStream};
use futures::{StreamExt as _, stream};
use jewel_engine::{Failure, FailureKind, Holder, Outcome, Report};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Clients, Names, StackSpec, classify, failure::optional};

/// Where the records are within the bucket.
pub(crate) const PREFIX: &str = "runs/";

/// How many records are fetched at once.
const AT_ONCE: usize = 16;

/// What is kept of a run. No secret is in it: arguments, attributes and errors never carry one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// The version of this form.
    pub format_version: u32,
    /// Which run; sorts by time.
    pub id: String,
    /// The shop it worked on, such as `shop-prod`.
    pub stack: String,
    /// The account it worked in.
    pub account_id: String,
    /// Who, where, and what was typed.
    #[serde(flatten)]
    pub holder: Holder,
    /// The version of the program.
    pub version: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended; absent when it was killed, or has not.
    pub ended_at: Option<Timestamp>,
    /// Its exit code, when it ended.
    pub exit_code: Option<u8>,
    /// Its phases, in order.
    pub phases: Vec<PhaseRecord>,
    /// The resources it worked on, in the order of the plan.
    pub steps: Vec<StepRecord>,
    /// How often it called what, by `Service.Operation`; every attempt counts.
    pub calls: BTreeMap<String, u64>,
    /// What it failed with, in words.
    pub errors: Vec<String>,
}

/// A phase that ended, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhaseRecord {
    /// What it is called.
    pub name: String,
    /// Milliseconds.
    pub took_ms: u64,
}

/// What became of a resource: an [`Outcome`] as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Which.
    pub address: String,
    /// What was planned: `create`, `update`, …
    pub action: String,
    /// How it ended: `done`, `failed`, `skipped`, `not_started`.
    pub status: String,
    /// Whether anything was written.
    pub wrote: bool,
    /// Milliseconds.
    pub took_ms: u64,
}

impl StepRecord {
    /// The steps of a report that did, or were to do, something.
    pub fn of(report: &Report) -> Vec<Self> {
        let text = |value: serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let record = |outcome: &Outcome| {
            let json = serde_json::to_value(outcome).ok()?;
            Some(Self {
                address: outcome.address.to_string(),
                action: text(json["action"].clone()),
                status: text(json["status"].clone()),
                wrote: outcome.wrote,
                took_ms: outcome.took_ms,
            })
        };
        let idle = |step: &Self| matches!(step.status.as_str(), "unchanged" | "kept");
        report.outcomes.iter().filter_map(record).filter(|step| !idle(step)).collect()
    }
}

/// The records of one shop.
#[derive(Debug, Clone)]
pub struct RunStore {
    s3: Client,
    bucket: String,
}

impl RunStore {
    /// The records of the shop that `spec` describes.
    pub fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { s3: clients.s3.clone(), bucket: Names::new(spec).bucket("operations") }
    }

    /// Writes a record over the earlier one of the same run.
    ///
    /// # Errors
    /// When there is no bucket (any more), or it could not be reached. It is never made for a record.
    pub async fn put(&self, record: &RunRecord) -> Result<(), Failure> {
        let action = "write the record of the run";
        let body = serde_json::to_vec_pretty(record).map_err(|error| Failure::permanent(action, error.to_string()))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(format!("{PREFIX}{}.json", record.id));
        let sent = put.content_type("application/json").body(ByteStream::from(body)).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    /// The last `limit` records, the oldest first; none where there is no bucket.
    ///
    /// # Errors
    /// When the bucket could not be read.
    pub async fn last(&self, limit: usize) -> Result<Vec<RunRecord>, Failure> {
        let mut ids = Vec::new();
        let mut pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(PREFIX).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify("list the records of runs", error));
            let Some(page) = optional(page)? else { break };
            let keys = page.contents().iter().filter_map(|object| object.key());
            ids.extend(keys.filter_map(|key| Some(key.strip_prefix(PREFIX)?.strip_suffix(".json")?.to_owned())));
        }
        // Keys come in the order of their ids, which is that of time.
        let from = ids.len().saturating_sub(limit);
        let records: Vec<_> = stream::iter(ids.drain(from..))
            .map(|id| async move { self.get(&id).await })
            .buffered(AT_ONCE)
            .collect()
            .await;
        records.into_iter().filter_map(Result::transpose).collect()
    }

    /// One record, if there is one.
    ///
    /// # Errors
    /// When it could not be read, or is none of ours.
    pub async fn get(&self, id: &str) -> Result<Option<RunRecord>, Failure> {
        let action = format!("read the record of run {id}");
        let sent = self.s3.get_object().bucket(&self.bucket).key(format!("{PREFIX}{id}.json")).send().await;
        let Some(object) = optional(sent.map_err(|error| classify(&action, error)))? else { return Ok(None) };
        let lost = |why: String| Failure::new(FailureKind::Transient, &action, why);
        let bytes = object.body.collect().await.map_err(|error| lost(error.to_string()))?.into_bytes();
        serde_json::from_slice(&bytes).map(Some).map_err(|error| Failure::permanent(&action, error.to_string()))
    }
}
