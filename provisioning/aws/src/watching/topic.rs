//! Where alarms are sent, and who gets them by mail.

use async_trait::async_trait;
use aws_sdk_sns::{Client, types::Tag};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, classify, failure::optional, prices, tags::Tags};

/// A topic of alarms.
pub(crate) struct Topic {
    client: Client,
    name: String,
    arn: String,
    account_id: String,
    emails: Vec<String>,
    tags: Tags,
    usage: Vec<Price>,
}

impl Topic {
    /// The topic of alarms in the shop's Region.
    pub(crate) fn regional(spec: &StackSpec, clients: &Clients) -> Self {
        let usage = vec![prices::mails(&spec.traffic)];
        Self { usage, ..Self::new(spec, clients.sns.clone(), "alarms", &spec.region) }
    }

    /// The topic of alarms on what AWS measures in us-east-1 only; alarms reach topics of their own Region.
    pub(crate) fn global(spec: &StackSpec, clients: &Clients) -> Self {
        Self::new(spec, clients.sns_global.clone(), "edge-alarms", crate::clients::GLOBAL_REGION)
    }

    fn new(spec: &StackSpec, client: Client, role: &str, region: &str) -> Self {
        let name = Names::new(spec).role(role);
        let mut emails = spec.alerts.emails.clone();
        emails.sort();
        emails.dedup();
        Self {
            client,
            // A topic's ARN follows from its name, which is what it is found again by.
            arn: format!("arn:aws:sns:{region}:{}:{name}", spec.account_id),
            name,
            account_id: spec.account_id.clone(),
            emails,
            tags: Tags::new(spec, role),
            usage: Vec::new(),
        }
    }

    /// Alarms and budgets of this account may publish, and nobody else.
    fn policy(&self) -> Json {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "AlarmsAndBudgetsPublish",
                "Effect": "Allow",
                "Principal": { "Service": ["budgets.amazonaws.com", "cloudwatch.amazonaws.com"] },
                "Action": "sns:Publish",
                "Resource": self.arn,
                "Condition": { "StringEquals": { "aws:SourceAccount": self.account_id } },
            }],
        })
    }

    fn tag_set(&self) -> Vec<Tag> {
        // Building fails only without key or value, and both are there.
        self.tags
            .pairs()
            .into_iter()
            .filter_map(|(key, value)| Tag::builder().key(key).value(value).build().ok())
            .collect()
    }

    /// Which of the wanted addresses get the mails, or have been asked whether they want them.
    async fn subscribed(&self) -> Result<Vec<String>, Failure> {
        let mut found = Vec::new();
        let mut token = None;
        loop {
            let list = self.client.list_subscriptions_by_topic().topic_arn(&self.arn).set_next_token(token);
            let page = list.send().await.map_err(|error| classify(format!("list who gets {}", self.title()), error))?;
            let mails = page.subscriptions().iter().filter(|one| one.protocol() == Some("email"));
            found.extend(mails.filter_map(|one| one.endpoint().map(ToOwned::to_owned)));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(self.emails.iter().filter(|mail| found.contains(mail)).cloned().collect())
    }
}

#[async_trait]
impl Resource for Topic {
    fn title(&self) -> String {
        format!("topic {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("SNS topic", "only mails are paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        self.usage.clone()
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("emails", self.emails.clone()).set("policy", self.policy())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.get_topic_attributes().topic_arn(&self.arn).send().await;
        let Some(answer) = optional(sent.map_err(|error| classify(&action, error)))? else { return Ok(None) };
        let tags = self.client.list_tags_for_resource().resource_arn(&self.arn).send();
        let (tags, emails) = tokio::join!(tags, self.subscribed());
        let tags = tags.map_err(|error| classify(&action, error))?;
        let policy = answer.attributes().and_then(|all| all.get("Policy"));
        let policy = policy.and_then(|text| serde_json::from_str::<Json>(text).ok());
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tags.tags().iter().map(|tag| (tag.key(), tag.value()))))
                .attribute("emails", emails?)
                .attribute("policy", policy)
                .output("arn", self.arn.as_str()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self.client.create_topic().name(&self.name).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        for change in changes {
            let action = format!("set the {} of {}", change.field, self.title());
            if change.field == "policy" {
                let set = self.client.set_topic_attributes().topic_arn(&self.arn).attribute_name("Policy");
                let sent = set.attribute_value(self.policy().to_string()).send().await;
                sent.map_err(|error| classify(action, error))?;
            } else {
                // Asking twice sends a second mail and nothing worse.
                let there = self.subscribed().await?;
                for email in self.emails.iter().filter(|email| !there.contains(email)) {
                    let subscribe = self.client.subscribe().topic_arn(&self.arn).protocol("email").endpoint(email);
                    subscribe.send().await.map_err(|error| classify(&action, error))?;
                }
            }
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.tag_resource().resource_arn(&self.arn).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_topic().topic_arn(&self.arn).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
