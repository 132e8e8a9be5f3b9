//! Who read and wrote the shop's buckets: S3's own access logs, for which only their storage is paid.
//!
//! Two resources of its own kind, because a bucket may send its logs only to one that lets it.

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    types::{BucketLoggingStatus, LoggingEnabled},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, address, classify, failure::optional, prices};

/// The logs of one bucket, under its role in the logs bucket.
pub(crate) struct AccessLogs {
    s3: Client,
    bucket: String,
    bucket_address: &'static str,
    target: String,
    prefix: String,
}

impl AccessLogs {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, role: &str, bucket_address: &'static str) -> Self {
        let names = Names::new(spec);
        Self {
            s3: clients.s3.clone(),
            bucket: names.bucket(role),
            bucket_address,
            target: names.bucket("logs"),
            prefix: format!("s3/{role}/"),
        }
    }

    async fn put(&self, enabled: Option<LoggingEnabled>) -> Result<(), Failure> {
        let status = BucketLoggingStatus::builder().set_logging_enabled(enabled).build();
        let sent = self.s3.put_bucket_logging().bucket(&self.bucket).bucket_logging_status(status).send().await;
        sent.map(drop).map_err(|error| classify(format!("set the {}", self.title()), error))
    }
}

#[async_trait]
impl Resource for AccessLogs {
    fn title(&self) -> String {
        format!("access logs of bucket {}", self.bucket)
    }

    fn needs(&self) -> Vec<Address> {
        vec![self.bucket_address.into(), address::LOGS_POLICY.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(self.bucket_address.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("S3 access logs", "only what they hold is paid", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("bucket", self.target.as_str()).set("prefix", self.prefix.as_str())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.s3.get_bucket_logging().bucket(&self.bucket).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read the {}", self.title()), error)))?;
        let enabled = answer.and_then(|answer| answer.logging_enabled);
        Ok(enabled.map(|logs| {
            Found::new().attribute("bucket", logs.target_bucket()).attribute("prefix", logs.target_prefix())
        }))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let enabled = LoggingEnabled::builder().target_bucket(&self.target).target_prefix(&self.prefix).build();
        let enabled =
            enabled.map_err(|error| Failure::permanent(format!("set the {}", self.title()), error.to_string()))?;
        self.put(Some(enabled)).await
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.put(None).await
    }
}

/// The leave for S3 to write the logs of our buckets, and of no others.
pub(crate) struct LogsPolicy {
    s3: Client,
    bucket: String,
    sources: String,
    account_id: String,
}

impl LogsPolicy {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let names = Names::new(spec);
        Self {
            s3: clients.s3.clone(),
            bucket: names.bucket("logs"),
            sources: format!("arn:aws:s3:::{}-*", names.stack()),
            account_id: spec.account_id.clone(),
        }
    }

    /// The shape that AWS documents for buckets without access control lists.
    fn document(&self) -> Json {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "AccessLogs",
                "Effect": "Allow",
                "Principal": { "Service": "logging.s3.amazonaws.com" },
                "Action": "s3:PutObject",
                "Resource": format!("arn:aws:s3:::{}/*", self.bucket),
                "Condition": {
                    "ArnLike": { "aws:SourceArn": self.sources },
                    "StringEquals": { "aws:SourceAccount": self.account_id },
                },
            }],
        })
    }
}

#[async_trait]
impl Resource for LogsPolicy {
    fn title(&self) -> String {
        format!("policy of bucket {}", self.bucket)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::LOGS_BUCKET.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("S3 access logs", "only what they hold is paid", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("policy", self.document())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.s3.get_bucket_policy().bucket(&self.bucket).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read the {}", self.title()), error)))?;
        let Some(text) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
        Ok(Some(Found::new().attribute("policy", serde_json::from_str(&text).unwrap_or(Json::String(text)))))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let put = self.s3.put_bucket_policy().bucket(&self.bucket).policy(self.document().to_string());
        put.send().await.map(drop).map_err(|error| classify(format!("set the {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.s3.delete_bucket_policy().bucket(&self.bucket).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete the {}", self.title()), error))
    }
}
