//! A route of the API, with or without a check of tokens.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_apigatewayv2::{
    Client,
    types::{AuthorizationType, Route as Description},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource};
use serde_json::Value as Json;

use crate::{Clients, address, classify, failure::optional, prices};

/// One route to the machine.
pub(crate) struct Route {
    client: Client,
    key: &'static str,
    checked: bool,
}

impl Route {
    /// A route anyone may call; the machine decides.
    pub(crate) fn open(clients: &Clients, key: &'static str) -> Self {
        Self { client: clients.apigateway.clone(), key, checked: false }
    }

    /// A route only a valid token gets through.
    pub(crate) fn checked(clients: &Clients, key: &'static str) -> Self {
        Self { checked: true, ..Self::open(clients, key) }
    }

    /// All routes, asked once in a pass.
    async fn list(&self, api: &str, memo: &Memo) -> Result<Arc<Vec<Description>>, Failure> {
        memo.once(&format!("routes of {api}"), async {
            let mut routes = Vec::new();
            let mut token = None;
            loop {
                let list = self.client.get_routes().api_id(api).max_results("500").set_next_token(token);
                let sent = list.send().await.map_err(|error| classify("list routes of the HTTP API", error));
                let Some(page) = optional(sent)? else { return Ok(routes) };
                routes.extend(page.items.unwrap_or_default());
                token = page.next_token;
                if token.is_none() {
                    return Ok(routes);
                }
            }
        })
        .await
    }

    fn authorization(&self) -> AuthorizationType {
        if self.checked { AuthorizationType::Jwt } else { AuthorizationType::None }
    }

    fn authorizer(&self, inputs: &Inputs) -> Result<Option<String>, Failure> {
        if !self.checked {
            return Ok(None);
        }
        inputs.require(address::AUTHORIZER, "id").map(|id| Some(id.to_owned()))
    }
}

fn target(integration: &str) -> String {
    format!("integrations/{integration}")
}

#[async_trait]
impl Resource for Route {
    fn title(&self) -> String {
        format!("HTTP API route {}", self.key)
    }

    fn needs(&self) -> Vec<Address> {
        let mut needs = vec![address::API.into(), address::INTEGRATION.into()];
        if self.checked {
            needs.push(address::AUTHORIZER.into());
        }
        needs
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::API.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::API.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("API Gateway route", "part of the HTTP API", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let wanted = Desired::new()
            .set("authorization", self.authorization().as_str())
            .set("target", inputs.value(address::INTEGRATION, "id").map_text(|id| target(id).into()));
        if self.checked { wanted.set("authorizer", inputs.value(address::AUTHORIZER, "id")) } else { wanted }
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(api) = cx.inputs.text(address::API, "id") else { return Ok(None) };
        let routes = self.list(api, cx.memo).await?;
        Ok(routes.iter().find(|route| route.route_key() == Some(self.key)).map(|route| {
            let authorization = route.authorization_type().unwrap_or(&AuthorizationType::None);
            Found::new()
                .attribute("authorization", authorization.as_str())
                .attribute("authorizer", route.authorizer_id().map_or(Json::Null, Json::from))
                .attribute("target", route.target())
                .output("id", route.route_id())
        }))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self
            .client
            .create_route()
            .api_id(cx.inputs.require(address::API, "id")?)
            .route_key(self.key)
            .target(target(cx.inputs.require(address::INTEGRATION, "id")?))
            .authorization_type(self.authorization())
            .set_authorizer_id(self.authorizer(&cx.inputs)?)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let sent = self
            .client
            .update_route()
            .api_id(cx.inputs.require(address::API, "id")?)
            .route_id(found.text("id")?)
            .route_key(self.key)
            .target(target(cx.inputs.require(address::INTEGRATION, "id")?))
            .authorization_type(self.authorization())
            .set_authorizer_id(self.authorizer(&cx.inputs)?)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("update {}", self.title()), error))
    }

    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let api = cx.inputs.require(address::API, "id")?;
        let sent = self.client.delete_route().api_id(api).route_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
