//! How the distribution signs its requests to buckets.

use async_trait::async_trait;
use aws_sdk_cloudfront::{
    Client,
    types::{
        OriginAccessControlConfig, OriginAccessControlOriginTypes, OriginAccessControlSigningBehaviors,
        OriginAccessControlSigningProtocols,
    },
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use crate::{Clients, Names, StackSpec, classify, failure::incomplete, prices};

/// An origin access control. It can carry no tags; its name, unique in the account, says that it is ours.
pub(crate) struct AccessControl {
    client: Client,
    name: String,
}

impl AccessControl {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.cloudfront.clone(), name: Names::new(spec).role("site") }
    }

    fn config(&self) -> Result<OriginAccessControlConfig, Failure> {
        OriginAccessControlConfig::builder()
            .name(&self.name)
            .description("Reads the shop's pages and pictures")
            .signing_protocol(OriginAccessControlSigningProtocols::Sigv4)
            .signing_behavior(OriginAccessControlSigningBehaviors::Always)
            .origin_access_control_origin_type(OriginAccessControlOriginTypes::S3)
            .build()
            .map_err(|error| Failure::permanent(format!("describe {}", self.title()), error.to_string()))
    }

    async fn etag(&self, id: &str) -> Result<String, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.get_origin_access_control().id(id).send().await;
        sent.map_err(|error| classify(&action, error))?.e_tag.ok_or_else(|| incomplete(action, "ETag"))
    }
}

#[async_trait]
impl Resource for AccessControl {
    fn title(&self) -> String {
        format!("origin access control {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudFront origin access control", "part of the distribution", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("origin_type", "s3").set("signing", "always").set("signing_protocol", "sigv4")
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let mut marker = None;
        loop {
            let sent = self.client.list_origin_access_controls().set_marker(marker).send().await;
            let page = sent.map_err(|error| classify("list origin access controls", error))?;
            let Some(list) = page.origin_access_control_list else { return Ok(None) };
            if let Some(control) = list.items().iter().find(|control| control.name() == self.name) {
                return Ok(Some(
                    Found::new()
                        .attribute("origin_type", control.origin_access_control_origin_type().as_str())
                        .attribute("signing", control.signing_behavior().as_str())
                        .attribute("signing_protocol", control.signing_protocol().as_str())
                        .output("id", control.id()),
                ));
            }
            marker = list.next_marker.filter(|_| list.is_truncated);
            if marker.is_none() {
                return Ok(None);
            }
        }
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self.client.create_origin_access_control().origin_access_control_config(self.config()?);
        create.send().await.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let id = found.text("id")?;
        let update = self.client.update_origin_access_control().id(id).if_match(self.etag(id).await?);
        let sent = update.origin_access_control_config(self.config()?).send().await;
        sent.map(drop).map_err(|error| classify(format!("update {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let id = found.text("id")?;
        let sent = self.client.delete_origin_access_control().id(id).if_match(self.etag(id).await?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
