//! A machine's place behind the load balancer.

use async_trait::async_trait;
use aws_sdk_lightsail::{Client, types::InstanceHealthState};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Readiness, Resource};

use super::{super::Machine, described, name};
use crate::{Clients, Names, StackSpec, address, classify, prices};

/// The attachment of the machine's instance, whichever generation that is.
pub(crate) struct Place {
    client: Client,
    names: Names,
    balancer: String,
    machine: Machine,
}

impl Place {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, machine: &Machine) -> Self {
        Self {
            client: clients.lightsail.clone(),
            names: Names::new(spec),
            balancer: name(spec),
            machine: machine.clone(),
        }
    }

    async fn detach(&self, instance: &str) -> Result<(), Failure> {
        let detach = self.client.detach_instances_from_load_balancer().load_balancer_name(&self.balancer);
        let action = format!("detach instance {instance} from load balancer {}", self.balancer);
        detach.instance_names(instance).send().await.map(drop).map_err(|error| classify(action, error))
    }
}

#[async_trait]
impl Resource for Place {
    fn title(&self) -> String {
        format!("place of {} behind load balancer {}", self.names.role(self.machine.role()), self.balancer)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::LOAD_BALANCER.into(), self.machine.instance(), self.machine.part("ports")]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::LOAD_BALANCER.into(), self.machine.instance()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::LOAD_BALANCER.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail load balancer attachment", "part of the load balancer", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new().set("instance", inputs.value(self.machine.instance().as_str(), "name"))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let answer = described(&self.client, &self.balancer, cx.memo).await?;
        let Some(balancer) = answer.as_ref() else { return Ok(None) };
        let wanted = cx.inputs.text(self.machine.instance().as_str(), "name");
        let ours = |name: &str| self.names.number(self.machine.role(), name).is_some();
        let mut all: Vec<_> = balancer.instance_health_summary().iter().collect();
        // A generation that is being replaced may still be there.
        all.sort_by_key(|one| one.instance_name() != wanted);
        let Some(one) = all.into_iter().find(|one| one.instance_name().is_some_and(ours)) else { return Ok(None) };
        // Whether it is well is the alarms' matter; but before the first checks nothing is known, and the gateway is
        // sent here only once the load balancer has found those that serve.
        let readiness = match one.instance_health() {
            Some(InstanceHealthState::Initial) => Readiness::Waiting("being checked for the first time".to_owned()),
            Some(InstanceHealthState::Draining) => Readiness::Waiting("answering its last requests".to_owned()),
            _ => Readiness::Ready,
        };
        Ok(Some(Found::new().ready(readiness).attribute("instance", one.instance_name())))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let instance = cx.inputs.require(self.machine.instance().as_str(), "name")?;
        let attach = self.client.attach_instances_to_load_balancer().load_balancer_name(&self.balancer);
        let action = format!("attach instance {instance} to load balancer {}", self.balancer);
        attach.instance_names(instance).send().await.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        // The new one first: there is always one that can answer.
        self.create(cx).await?;
        let before = found.attributes.get("instance").and_then(|name| name.as_str());
        match before.filter(|_| !changes.is_empty()) {
            Some(before) => self.detach(before).await,
            None => Ok(()),
        }
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        match found.attributes.get("instance").and_then(|name| name.as_str()) {
            Some(instance) => self.detach(instance).await,
            None => Ok(()),
        }
    }
}
