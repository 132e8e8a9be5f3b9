//! The shop as an application of the user pool.

use async_trait::async_trait;
use aws_sdk_cognitoidentityprovider::{
    Client,
    types::{ExplicitAuthFlowsType, OAuthFlowType, PreventUserExistenceErrorTypes, UserPoolClientType},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource, Rule, Value};
use serde_json::{Value as Json, json};

use super::pool::pool_id;
use crate::{
    Clients, Names, StackSpec, address, classify,
    failure::{incomplete, optional},
    prices,
    spec::UsersSpec,
};

const SCOPES: [&str; 3] = ["email", "openid", "profile"];

/// An application without a secret: it runs in browsers, where nothing stays secret.
pub(crate) struct PoolClient {
    client: Client,
    name: String,
    spec: UsersSpec,
}

impl PoolClient {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.cognito.clone(), name: Names::new(spec).role("web"), spec: spec.users.clone() }
    }

    /// The given pages and the shop's own address, sorted.
    fn urls(given: &[String], domain: &str) -> Vec<String> {
        let mut urls: Vec<String> = given.to_vec();
        urls.push(format!("https://{domain}/"));
        urls.sort();
        urls.dedup();
        urls
    }

    fn flows() -> Vec<ExplicitAuthFlowsType> {
        vec![
            // For tests and consoles with AWS credentials; browsers use the code flow or SRP.
            ExplicitAuthFlowsType::AllowAdminUserPasswordAuth,
            ExplicitAuthFlowsType::AllowRefreshTokenAuth,
            ExplicitAuthFlowsType::AllowUserSrpAuth,
        ]
    }

    async fn find(&self, pool: &str) -> Result<Option<UserPoolClientType>, Failure> {
        let mut token = None;
        loop {
            let list = self.client.list_user_pool_clients().user_pool_id(pool).max_results(60);
            let sent = list.set_next_token(token).send().await;
            let Some(page) = optional(sent.map_err(|error| classify("list user pool clients", error)))? else {
                return Ok(None);
            };
            let ours = page.user_pool_clients().iter().find(|client| client.client_name() == Some(&self.name));
            if let Some(id) = ours.and_then(|client| client.client_id()) {
                return self.describe(pool, id).await;
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    async fn describe(&self, pool: &str, id: &str) -> Result<Option<UserPoolClientType>, Failure> {
        let sent = self.client.describe_user_pool_client().user_pool_id(pool).client_id(id).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        Ok(answer.and_then(|answer| answer.user_pool_client))
    }
}

#[async_trait]
impl Resource for PoolClient {
    fn title(&self) -> String {
        format!("user pool client {}", self.name)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::USER_POOL.into(), address::DISTRIBUTION.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::USER_POOL.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::USER_POOL.into())
    }

    fn loss_by_replacement(&self) -> Option<&'static str> {
        Some("every open session: people must sign in again")
    }

    fn rule(&self, field: &str) -> Rule {
        if field == "secret" { Rule::Replace } else { Rule::Update }
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Cognito client", "part of the user pool", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let urls = |given: &[String]| -> Value {
            inputs.value(address::DISTRIBUTION, "host").map_text(|domain| json!(Self::urls(given, domain)))
        };
        Desired::new()
            .set("auth_flows", sorted(Self::flows().iter().map(ExplicitAuthFlowsType::as_str)))
            .set("callback_urls", urls(&self.spec.callback_urls))
            .set("identity_providers", json!(["COGNITO"]))
            .set("logout_urls", urls(&self.spec.logout_urls))
            .set("oauth", true)
            .set("oauth_flows", json!(["code"]))
            .set("oauth_scopes", json!(SCOPES))
            .set("prevent_user_existence_errors", "ENABLED")
            .set("secret", false)
            .set("token_revocation", true)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(pool) = pool_id(&cx.inputs) else { return Ok(None) };
        let Some(client) = self.find(&pool).await? else { return Ok(None) };
        let texts = |list: &[String]| sorted(list.iter().map(String::as_str));
        let prevent = client.prevent_user_existence_errors().map(PreventUserExistenceErrorTypes::as_str);
        Ok(Some(
            Found::new()
                .attribute("auth_flows", sorted(client.explicit_auth_flows().iter().map(ExplicitAuthFlowsType::as_str)))
                .attribute("callback_urls", texts(client.callback_urls()))
                .attribute("identity_providers", texts(client.supported_identity_providers()))
                .attribute("logout_urls", texts(client.logout_urls()))
                .attribute("oauth", client.allowed_o_auth_flows_user_pool_client().unwrap_or(false))
                .attribute("oauth_flows", sorted(client.allowed_o_auth_flows().iter().map(OAuthFlowType::as_str)))
                .attribute("oauth_scopes", texts(client.allowed_o_auth_scopes()))
                .attribute("prevent_user_existence_errors", prevent)
                .attribute("secret", client.client_secret().is_some())
                .attribute("token_revocation", client.enable_token_revocation().unwrap_or(false))
                .output("id", client.client_id()),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let domain = cx.inputs.require(address::DISTRIBUTION, "host")?;
        let sent = self
            .client
            .create_user_pool_client()
            .user_pool_id(cx.inputs.require(address::USER_POOL, "id")?)
            .client_name(&self.name)
            .generate_secret(false)
            .set_explicit_auth_flows(Some(Self::flows()))
            .set_callback_urls(Some(Self::urls(&self.spec.callback_urls, domain)))
            .set_logout_urls(Some(Self::urls(&self.spec.logout_urls, domain)))
            .supported_identity_providers("COGNITO")
            .allowed_o_auth_flows_user_pool_client(true)
            .allowed_o_auth_flows(OAuthFlowType::Code)
            .set_allowed_o_auth_scopes(Some(SCOPES.map(ToOwned::to_owned).to_vec()))
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled)
            .enable_token_revocation(true)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("update {}", self.title());
        let pool = cx.inputs.require(address::USER_POOL, "id")?;
        let domain = cx.inputs.require(address::DISTRIBUTION, "host")?;
        let current = self.describe(pool, found.text("id")?).await?;
        let current = current.ok_or_else(|| incomplete(&action, "client"))?;
        // What an update omits is reset to its default, so what others set is sent back.
        let sent = self
            .client
            .update_user_pool_client()
            .user_pool_id(pool)
            .client_id(found.text("id")?)
            .client_name(&self.name)
            .set_explicit_auth_flows(Some(Self::flows()))
            .set_callback_urls(Some(Self::urls(&self.spec.callback_urls, domain)))
            .set_logout_urls(Some(Self::urls(&self.spec.logout_urls, domain)))
            .supported_identity_providers("COGNITO")
            .allowed_o_auth_flows_user_pool_client(true)
            .allowed_o_auth_flows(OAuthFlowType::Code)
            .set_allowed_o_auth_scopes(Some(SCOPES.map(ToOwned::to_owned).to_vec()))
            .prevent_user_existence_errors(PreventUserExistenceErrorTypes::Enabled)
            .enable_token_revocation(true)
            .set_refresh_token_validity(Some(current.refresh_token_validity).filter(|days| *days > 0))
            .set_access_token_validity(current.access_token_validity)
            .set_id_token_validity(current.id_token_validity)
            .set_token_validity_units(current.token_validity_units)
            .set_read_attributes(current.read_attributes)
            .set_write_attributes(current.write_attributes)
            .set_analytics_configuration(current.analytics_configuration)
            .set_auth_session_validity(current.auth_session_validity)
            .set_refresh_token_rotation(current.refresh_token_rotation)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let pool = cx.inputs.require(address::USER_POOL, "id")?;
        let delete = self.client.delete_user_pool_client().user_pool_id(pool).client_id(found.text("id")?);
        delete.send().await.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}

fn sorted<'a>(items: impl Iterator<Item = &'a str>) -> Json {
    let mut items: Vec<_> = items.collect();
    items.sort_unstable();
    json!(items)
}
