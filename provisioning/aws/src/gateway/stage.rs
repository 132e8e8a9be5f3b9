//! The API's one stage: what is deployed, and how often it may be called.

use async_trait::async_trait;
use aws_sdk_apigatewayv2::{Client, types::RouteSettings};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use crate::{
    Clients, StackSpec, address, classify,
    failure::optional,
    prices,
    tags::{Tags, hash_map},
};

/// The stage without a name in the path.
const NAME: &str = "$default";

/// The default stage. Its throttle is the bound for those who find the API's own address and go round the distribution.
pub(crate) struct Stage {
    client: Client,
    rate: f64,
    burst: i32,
    tags: Tags,
}

impl Stage {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.apigateway.clone(),
            rate: spec.api.throttle_rate,
            burst: spec.api.throttle_burst,
            tags: Tags::new(spec, "api"),
        }
    }

    fn settings(&self) -> RouteSettings {
        RouteSettings::builder().throttling_rate_limit(self.rate).throttling_burst_limit(self.burst).build()
    }
}

#[async_trait]
impl Resource for Stage {
    fn title(&self) -> String {
        format!("HTTP API stage {NAME}")
    }

    // After the routes, so that the first deployment has them.
    fn needs(&self) -> Vec<Address> {
        vec![address::API.into(), address::ROUTE_PUBLIC.into(), address::ROUTE_ADMIN.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::API.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::API.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("API Gateway stage", "part of the HTTP API", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("auto_deploy", true).set("throttle_burst", self.burst).set("throttle_rate", self.rate)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(api) = cx.inputs.text(address::API, "id") else { return Ok(None) };
        let sent = self.client.get_stage().api_id(api).stage_name(NAME).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        Ok(answer.map(|stage| {
            let settings = stage.default_route_settings();
            Found::new()
                .attribute("auto_deploy", stage.auto_deploy().unwrap_or(false))
                .attribute("throttle_burst", settings.and_then(|settings| settings.throttling_burst_limit()))
                .attribute("throttle_rate", settings.and_then(|settings| settings.throttling_rate_limit()))
        }))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self
            .client
            .create_stage()
            .api_id(cx.inputs.require(address::API, "id")?)
            .stage_name(NAME)
            .auto_deploy(true)
            .default_route_settings(self.settings())
            .set_tags(Some(hash_map(&self.tags)))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let api = cx.inputs.require(address::API, "id")?;
        let update = self.client.update_stage().api_id(api).stage_name(NAME).auto_deploy(true);
        let sent = update.default_route_settings(self.settings()).send().await;
        sent.map(drop).map_err(|error| classify(format!("update {}", self.title()), error))
    }

    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let api = cx.inputs.require(address::API, "id")?;
        let sent = self.client.delete_stage().api_id(api).stage_name(NAME).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
