//! A bucket: private, encrypted, versioned, marked as ours.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata as _,
    types::{
        BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
        ObjectOwnership, OwnershipControls, OwnershipControlsRule, PublicAccessBlockConfiguration,
        ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
        ServerSideEncryptionRule, Tag, Tagging, VersioningConfiguration,
    },
};
use futures::future::join_all;
use jewel_engine::{Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Ownership, Price, Resource};
use serde_json::json;

use super::{
    empty,
    lifecycle::{self, Expiry, Lifecycle},
    lock,
};
use crate::{Clients, Names, StackSpec, classify, failure::optional, prices, runs, tags::Tags};

/// How long a bucket that cannot be made just now is tried for, and how often.
const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(500);

/// One bucket of ours.
pub(crate) struct Bucket {
    s3: Client,
    region: String,
    name: String,
    tags: Tags,
    data: bool,
    last: bool,
    lifecycle: Lifecycle,
    /// For how many days nothing in it can be overwritten or deleted; zero for no such lock.
    lock_days: i32,
    usage: Vec<Price>,
}

impl Bucket {
    /// A bucket whose contents can be published again.
    pub(crate) fn published(spec: &StackSpec, clients: &Clients, role: &str) -> Self {
        Self {
            s3: clients.s3.clone(),
            region: spec.region.clone(),
            name: Names::new(spec).bucket(role),
            tags: Tags::new(spec, role),
            data: false,
            last: false,
            lifecycle: Lifecycle { keep_replaced: 30, ..Lifecycle::default() },
            lock_days: 0,
            usage: Vec::new(),
        }
    }

    /// A bucket whose contents cannot be made again.
    fn kept(spec: &StackSpec, clients: &Clients, role: &str) -> Self {
        let lifecycle = Lifecycle { keep_replaced: 90, ..Lifecycle::default() };
        Self { data: true, lifecycle, ..Self::published(spec, clients, role) }
    }

    /// The bucket of the pictures. What is assumed of all buckets is counted here, where nearly all of it is.
    pub(crate) fn media(spec: &StackSpec, clients: &Clients) -> Self {
        Self { usage: prices::storage(&spec.traffic), ..Self::kept(spec, clients, "media") }
    }

    /// The bucket of what a disaster is survived with.
    pub(crate) fn backups(spec: &StackSpec, clients: &Clients) -> Self {
        let lifecycle = Lifecycle { keep_replaced: 90, archive_dumps_after: 35, ..Lifecycle::default() };
        let usage = vec![prices::archive(&spec.traffic)];
        Self { lifecycle, lock_days: 35, usage, ..Self::kept(spec, clients, "backups") }
    }

    /// The bucket of the record of who changed what.
    pub(crate) fn trail(spec: &StackSpec, clients: &Clients) -> Self {
        Self { usage: vec![prices::trail(&spec.traffic)], ..Self::kept(spec, clients, "trail") }
    }

    /// The bucket of access logs, which nobody reads after a season.
    pub(crate) fn logs(spec: &StackSpec, clients: &Clients) -> Self {
        let expires = Some(Expiry { prefix: "", days: 90 });
        let lifecycle = Lifecycle { keep_replaced: 7, expires, ..Lifecycle::default() };
        Self { lifecycle, ..Self::published(spec, clients, "logs") }
    }

    /// The bucket of the lock, which is needed until everything else is gone.
    pub(crate) fn operations(spec: &StackSpec, clients: &Clients) -> Self {
        // Every heartbeat of the lock leaves a version.
        let expires = Some(Expiry { prefix: runs::PREFIX, days: 365 });
        let lifecycle = Lifecycle { keep_replaced: 7, expires, ..Lifecycle::default() };
        Self { last: true, lifecycle, ..Self::kept(spec, clients, "operations") }
    }

    /// Makes the bucket unless it exists; for the lock, which comes before any plan is applied and so before the engine's
    /// patience: a name that was given up a moment ago is aborted operations for a while.
    pub(crate) async fn create_if_missing(&self) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            match self.make().await {
                Err(failure) if failure.code.as_deref() == Some("BucketAlreadyOwnedByYou") => return Ok(()),
                Err(failure)
                    if (failure.is_transient() || failure.code.as_deref() == Some("OperationAborted"))
                        && began.elapsed() < PATIENCE =>
                {
                    tokio::time::sleep(PAUSE).await;
                }
                made => return made,
            }
        }
    }

    async fn make(&self) -> Result<(), Failure> {
        let action = format!("create bucket {}", self.name);
        let mut configuration = CreateBucketConfiguration::builder();
        // The one Region that must not be named.
        if self.region != "us-east-1" {
            configuration = configuration.location_constraint(BucketLocationConstraint::from(self.region.as_str()));
        }
        // Tags come with the creation, so that a run killed right after it leaves nothing that looks foreign.
        let configuration = configuration.set_tags(Some(self.tag_set(&action)?)).build();
        self.s3
            .create_bucket()
            .bucket(&self.name)
            .create_bucket_configuration(configuration)
            .object_ownership(ObjectOwnership::BucketOwnerEnforced)
            .set_object_lock_enabled_for_bucket((self.lock_days > 0).then_some(true))
            .send()
            .await
            .map_err(|error| classify(action, error))?;
        Ok(())
    }

    fn tag_set(&self, action: &str) -> Result<Vec<Tag>, Failure> {
        self.tags
            .pairs()
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect::<Result<_, _>>()
            .map_err(|error| Failure::permanent(action, error.to_string()))
    }

    async fn put_tags(&self) -> Result<(), Failure> {
        let action = format!("tag bucket {}", self.name);
        // A bucket's tags are replaced as a whole; those of others stay.
        let current = self.read_tags().await?.unwrap_or_default();
        let mut tags = self.tag_set(&action)?;
        tags.extend(current.into_iter().filter(|tag| !tag.key().starts_with("jewel:")));
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build();
        let tagging = tagging.map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let sent = self.s3.put_bucket_tagging().bucket(&self.name).tagging(tagging).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    /// The bucket's tags; `None` when there is no bucket.
    async fn read_tags(&self) -> Result<Option<Vec<Tag>>, Failure> {
        match self.s3.get_bucket_tagging().bucket(&self.name).send().await {
            Ok(answer) => Ok(Some(answer.tag_set)),
            Err(error) if error.code() == Some("NoSuchTagSet") => Ok(Some(Vec::new())),
            Err(error) => optional(Err(classify(format!("read the tags of bucket {}", self.name), error))),
        }
    }

    /// A bucket with no tags at all and nothing in it but what a run writes first, lock and record, harms nobody when it
    /// is taken for ours: not every S3 takes tags at creation, and there a killed run leaves exactly this behind.
    async fn is_blank(&self, tags: &[Tag]) -> Result<bool, Failure> {
        Ok(tags.is_empty() && empty::is_blank(&self.s3, &self.name).await?)
    }

    /// Sets one of the bucket's configurations as wanted.
    async fn put(&self, field: &str) -> Result<(), Failure> {
        let action = format!("set the {} of bucket {}", field.replace('_', " "), self.name);
        match field {
            "tags" => self.put_tags().await?,
            "versioning" => {
                // MFA delete is not mentioned and so not touched.
                let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
                let put = self.s3.put_bucket_versioning().bucket(&self.name).versioning_configuration(enabled);
                put.send().await.map_err(|error| classify(action, error))?;
            }
            "encryption" => {
                let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::Aes256);
                let default = default.build().map_err(|error| Failure::permanent(&action, error.to_string()))?;
                let rule = ServerSideEncryptionRule::builder().apply_server_side_encryption_by_default(default);
                let rules = ServerSideEncryptionConfiguration::builder().rules(rule.build()).build();
                let rules = rules.map_err(|error| Failure::permanent(&action, error.to_string()))?;
                let put = self.s3.put_bucket_encryption().bucket(&self.name);
                let sent = put.server_side_encryption_configuration(rules).send().await;
                sent.map_err(|error| classify(action, error))?;
            }
            "lifecycle" => {
                let rules = lifecycle::rules(self.lifecycle)
                    .and_then(|rules| BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build())
                    .map_err(|error| Failure::permanent(&action, error.to_string()))?;
                let put = self.s3.put_bucket_lifecycle_configuration().bucket(&self.name);
                let sent = put.lifecycle_configuration(rules).send().await;
                sent.map_err(|error| classify(action, error))?;
            }
            "public_access" => {
                let block = PublicAccessBlockConfiguration::builder()
                    .block_public_acls(true)
                    .ignore_public_acls(true)
                    .block_public_policy(true)
                    .restrict_public_buckets(true)
                    .build();
                let put = self.s3.put_public_access_block().bucket(&self.name);
                let sent = put.public_access_block_configuration(block).send().await;
                sent.map_err(|error| classify(action, error))?;
            }
            "object_ownership" => {
                let rule = OwnershipControlsRule::builder().object_ownership(ObjectOwnership::BucketOwnerEnforced);
                let rule = rule.build().map_err(|error| Failure::permanent(&action, error.to_string()))?;
                let controls = OwnershipControls::builder().rules(rule).build();
                let controls = controls.map_err(|error| Failure::permanent(&action, error.to_string()))?;
                let put = self.s3.put_bucket_ownership_controls().bucket(&self.name);
                let sent = put.ownership_controls(controls).send().await;
                sent.map_err(|error| classify(action, error))?;
            }
            _ => {}
        }
        Ok(())
    }
}

#[async_trait]
impl Resource for Bucket {
    fn title(&self) -> String {
        format!("bucket {}", self.name)
    }

    fn holds_data(&self) -> bool {
        self.data
    }

    fn whereabouts(&self, _found: &Found) -> String {
        format!("s3://{} in {}", self.name, self.region)
    }

    fn last_to_go(&self) -> bool {
        self.last
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("S3 bucket", "only what is in it is paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        self.usage.clone()
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        // Building fails only where a required field is left out, and none is.
        let rules = lifecycle::rules(self.lifecycle).unwrap_or_default();
        let desired = Desired::new()
            .set("versioning", "Enabled")
            .set("encryption", "AES256")
            .set("public_access", "blocked")
            .set("object_ownership", "BucketOwnerEnforced")
            .set("lifecycle", lifecycle::render(&rules))
            .set("tags", json!(self.tags.map()));
        if self.lock_days > 0 { desired.set("object_lock", lock::wanted(self.lock_days)) } else { desired }
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (s3, name) = (&self.s3, &self.name);
        let action = |what: &str| format!("read the {what} of bucket {name}");
        let Some(tags) = self.read_tags().await? else { return Ok(None) };
        let object_lock = async {
            // Asked only where we want one: without one it is nobody's business.
            if self.lock_days > 0 { lock::read(s3, name).await.map(Some) } else { Ok(None) }
        };
        let (versioning, encryption, access, ownership, lifecycle, object_lock) = tokio::join!(
            s3.get_bucket_versioning().bucket(name).send(),
            s3.get_bucket_encryption().bucket(name).send(),
            s3.get_public_access_block().bucket(name).send(),
            s3.get_bucket_ownership_controls().bucket(name).send(),
            s3.get_bucket_lifecycle_configuration().bucket(name).send(),
            object_lock,
        );
        let versioning = versioning.map_err(|error| classify(action("versioning"), error))?.status;
        let encryption = optional(encryption.map_err(|error| missing(classify(action("encryption"), error))))?
            .and_then(|answer| answer.server_side_encryption_configuration)
            .and_then(|configuration| configuration.rules.into_iter().next())
            .and_then(|rule| rule.apply_server_side_encryption_by_default)
            .map(|default| default.sse_algorithm.as_str().to_owned());
        let access = optional(access.map_err(|error| missing(classify(action("public access block"), error))))?
            .and_then(|answer| answer.public_access_block_configuration);
        let blocked = access.is_some_and(|block| {
            [
                block.block_public_acls,
                block.ignore_public_acls,
                block.block_public_policy,
                block.restrict_public_buckets,
            ]
            .iter()
            .all(|flag| *flag == Some(true))
        });
        let ownership = optional(ownership.map_err(|error| missing(classify(action("ownership controls"), error))))?
            .and_then(|answer| answer.ownership_controls)
            .and_then(|controls| controls.rules.into_iter().next())
            .map(|rule| rule.object_ownership.as_str().to_owned());
        let lifecycle = optional(lifecycle.map_err(|error| classify(action("lifecycle"), error)))?;

        let ours = match self.tags.ownership(tags.iter().map(|tag| (tag.key(), tag.value()))) {
            Ownership::Foreign(_) if self.is_blank(&tags).await? => Ownership::Ours,
            other => other,
        };
        let marks: serde_json::Map<_, _> = self
            .tags
            .pairs()
            .iter()
            .filter_map(|(key, _)| tags.iter().find(|tag| tag.key() == *key))
            .map(|tag| (tag.key().to_owned(), tag.value().into()))
            .collect();
        let found = match object_lock? {
            Some(lock) => Found::new().attribute("object_lock", lock),
            None => Found::new(),
        };
        Ok(Some(
            found
                .owned(ours)
                .attribute("versioning", versioning.map(|status| status.as_str().to_owned()))
                .attribute("encryption", encryption)
                .attribute("public_access", if blocked { "blocked" } else { "open" })
                .attribute("object_ownership", ownership)
                .attribute("lifecycle", lifecycle.map(|answer| lifecycle::render(answer.rules())))
                .attribute("tags", marks)
                .output("name", name.as_str())
                .output("arn", format!("arn:aws:s3:::{name}"))
                .output("domain", format!("{name}.s3.{}.amazonaws.com", self.region)),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        self.make().await
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        // Each is a configuration of its own, so all are set at once; all are awaited, so that none is cut off.
        let puts = changes.iter().map(|change| self.put(&change.field));
        join_all(puts).await.into_iter().collect::<Result<(), _>>()?;
        // After versioning, which it needs.
        if changes.iter().any(|change| change.field == "object_lock") {
            lock::put(&self.s3, &self.name, self.lock_days).await?;
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.put_tags().await
    }

    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        empty::empty(&self.s3, &self.name, self.lock_days > 0, |count| {
            cx.progress(format!("emptying, {count} objects gone"))
        })
        .await?;
        let sent = self.s3.delete_bucket().bucket(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete bucket {}", self.name), error))
    }
}

/// Services answer "there is no such configuration" with codes of many names and always with 404.
fn missing(mut failure: Failure) -> Failure {
    if failure.code.as_deref().is_some_and(|code| code.ends_with("NotFoundError")) {
        failure.kind = FailureKind::NotFound;
    }
    failure
}
