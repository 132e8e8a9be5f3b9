//! The record of who changed what in the account, and the leave to write it down.

use async_trait::async_trait;
use aws_sdk_cloudtrail::{Client, types::Tag};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Ownership, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{
    Clients, Names, StackSpec, address, classify, failure::optional, prices, storage::BucketPolicy, tags::Tags,
};

/// The shop's trail: management events of all Regions, with digests that prove nothing was altered.
pub(crate) struct Trail {
    client: Client,
    name: String,
    bucket: String,
    tags: Tags,
}

/// Where a trail of this name is, whether it exists or not.
fn arn(spec: &StackSpec) -> String {
    format!("arn:aws:cloudtrail:{}:{}:trail/{}", spec.region, spec.account_id, Names::new(spec).stack())
}

impl Trail {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let names = Names::new(spec);
        Self {
            client: clients.cloudtrail.clone(),
            name: names.stack().to_owned(),
            bucket: names.bucket("trail"),
            tags: Tags::new(spec, "trail"),
        }
    }

    fn tag_set(&self) -> Vec<Tag> {
        // Building fails only without a key, and it is there.
        self.tags
            .pairs()
            .into_iter()
            .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
            .collect()
    }

    async fn tag(&self, arn: &str) -> Result<(), Failure> {
        let sent = self.client.add_tags().resource_id(arn).set_tags_list(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }
}

#[async_trait]
impl Resource for Trail {
    fn title(&self) -> String {
        format!("trail {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::TRAIL_BUCKET.into(), address::TRAIL_POLICY.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudTrail trail", "the first copy of management events is free", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
            .set("bucket", self.bucket.as_str())
            .set("global_events", true)
            .set("logging", true)
            .set("multi_region", true)
            .set("tags", json!(self.tags.map()))
            .set("validation", true)
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.get_trail().name(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(&action, error)))?;
        let Some(trail) = answer.and_then(|answer| answer.trail) else { return Ok(None) };
        let arn = trail.trail_arn().unwrap_or_default();
        let (status, tags) = tokio::join!(
            self.client.get_trail_status().name(&self.name).send(),
            self.client.list_tags().resource_id_list(arn).send(),
        );
        let status = status.map_err(|error| classify(&action, error))?;
        let tags = tags.map_err(|error| classify(&action, error))?;
        let tags = tags.resource_tag_list().iter().flat_map(|list| list.tags_list());
        let tags: Vec<(&str, &str)> = tags.map(|tag| (tag.key(), tag.value().unwrap_or_default())).collect();
        // Writing into our bucket, whose name no other account can have, is as good as a mark: without any mark it is
        // ours still, and gets its tags back.
        let unmarked = !tags.iter().any(|(key, _)| key.starts_with("jewel:"));
        let ownership = match self.tags.ownership(tags.iter().copied()) {
            Ownership::Foreign(_) if unmarked && trail.s3_bucket_name() == Some(&self.bucket) => Ownership::Ours,
            other => other,
        };
        let marks: serde_json::Map<String, Json> = self
            .tags
            .pairs()
            .iter()
            .filter_map(|(key, _)| tags.iter().find(|(name, _)| name == key))
            .map(|(key, value)| ((*key).to_owned(), (*value).into()))
            .collect();
        Ok(Some(
            Found::new()
                .owned(ownership)
                .attribute("bucket", trail.s3_bucket_name())
                .attribute("global_events", trail.include_global_service_events())
                .attribute("logging", status.is_logging())
                .attribute("multi_region", trail.is_multi_region_trail())
                .attribute("tags", marks)
                .attribute("validation", trail.log_file_validation_enabled())
                .output("arn", arn),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self.client.create_trail().name(&self.name).s3_bucket_name(&self.bucket);
        let create = create.is_multi_region_trail(true).include_global_service_events(true);
        let create = create.enable_log_file_validation(true).set_tags_list(Some(self.tag_set()));
        // It does not record anything yet; that is the update that follows.
        create.send().await.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("change {}", self.title());
        let changed = |field: &str| changes.iter().any(|change| change.field == field);
        if changes.iter().any(|change| !matches!(change.field.as_str(), "tags" | "logging")) {
            let update = self.client.update_trail().name(&self.name).s3_bucket_name(&self.bucket);
            let update = update.is_multi_region_trail(true).include_global_service_events(true);
            update.enable_log_file_validation(true).send().await.map_err(|error| classify(&action, error))?;
        }
        if changed("logging") {
            let sent = self.client.start_logging().name(&self.name).send().await;
            sent.map_err(|error| classify(format!("start {}", self.title()), error))?;
        }
        if changed("tags") {
            self.tag(found.text("arn")?).await?;
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        self.tag(found.text("arn")?).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_trail().name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}

/// Lets our trail, and no other, write into its bucket. The shape CloudTrail documents, and checks before it makes a
/// trail.
pub(crate) fn trail_policy(spec: &StackSpec, clients: &Clients) -> BucketPolicy {
    let (bucket, trail) = (Names::new(spec).bucket("trail"), arn(spec));
    let writer = json!({ "Service": "cloudtrail.amazonaws.com" });
    let document = json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "TrailLooks",
                "Effect": "Allow",
                "Principal": writer,
                "Action": "s3:GetBucketAcl",
                "Resource": format!("arn:aws:s3:::{bucket}"),
                "Condition": { "StringEquals": { "aws:SourceArn": trail } },
            },
            {
                "Sid": "TrailWrites",
                "Effect": "Allow",
                "Principal": writer,
                "Action": "s3:PutObject",
                "Resource": format!("arn:aws:s3:::{bucket}/AWSLogs/{}/*", spec.account_id),
                "Condition": {
                    "StringEquals": {
                        "aws:SourceArn": trail,
                        "s3:x-amz-acl": "bucket-owner-full-control",
                    },
                },
            },
        ],
    });
    BucketPolicy::document(clients, bucket, address::TRAIL_BUCKET, document)
}
