//! The API's check of tokens on routes for staff.

use async_trait::async_trait;
use aws_sdk_apigatewayv2::{
    Client,
    types::{Authorizer as Description, AuthorizerType, JwtConfiguration},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::json;

use crate::{Clients, address, classify, failure::optional, prices};

const NAME: &str = "tokens";
const SOURCE: &str = "$request.header.Authorization";

/// A JWT authorizer: issuer, audience and expiry. Groups are the API's to check.
pub(crate) struct Authorizer {
    client: Client,
}

impl Authorizer {
    pub(crate) fn new(clients: &Clients) -> Self {
        Self { client: clients.apigateway.clone() }
    }

    async fn find(&self, api: &str) -> Result<Option<Description>, Failure> {
        let mut token = None;
        loop {
            let list = self.client.get_authorizers().api_id(api).max_results("500").set_next_token(token);
            let sent = list.send().await.map_err(|error| classify("list authorizers of the HTTP API", error));
            let Some(page) = optional(sent)? else { return Ok(None) };
            let ours = |authorizer: &Description| authorizer.name() == Some(NAME);
            if let Some(found) = page.items.unwrap_or_default().into_iter().find(ours) {
                return Ok(Some(found));
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    fn configuration(inputs: &Inputs) -> Result<JwtConfiguration, Failure> {
        Ok(JwtConfiguration::builder()
            .issuer(inputs.require(address::USER_POOL, "issuer")?)
            .audience(inputs.require(address::USER_POOL_CLIENT, "id")?)
            .build())
    }
}

#[async_trait]
impl Resource for Authorizer {
    fn title(&self) -> String {
        "HTTP API's check of tokens".to_owned()
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::API.into(), address::USER_POOL.into(), address::USER_POOL_CLIENT.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::API.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::API.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("API Gateway authorizer", "part of the HTTP API", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new()
            .set("audience", inputs.value(address::USER_POOL_CLIENT, "id").map_text(|id| json!([id])))
            .set("issuer", inputs.value(address::USER_POOL, "issuer"))
            .set("source", json!([SOURCE]))
            .set("type", "JWT")
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(api) = cx.inputs.text(address::API, "id") else { return Ok(None) };
        let Some(authorizer) = self.find(api).await? else { return Ok(None) };
        let jwt = authorizer.jwt_configuration();
        Ok(Some(
            Found::new()
                .attribute("audience", json!(jwt.map(|jwt| jwt.audience()).unwrap_or_default()))
                .attribute("issuer", jwt.and_then(|jwt| jwt.issuer()))
                .attribute("source", json!(authorizer.identity_source()))
                .attribute("type", authorizer.authorizer_type().map(AuthorizerType::as_str))
                .output("id", authorizer.authorizer_id()),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self
            .client
            .create_authorizer()
            .api_id(cx.inputs.require(address::API, "id")?)
            .name(NAME)
            .authorizer_type(AuthorizerType::Jwt)
            .identity_source(SOURCE)
            .jwt_configuration(Self::configuration(&cx.inputs)?)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create the {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let sent = self
            .client
            .update_authorizer()
            .api_id(cx.inputs.require(address::API, "id")?)
            .authorizer_id(found.text("id")?)
            .name(NAME)
            .authorizer_type(AuthorizerType::Jwt)
            .identity_source(SOURCE)
            .jwt_configuration(Self::configuration(&cx.inputs)?)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("update the {}", self.title()), error))
    }

    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let api = cx.inputs.require(address::API, "id")?;
        let sent = self.client.delete_authorizer().api_id(api).authorizer_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete the {}", self.title()), error))
    }
}
