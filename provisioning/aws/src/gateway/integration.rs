//! The API's way to the machine. Here each request gets the origin secret, which the machine asks for.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_apigatewayv2::{
    Client,
    types::{Integration as Description, IntegrationType},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    Clients, StackSpec, address, classify,
    failure::optional,
    prices,
    secrets::{ApiCredentials, Secret, origin_secret},
};

/// Integrations have no name; this description is how ours is found again.
const DESCRIPTION: &str = "The machine that runs the shop's API";
/// HTTP APIs append the request's path to nothing by themselves; this sends it on as it came.
const PATH: (&str, &str) = ("overwrite:path", "$request.path");
const HEADER: &str = "overwrite:header.x-origin-verify";
/// The longest an HTTP API waits is 30 s; what takes longer than this is a fault.
const TIMEOUT_MS: i32 = 29_000;

/// The proxy to the machine's static IP.
pub(crate) struct Integration {
    client: Client,
    secret: Secret,
}

impl Integration {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.apigateway.clone(), secret: ApiCredentials::secret(spec, clients) }
    }

    async fn find(&self, api: &str) -> Result<Option<Description>, Failure> {
        let mut token = None;
        loop {
            let list = self.client.get_integrations().api_id(api).max_results("500").set_next_token(token);
            let sent = list.send().await.map_err(|error| classify("list integrations of the HTTP API", error));
            let Some(page) = optional(sent)? else { return Ok(None) };
            let ours = |integration: &Description| integration.description() == Some(DESCRIPTION);
            if let Some(found) = page.items.unwrap_or_default().into_iter().find(ours) {
                return Ok(Some(found));
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(None);
            }
        }
    }

    async fn parameters(&self, action: &str) -> Result<HashMap<String, String>, Failure> {
        // Asked anew: what was remembered may be older than the secret.
        let secret = origin_secret(&self.secret, &Memo::default()).await?;
        let secret = secret.ok_or_else(|| Failure::permanent(action, "the origin secret has no value"))?;
        Ok(HashMap::from([
            (PATH.0.to_owned(), PATH.1.to_owned()),
            (HEADER.to_owned(), secret.expose_secret().to_owned()),
        ]))
    }
}

fn uri(address: &str) -> String {
    format!("http://{address}")
}

#[async_trait]
impl Resource for Integration {
    fn title(&self) -> String {
        "HTTP API's way to the machine".to_owned()
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::API.into(), address::STATIC_IP.into(), address::API_SECRET.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::API.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::API.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("API Gateway integration", "part of the HTTP API", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new()
            .set("method", "ANY")
            .set("origin_secret", "the current one")
            .set("path", PATH.1)
            .set("timeout_ms", TIMEOUT_MS)
            .set("type", "HTTP_PROXY")
            .set("uri", inputs.value(address::STATIC_IP, "address").map_text(|address| uri(address).into()))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(api) = cx.inputs.text(address::API, "id") else { return Ok(None) };
        let (integration, secret) = tokio::join!(self.find(api), origin_secret(&self.secret, cx.memo));
        let Some(integration) = integration? else { return Ok(None) };
        let parameters = integration.request_parameters();
        let sent = parameters.and_then(|parameters| parameters.get(HEADER));
        Ok(Some(
            Found::new()
                .attribute("method", integration.integration_method())
                .attribute("origin_secret", compare(secret?.as_ref(), sent))
                .attribute("path", parameters.and_then(|parameters| parameters.get(PATH.0)).map(String::as_str))
                .attribute("timeout_ms", integration.timeout_in_millis())
                .attribute("type", integration.integration_type().map(IntegrationType::as_str))
                .attribute("uri", integration.integration_uri().map(|uri| uri.trim_end_matches('/')))
                .output("id", integration.integration_id()),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create the {}", self.title());
        let sent = self
            .client
            .create_integration()
            .api_id(cx.inputs.require(address::API, "id")?)
            .description(DESCRIPTION)
            .integration_type(IntegrationType::HttpProxy)
            .integration_method("ANY")
            .integration_uri(uri(cx.inputs.require(address::STATIC_IP, "address")?))
            .payload_format_version("1.0")
            .timeout_in_millis(TIMEOUT_MS)
            .set_request_parameters(Some(self.parameters(&action).await?))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("update the {}", self.title());
        let sent = self
            .client
            .update_integration()
            .api_id(cx.inputs.require(address::API, "id")?)
            .integration_id(found.text("id")?)
            .integration_type(IntegrationType::HttpProxy)
            .integration_method("ANY")
            .integration_uri(uri(cx.inputs.require(address::STATIC_IP, "address")?))
            .payload_format_version("1.0")
            .timeout_in_millis(TIMEOUT_MS)
            .set_request_parameters(Some(self.parameters(&action).await?))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let api = cx.inputs.require(address::API, "id")?;
        let sent = self.client.delete_integration().api_id(api).integration_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete the {}", self.title()), error))
    }
}

/// Says whether the header is right without saying what it is.
fn compare(secret: Option<&SecretString>, sent: Option<&String>) -> &'static str {
    match (secret, sent) {
        (Some(secret), Some(sent)) if secret.expose_secret() == sent => "the current one",
        (_, Some(_)) => "another one",
        (_, None) => "none",
    }
}
