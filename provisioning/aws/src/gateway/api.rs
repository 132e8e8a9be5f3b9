//! The API itself.

use async_trait::async_trait;
use aws_sdk_apigatewayv2::{
    Client,
    types::{Api as Description, Cors, ProtocolType},
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Ownership, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{
    Clients, Names, StackSpec, Traffic, classify, prices,
    tags::{Tags, hash_map},
};

/// What a page of another origin may send, beside what every browser may: who asks, which version it changes, which of
/// its requests are one and the same, and what opens a visitor's cart or a guest's order.
const MAY_SEND: [&str; 6] =
    ["authorization", "content-type", "idempotency-key", "if-match", "x-cart-token", "x-order-token"];
/// And what it may read of an answer: the version for `if-match`, where the new thing is, how long to wait, the cart's
/// token, and what to name when asking for help.
const MAY_READ: [&str; 5] = ["etag", "location", "retry-after", "x-cart-token", "x-request-id"];

/// An HTTP API. Names are not unique and there is no idempotency token: it is found by name and tags.
pub(crate) struct Api {
    client: Client,
    name: String,
    region: String,
    origins: Vec<String>,
    tags: Tags,
    traffic: Traffic,
}

impl Api {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.apigateway.clone(),
            name: Names::new(spec).role("api"),
            region: spec.region.clone(),
            origins: spec.api.cors_origins.clone(),
            tags: Tags::new(spec, "api"),
            traffic: spec.traffic.clone(),
        }
    }

    async fn find(&self) -> Result<Option<Description>, Failure> {
        let mut named = Vec::new();
        let mut token = None;
        loop {
            let sent = self.client.get_apis().max_results("500").set_next_token(token).send().await;
            let page = sent.map_err(|error| classify("list APIs", error))?;
            named.extend(page.items.unwrap_or_default().into_iter().filter(|api| api.name() == Some(&self.name)));
            token = page.next_token;
            if token.is_none() {
                break;
            }
        }
        // Always the same one, should there ever be two; ours before others'.
        named.sort_by_key(|api| (self.ownership(api) != Ownership::Ours, api.api_id().map(ToOwned::to_owned)));
        Ok(named.into_iter().next())
    }

    fn ownership(&self, api: &Description) -> Ownership {
        self.tags.ownership(api.tags().into_iter().flatten())
    }

    fn cors(&self) -> Option<Cors> {
        (!self.origins.is_empty()).then(|| {
            Cors::builder()
                .set_allow_origins(Some(self.origins.clone()))
                .set_allow_headers(Some(MAY_SEND.map(str::to_owned).to_vec()))
                .set_expose_headers(Some(MAY_READ.map(str::to_owned).to_vec()))
                .set_allow_methods(Some(vec!["*".to_owned()]))
                .max_age(600)
                .build()
        })
    }
}

/// Headers in an order of their own: neither AWS's order nor its case means anything.
fn headers(names: Option<&[String]>) -> Json {
    let mut names: Vec<String> = names.unwrap_or_default().iter().map(|name| name.to_ascii_lowercase()).collect();
    names.sort_unstable();
    json!(names)
}

#[async_trait]
impl Resource for Api {
    fn title(&self) -> String {
        format!("HTTP API {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("API Gateway API", "only requests are paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::gateway(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        let cors = self.cors();
        Desired::new()
            .set("cors_exposed_headers", headers(cors.as_ref().map(Cors::expose_headers)))
            .set("cors_headers", headers(cors.as_ref().map(Cors::allow_headers)))
            .set("cors_origins", json!(self.origins))
            .set("public_endpoint", true)
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(api) = self.find().await? else { return Ok(None) };
        let id = api.api_id().unwrap_or_default();
        let origins: Json = json!(api.cors_configuration().map(|cors| cors.allow_origins()).unwrap_or_default());
        Ok(Some(
            Found::new()
                .owned(self.ownership(&api))
                .attribute("cors_exposed_headers", headers(api.cors_configuration().map(Cors::expose_headers)))
                .attribute("cors_headers", headers(api.cors_configuration().map(Cors::allow_headers)))
                .attribute("cors_origins", origins)
                .attribute("public_endpoint", !api.disable_execute_api_endpoint().unwrap_or(false))
                .output("id", id)
                .output("arn", format!("arn:aws:apigateway:{}::/apis/{id}", self.region))
                .output("endpoint", api.api_endpoint()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self
            .client
            .create_api()
            .name(&self.name)
            .protocol_type(ProtocolType::Http)
            .set_cors_configuration(self.cors())
            .set_tags(Some(hash_map(&self.tags)))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let id = found.text("id")?;
        let action = format!("update {}", self.title());
        let cors = self.cors();
        if cors.is_none() && changes.iter().any(|change| change.field.starts_with("cors_")) {
            let sent = self.client.delete_cors_configuration().api_id(id).send().await;
            sent.map_err(|error| classify(&action, error))?;
        }
        let update = self.client.update_api().api_id(id).disable_execute_api_endpoint(false);
        let sent = update.set_cors_configuration(cors).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(found.text("arn")?).set_tags(Some(hash_map(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    // Routes, stages, integrations and authorizers go with it.
    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_api().api_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_compared_whatever_their_order_and_case() {
        let names = |names: [&str; 2]| headers(Some(&names.map(str::to_owned)));
        assert_eq!(names(["If-Match", "authorization"]), names(["authorization", "if-match"]));
        assert_ne!(names(["authorization", "if-match"]), headers(None));
    }
}
