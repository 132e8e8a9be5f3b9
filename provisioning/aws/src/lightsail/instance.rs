//! The machine the API runs on. It holds no data: a new one serves as well once the API is deployed to it.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lightsail::{Client, types::IpAddressType};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Readiness, Resource, Rule};
use serde_json::Value as Json;

use super::{
    Machine,
    pointer::{self, instance_name},
    tag_list, tag_pairs,
};
use crate::{Clients, Names, StackSpec, classify, prices, spec::ApiSpec, tags::Tags};

/// The instance the static IP is attached to, else the first generation.
pub(crate) struct Instance {
    client: Client,
    names: Names,
    machine: Machine,
    region: String,
    spec: ApiSpec,
    tags: Tags,
}

impl Instance {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, machine: &Machine) -> Self {
        Self {
            client: clients.lightsail.clone(),
            names: Names::new(spec),
            machine: machine.clone(),
            region: spec.region.clone(),
            spec: spec.api.clone(),
            tags: Tags::new(spec, machine.role()),
        }
    }

    /// Orders a new one of this name.
    pub(super) async fn make(&self, name: &str) -> Result<(), Failure> {
        let sent = self
            .client
            .create_instances()
            .instance_names(name)
            .availability_zone(format!("{}{}", self.region, self.spec.zone))
            .blueprint_id(&self.spec.blueprint)
            .bundle_id(&self.spec.bundle)
            // Its firewall is then one list of IPv4 ranges; the gateway comes over IPv4.
            .ip_address_type(IpAddressType::Ipv4)
            .set_tags(Some(tag_list(&self.tags)))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create instance {name}"), error))
    }
}

#[async_trait]
impl Resource for Instance {
    fn title(&self) -> String {
        format!("instance {}", self.names.role(self.machine.role()))
    }

    fn price(&self) -> Option<Price> {
        prices::instance(&self.spec.bundle)
    }

    fn price_found(&self, found: &Found) -> Option<Price> {
        found.attributes.get("bundle").and_then(Json::as_str).and_then(prices::instance)
    }

    fn loss_by_replacement(&self) -> Option<&'static str> {
        Some("every automatic snapshot of the old one and stops the shop until the API is deployed again")
    }

    fn deadline(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }

    fn rule(&self, field: &str) -> Rule {
        match field {
            "blueprint" | "bundle" => Rule::Replace,
            "zone" => Rule::CreateOnly,
            _ => Rule::Update,
        }
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
            .set("address_type", "ipv4")
            .set("blueprint", self.spec.blueprint.as_str())
            .set("bundle", self.spec.bundle.as_str())
            .set("running", true)
            .set("zone", format!("{}{}", self.region, self.spec.zone))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let name = instance_name(&self.client, &self.names, &self.machine, cx.memo).await?;
        let answer = pointer::instance(&self.client, &name, cx.memo).await?;
        let Some(instance) = answer.as_ref() else { return Ok(None) };
        let state = instance.state().and_then(|state| state.name()).unwrap_or_default();
        let readiness = match state {
            "running" | "stopped" => Readiness::Ready,
            "terminated" => return Ok(None),
            other => Readiness::Waiting(other.to_owned()),
        };
        let transfer = instance.networking().and_then(|network| network.monthly_transfer());
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tag_pairs(instance.tags())))
                .ready(readiness)
                .attribute("address_type", instance.ip_address_type().map(IpAddressType::as_str))
                .attribute("blueprint", instance.blueprint_id())
                .attribute("bundle", instance.bundle_id())
                .attribute("running", state != "stopped")
                .output("name", name)
                .output("arn", instance.arn())
                .output("private_address", instance.private_ip_address())
                // Gigabytes a month; the smallest bundle's where Lightsail does not say.
                .output("transfer_gb", transfer.and_then(|one| one.gb_per_month_allocated()).unwrap_or(1_024)),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let name = instance_name(&self.client, &self.names, &self.machine, cx.memo).await?;
        self.make(&name).await
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let name = found.text("name")?;
        for change in changes {
            match change.field.as_str() {
                "running" => {
                    let sent = self.client.start_instance().instance_name(name).send().await;
                    sent.map_err(|error| classify(format!("start instance {name}"), error))?;
                }
                "address_type" => {
                    let set = self.client.set_ip_address_type().resource_name(name);
                    let set = set.resource_type(aws_sdk_lightsail::types::ResourceType::Instance);
                    let sent = set.ip_address_type(IpAddressType::Ipv4).send().await;
                    sent.map_err(|error| classify(format!("set the address type of instance {name}"), error))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let name = found.text("name")?;
        let sent = self.client.tag_resource().resource_name(name).set_tags(Some(tag_list(&self.tags))).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag instance {name}"), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let name = found.text("name")?;
        let sent = self.client.delete_instance().instance_name(name).force_delete_add_ons(true).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete instance {name}"), error))
    }
}
