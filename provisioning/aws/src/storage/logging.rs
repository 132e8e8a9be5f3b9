//! Who read and wrote the shop's buckets: S3's own access logs, for which only their storage is paid.
//!
//! Two resources, because a bucket may send its logs only to one that lets it.

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    types::{BucketLoggingStatus, LoggingEnabled},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::json;

use super::BucketPolicy;
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

/// The leave for S3 to write the logs of our buckets, and of no others. The shape that AWS documents for buckets without
/// access control lists.
pub(crate) fn logs_policy(spec: &StackSpec, clients: &Clients) -> BucketPolicy {
    let names = Names::new(spec);
    let bucket = names.bucket("logs");
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "AccessLogs",
            "Effect": "Allow",
            "Principal": { "Service": "logging.s3.amazonaws.com" },
            "Action": "s3:PutObject",
            "Resource": format!("arn:aws:s3:::{bucket}/*"),
            "Condition": {
                "ArnLike": { "aws:SourceArn": format!("arn:aws:s3:::{}-*", names.stack()) },
                "StringEquals": { "aws:SourceAccount": spec.account_id },
            },
        }],
    });
    BucketPolicy::document(clients, bucket, address::LOGS_BUCKET, document)
}
