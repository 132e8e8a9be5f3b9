//! The load balancer before several machines: one name, spoken to with TLS, that leads to those that are well.

mod certificate;
mod place;
mod tls;

pub(crate) use certificate::BalancerCertificate;
pub(crate) use place::Place;
pub(crate) use tls::BalancerTls;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_lightsail::{
    Client,
    types::{LoadBalancer as Described, LoadBalancerAttributeName, LoadBalancerState, LoadBalancerTlsCertificate},
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Readiness, Resource, Rule};

use super::{tag_list, tag_pairs};
use crate::{Clients, Names, StackSpec, classify, failure::optional, prices, tags::Tags};

/// Where the API is reached on each machine.
const INSTANCE_PORT: i32 = 80;
/// Asks the database too: a machine that cannot reach it can serve nobody, and one that is alive only would be sent
/// visitors before the API was deployed to it. When none is ready, Lightsail sends to all of them.
const HEALTH_CHECK_PATH: &str = "/readyz";
/// TLS 1.2 and newer with forward secrecy; the policy given by default has TLS 1.0 too.
const TLS_POLICY: &str = "TLS-FS-Res-1-2-2019-08";

/// The host name under which the gateway reaches the load balancer of `domain`.
pub(crate) fn origin_name(domain: &str) -> String {
    format!("origin.{domain}")
}

/// The load balancer.
pub(crate) struct Balancer {
    client: Client,
    name: String,
    tags: Tags,
}

impl Balancer {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.lightsail.clone(), name: name(spec), tags: Tags::new(spec, "balancer") }
    }
}

fn name(spec: &StackSpec) -> String {
    Names::new(spec).role("balancer")
}

/// The load balancer, asked once in a pass.
async fn described(client: &Client, name: &str, memo: &Memo) -> Result<Arc<Option<Described>>, Failure> {
    memo.once(&format!("load balancer {name}"), async {
        let sent = client.get_load_balancer().load_balancer_name(name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read load balancer {name}"), error)))?;
        Ok(answer.and_then(|answer| answer.load_balancer))
    })
    .await
}

/// Its certificates, asked once in a pass.
async fn certificates(
    client: &Client,
    balancer: &str,
    memo: &Memo,
) -> Result<Arc<Vec<LoadBalancerTlsCertificate>>, Failure> {
    memo.once(&format!("certificates of load balancer {balancer}"), async {
        let sent = client.get_load_balancer_tls_certificates().load_balancer_name(balancer).send().await;
        let action = format!("list the certificates of load balancer {balancer}");
        let answer = optional(sent.map_err(|error| classify(action, error)))?;
        Ok(answer.and_then(|answer| answer.tls_certificates).unwrap_or_default())
    })
    .await
}

#[async_trait]
impl Resource for Balancer {
    fn title(&self) -> String {
        format!("load balancer {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::load_balancer())
    }

    fn rule(&self, field: &str) -> Rule {
        if field == "instance_port" { Rule::Replace } else { Rule::Update }
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
            .set("health_check_path", HEALTH_CHECK_PATH)
            .set("instance_port", INSTANCE_PORT)
            .set("tls_policy", TLS_POLICY)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let answer = described(&self.client, &self.name, cx.memo).await?;
        let Some(balancer) = answer.as_ref() else { return Ok(None) };
        let readiness = match balancer.state() {
            Some(LoadBalancerState::Provisioning) => Readiness::Waiting("provisioning".to_owned()),
            Some(LoadBalancerState::Failed) => Readiness::Failed("Lightsail could not make it".to_owned()),
            _ => Readiness::Ready,
        };
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tag_pairs(balancer.tags())))
                .ready(readiness)
                .attribute("health_check_path", balancer.health_check_path())
                .attribute("instance_port", balancer.instance_port())
                .attribute("tls_policy", balancer.tls_policy_name())
                .output("name", self.name.as_str())
                .output("dns_name", balancer.dns_name()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self
            .client
            .create_load_balancer()
            .load_balancer_name(&self.name)
            .instance_port(INSTANCE_PORT)
            .health_check_path(HEALTH_CHECK_PATH)
            .tls_policy_name(TLS_POLICY)
            .set_tags(Some(tag_list(&self.tags)));
        create.send().await.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        for change in changes {
            let (attribute, value) = match change.field.as_str() {
                "health_check_path" => (LoadBalancerAttributeName::HealthCheckPath, HEALTH_CHECK_PATH),
                "tls_policy" => (LoadBalancerAttributeName::TlsPolicyName, TLS_POLICY),
                _ => continue,
            };
            let update = self.client.update_load_balancer_attribute().load_balancer_name(&self.name);
            let sent = update.attribute_name(attribute).attribute_value(value).send().await;
            sent.map_err(|error| classify(format!("update {}", self.title()), error))?;
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_name(&self.name).set_tags(Some(tag_list(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_load_balancer().load_balancer_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
