//! As whom AWS Backup reads the pictures.

use async_trait::async_trait;
use aws_sdk_iam::{Client, types::Tag};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, access, classify, failure::optional, prices, tags::Tags};

/// AWS's own policies for copying buckets and for bringing them back.
pub(crate) const POLICIES: [&str; 2] = [
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup",
    "arn:aws:iam::aws:policy/AWSBackupServiceRolePolicyForS3Restore",
];

/// The role of AWS Backup.
pub(crate) struct BackupRole {
    client: Client,
    name: String,
    account_id: String,
    tags: Tags,
}

impl BackupRole {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.iam.clone(),
            name: Names::new(spec).role("backup"),
            account_id: spec.account_id.clone(),
            tags: Tags::new(spec, "backup"),
        }
    }

    /// The service, and only for this account.
    fn trust(&self) -> Json {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": { "Service": "backup.amazonaws.com" },
                "Action": "sts:AssumeRole",
                "Condition": { "StringEquals": { "aws:SourceAccount": self.account_id } },
            }],
        })
    }

    fn tag_set(&self) -> Vec<Tag> {
        // Building fails only without key or value, and both are there.
        let build = |(key, value)| Tag::builder().key(key).value(value).build().ok();
        self.tags.pairs().into_iter().filter_map(build).collect()
    }

    /// The policies of others stay, so only ours are looked for.
    async fn attached(&self, action: &str) -> Result<Vec<String>, Failure> {
        let sent = self.client.list_attached_role_policies().role_name(&self.name).send().await;
        let policies = sent.map_err(|error| classify(action, error))?.attached_policies.unwrap_or_default();
        Ok(policies.into_iter().filter_map(|policy| policy.policy_arn).collect())
    }
}

fn ours(attached: &[String]) -> Json {
    POLICIES.iter().filter(|arn| attached.iter().any(|one| one == *arn)).copied().collect::<Vec<_>>().into()
}

#[async_trait]
impl Resource for BackupRole {
    fn title(&self) -> String {
        format!("role {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("IAM role", "IAM is free", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("policies", json!(POLICIES)).set("trust", self.trust())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.get_role().role_name(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(&action, error)))?;
        let Some(role) = answer.and_then(|answer| answer.role) else { return Ok(None) };
        let attached = self.attached(&action).await?;
        let trust = role.assume_role_policy_document().map(access::document);
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(role.tags().iter().map(|tag| (tag.key(), tag.value()))))
                .attribute("policies", ours(&attached))
                .attribute("trust", trust)
                .output("arn", role.arn()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self.client.create_role().role_name(&self.name).set_tags(Some(self.tag_set()));
        let create = create.assume_role_policy_document(self.trust().to_string());
        let sent = create.description("AWS Backup copies the shop's pictures as this role").send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("change {}", self.title());
        for change in changes {
            if change.field == "trust" {
                let update = self.client.update_assume_role_policy().role_name(&self.name);
                let sent = update.policy_document(self.trust().to_string()).send().await;
                sent.map_err(|error| classify(&action, error))?;
            } else {
                for arn in POLICIES {
                    let sent = self.client.attach_role_policy().role_name(&self.name).policy_arn(arn).send().await;
                    sent.map_err(|error| classify(&action, error))?;
                }
            }
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.tag_role().role_name(&self.name).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    /// A role can be deleted only when nothing is attached to it.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        for arn in self.attached(&action).await? {
            let sent = self.client.detach_role_policy().role_name(&self.name).policy_arn(arn).send().await;
            optional(sent.map_err(|error| classify(&action, error)))?;
        }
        let sent = self.client.delete_role().role_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}
