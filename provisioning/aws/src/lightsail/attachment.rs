//! The address attached to the machine: the pointer that says which machine serves.

use async_trait::async_trait;
use aws_sdk_lightsail::Client;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use super::{Machine, pointer::static_ip};
use crate::{Clients, Names, StackSpec, classify, prices};

/// The attachment of the static IP.
pub(crate) struct Attachment {
    client: Client,
    name: String,
    machine: Machine,
}

impl Attachment {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, machine: &Machine) -> Self {
        let name = Names::new(spec).role(machine.role());
        Self { client: clients.lightsail.clone(), name, machine: machine.clone() }
    }
}

#[async_trait]
impl Resource for Attachment {
    fn title(&self) -> String {
        format!("attachment of static IP {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![self.machine.static_ip(), self.machine.instance()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail static IP attachment", "part of the static IP", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new().set("instance", inputs.value(self.machine.instance().as_str(), "name"))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let found = static_ip(&self.client, &self.name, cx.memo).await?;
        let attached = found.as_ref().and_then(|address| address.attached_to());
        Ok(attached.filter(|name| !name.is_empty()).map(|name| Found::new().attribute("instance", name)))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let instance = cx.inputs.require(self.machine.instance().as_str(), "name")?;
        let sent = self.client.attach_static_ip().static_ip_name(&self.name).instance_name(instance).send().await;
        sent.map(drop).map_err(|error| classify(format!("attach static IP {} to {instance}", self.name), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        // Lightsail moves an attached address in one call.
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.detach_static_ip().static_ip_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("detach static IP {}", self.name), error))
    }
}
