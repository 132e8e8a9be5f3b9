//! The machine's firewall, always as the whole set: Lightsail closes what a request does not name.

use async_trait::async_trait;
use aws_sdk_lightsail::{
    Client,
    types::{NetworkProtocol, PortInfo, PortState},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use super::Machine;
use crate::{Clients, Names, StackSpec, classify, failure::optional, prices};

/// The open ports: HTTP for the gateway, whose addresses AWS does not publish. The API refuses what does not carry the
/// origin secret. SSH is opened by commands for as long as they need it.
pub(crate) struct Ports {
    client: Client,
    title: String,
    machine: Machine,
}

impl Ports {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, machine: &Machine) -> Self {
        let title = format!("open ports of instance {}", Names::new(spec).role(machine.role()));
        Self { client: clients.lightsail.clone(), title, machine: machine.clone() }
    }
}

#[async_trait]
impl Resource for Ports {
    fn title(&self) -> String {
        self.title.clone()
    }

    fn needs(&self) -> Vec<Address> {
        vec![self.machine.instance()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![self.machine.instance()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(self.machine.instance())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail firewall", "part of the instance", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("open", json!([open("tcp", 80, 80, &["0.0.0.0/0".to_owned()], &[], &[])]))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(instance) = cx.inputs.text(self.machine.instance().as_str(), "name") else { return Ok(None) };
        let sent = self.client.get_instance_port_states().instance_name(instance).send().await;
        let Some(answer) = optional(sent.map_err(|error| classify(format!("read the {}", self.title), error)))? else {
            return Ok(None);
        };
        let mut ports: Vec<(i32, Json)> = answer
            .port_states()
            .iter()
            .filter(|port| port.state() == Some(&PortState::Open))
            .map(|port| {
                let protocol = port.protocol().map(NetworkProtocol::as_str).unwrap_or_default();
                let (cidrs, v6, aliases) = (port.cidrs(), port.ipv6_cidrs(), port.cidr_list_aliases());
                (port.from_port, open(protocol, port.from_port, port.to_port, cidrs, v6, aliases))
            })
            .collect();
        ports.sort_by_key(|(from, port)| (*from, port.to_string()));
        Ok(Some(Found::new().attribute("open", ports.into_iter().map(|(_, port)| port).collect::<Vec<Json>>())))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let instance = cx.inputs.require(self.machine.instance().as_str(), "name")?;
        let http =
            PortInfo::builder().from_port(80).to_port(80).protocol(NetworkProtocol::Tcp).cidrs("0.0.0.0/0").build();
        let sent = self.client.put_instance_public_ports().instance_name(instance).port_infos(http).send().await;
        sent.map(drop).map_err(|error| classify(format!("set the {}", self.title), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    // An instance always has a firewall; it goes with the instance.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        Ok(())
    }
}

/// One rule as it is compared and shown. What is empty is left out, so that a rule reads as it was set.
fn open(protocol: &str, from: i32, to: i32, cidrs: &[String], v6: &[String], aliases: &[String]) -> Json {
    let ports = if from == to { from.to_string() } else { format!("{from}-{to}") };
    let mut sources: Vec<&String> = cidrs.iter().chain(v6).chain(aliases).collect();
    sources.sort();
    json!({ "protocol": protocol, "ports": ports, "from": sources })
}
