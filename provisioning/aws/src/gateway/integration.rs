//! The API's way to the machine, or to the load balancer before several.
//!
//! Headers pass as they came, the origin secret among them: the distribution adds it, so that who asks the gateway past
//! the distribution and its firewall is refused by the machine.

use std::collections::HashMap;

use async_trait::async_trait;
use aws_sdk_apigatewayv2::{
    Client,
    types::{Integration as Description, IntegrationType},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource, Value};
use serde_json::json;

use crate::{Clients, Machine, StackSpec, address, classify, failure::optional, lightsail::origin_name, prices};

/// Integrations have no name; this description is how ours is found again.
const DESCRIPTION: &str = "The machine that runs the shop's API";
/// HTTP APIs append the request's path to nothing by themselves; this sends it on as it came.
const PATH: (&str, &str) = ("overwrite:path", "$request.path");
/// The longest an HTTP API waits is 30 s; what takes longer than this is a fault.
const TIMEOUT_MS: i32 = 29_000;

/// The proxy to the machine's static IP, or to the load balancer.
pub(crate) struct Integration {
    client: Client,
    /// The load balancer's name, when there are several machines.
    balancer: Option<String>,
}

impl Integration {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let domain = spec.domain.as_ref().filter(|_| spec.api.instances > 1);
        Self { client: clients.apigateway.clone(), balancer: domain.map(|domain| origin_name(&domain.name)) }
    }

    /// Where requests are sent, once that is known.
    fn uri(&self, inputs: &Inputs) -> Option<String> {
        match &self.balancer {
            Some(name) => Some(format!("https://{name}")),
            None => Some(format!("http://{}", inputs.text(address::STATIC_IP, "address")?)),
        }
    }

    fn required_uri(&self, inputs: &Inputs) -> Result<String, Failure> {
        let why = "the address of the machine is not known";
        self.uri(inputs).ok_or_else(|| Failure::permanent(format!("set the {}", self.title()), why))
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
}

/// The rewriting there is beside ours, by name only: values may be secret.
fn others(parameters: Option<&HashMap<String, String>>) -> Vec<&str> {
    let all = parameters.into_iter().flatten();
    let mut names: Vec<&str> =
        all.filter(|(name, value)| *name != PATH.0 && !value.is_empty()).map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names
}

#[async_trait]
impl Resource for Integration {
    fn title(&self) -> String {
        "HTTP API's way to the machine".to_owned()
    }

    fn needs(&self) -> Vec<Address> {
        let api = Address::from(address::API);
        match self.balancer {
            // The first machine's place is there once the load balancer knows whether the machine serves.
            Some(_) => {
                vec![api, address::ORIGIN_RECORD.into(), address::BALANCER_TLS.into(), Machine::numbered(1).place()]
            }
            None => vec![api, address::STATIC_IP.into()],
        }
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
            .set("other_rewriting", json!([]))
            .set("path", PATH.1)
            .set("timeout_ms", TIMEOUT_MS)
            .set("type", "HTTP_PROXY")
            .set("uri", self.uri(inputs).map_or(Value::Unknown, Value::from))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(api) = cx.inputs.text(address::API, "id") else { return Ok(None) };
        let Some(integration) = self.find(api).await? else { return Ok(None) };
        let parameters = integration.request_parameters();
        Ok(Some(
            Found::new()
                .attribute("method", integration.integration_method())
                .attribute("other_rewriting", json!(others(parameters)))
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
            .integration_uri(self.required_uri(&cx.inputs)?)
            .payload_format_version("1.0")
            .timeout_in_millis(TIMEOUT_MS)
            .request_parameters(PATH.0, PATH.1)
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("update the {}", self.title());
        // What is left out of an update stays; an empty value takes it away.
        let stale = found.attributes.get("other_rewriting").and_then(|names| names.as_array()).into_iter().flatten();
        let stale = stale.filter_map(|name| Some((name.as_str()?.to_owned(), String::new())));
        let parameters = stale.chain([(PATH.0.to_owned(), PATH.1.to_owned())]).collect();
        let sent = self
            .client
            .update_integration()
            .api_id(cx.inputs.require(address::API, "id")?)
            .integration_id(found.text("id")?)
            .integration_type(IntegrationType::HttpProxy)
            .integration_method("ANY")
            .integration_uri(self.required_uri(&cx.inputs)?)
            .payload_format_version("1.0")
            .timeout_in_millis(TIMEOUT_MS)
            .set_request_parameters(Some(parameters))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rewriting_that_is_not_ours_is_seen_but_not_its_value() {
        let text = |text: &str| text.to_owned();
        let secret = (text("overwrite:header.x-origin-verify"), text("a-secret"));
        let all = HashMap::from([(text(PATH.0), text(PATH.1)), secret, (text("remove:header.x"), text(""))]);
        assert_eq!(others(Some(&all)), ["overwrite:header.x-origin-verify"]);
    }
}
