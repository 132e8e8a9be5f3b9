//! Where the API's log lines are kept, and for how long.

use async_trait::async_trait;
use aws_sdk_cloudwatchlogs::Client;
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use crate::{
    Clients, Names, StackSpec, Traffic, classify, prices,
    tags::{Tags, hash_map},
};

/// Without a retention logs are kept, and paid, for ever.
const RETENTION_DAYS: i32 = 30;

/// The log group of the API.
pub(crate) struct LogGroup {
    client: Client,
    name: String,
    arn: String,
    tags: Tags,
    traffic: Traffic,
}

impl LogGroup {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let name = format!("/jewel/{}/api", Names::new(spec).stack());
        Self {
            client: clients.logs.clone(),
            arn: format!("arn:aws:logs:{}:{}:log-group:{name}", spec.region, spec.account_id),
            name,
            tags: Tags::new(spec, "logs"),
            traffic: spec.traffic.clone(),
        }
    }
}

#[async_trait]
impl Resource for LogGroup {
    fn title(&self) -> String {
        format!("log group {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudWatch log group", "only what is sent is paid", "2026-09-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::logs(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("retention_days", RETENTION_DAYS)
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let list = self.client.describe_log_groups().log_group_name_prefix(&self.name).send().await;
        let list = list.map_err(|error| classify(&action, error))?;
        // Names that only begin like ours come after it.
        let Some(group) = list.log_groups().iter().find(|group| group.log_group_name() == Some(&self.name)) else {
            return Ok(None);
        };
        let tags = self.client.list_tags_for_resource().resource_arn(&self.arn).send().await;
        let tags = tags.map_err(|error| classify(&action, error))?.tags.unwrap_or_default();
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tags))
                .attribute("retention_days", group.retention_in_days())
                .output("name", self.name.as_str())
                .output("arn", self.arn.as_str()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self.client.create_log_group().log_group_name(&self.name).set_tags(Some(hash_map(&self.tags)));
        let sent = create.send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let put = self.client.put_retention_policy().log_group_name(&self.name).retention_in_days(RETENTION_DAYS);
        let sent = put.send().await;
        sent.map(drop).map_err(|error| classify(format!("set the retention of {}", self.title()), error))
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(&self.arn).set_tags(Some(hash_map(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_log_group().log_group_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
