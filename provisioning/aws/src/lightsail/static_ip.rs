//! The API's address, which stays when the machine behind it is replaced.

use async_trait::async_trait;
use aws_sdk_lightsail::Client;
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use super::{Machine, pointer::static_ip};
use crate::{Clients, Names, StackSpec, classify, prices};

/// A static IP. Lightsail lets it carry no tags, so its name alone says that it is ours.
pub(crate) struct StaticIp {
    client: Client,
    name: String,
}

impl StaticIp {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, machine: &Machine) -> Self {
        Self { client: clients.lightsail.clone(), name: Names::new(spec).role(machine.role()) }
    }
}

#[async_trait]
impl Resource for StaticIp {
    fn title(&self) -> String {
        format!("static IP {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail static IP", "free while attached, else USD 0.005 an hour", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let found = static_ip(&self.client, &self.name, cx.memo).await?;
        Ok(found
            .as_ref()
            .map(|address| Found::new().output("name", self.name.as_str()).output("address", address.ip_address())))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self.client.allocate_static_ip().static_ip_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("allocate static IP {}", self.name), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.release_static_ip().static_ip_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("release static IP {}", self.name), error))
    }
}
