//! The machine's daily snapshots. They are an add-on of the instance and go with it.

use async_trait::async_trait;
use aws_sdk_lightsail::{
    Client,
    types::{AddOnRequest, AddOnType, AutoSnapshotAddOnRequest},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Readiness, Resource};

use super::{Machine, pointer};
use crate::{Clients, Names, StackSpec, Traffic, classify, prices};

/// The automatic snapshot add-on, at a given hour.
pub(crate) struct AutoSnapshots {
    client: Client,
    title: String,
    machine: Machine,
    hour: String,
    traffic: Traffic,
}

impl AutoSnapshots {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, machine: &Machine) -> Self {
        Self {
            client: clients.lightsail.clone(),
            title: format!("automatic snapshots of instance {}", Names::new(spec).role(machine.role())),
            machine: machine.clone(),
            hour: format!("{:02}:00", spec.auto_snapshot_hour),
            traffic: spec.traffic.clone(),
        }
    }
}

#[async_trait]
impl Resource for AutoSnapshots {
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
        Some(prices::free("Lightsail automatic snapshots", "only what they hold is paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::snapshots(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("time_utc", self.hour.as_str())
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(name) = cx.inputs.text(self.machine.instance().as_str(), "name") else { return Ok(None) };
        let answer = pointer::instance(&self.client, name, cx.memo).await?;
        let Some(instance) = answer.as_ref() else { return Ok(None) };
        let add_on = instance.add_ons().iter().find(|add_on| add_on.name() == Some("AutoSnapshot"));
        Ok(add_on.and_then(|add_on| {
            let readiness = match add_on.status().unwrap_or_default() {
                "Disabled" | "Terminated" | "Failed" => return None,
                "Enabling" | "Pending" => Readiness::Waiting("enabling".to_owned()),
                "Disabling" | "Terminating" => Readiness::Waiting("disabling".to_owned()),
                _ => Readiness::Ready,
            };
            // A new time counts from the day after: what will be is what was set.
            let time = add_on.next_snapshot_time_of_day().or(add_on.snapshot_time_of_day());
            Some(Found::new().ready(readiness).attribute("time_utc", time))
        }))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let instance = cx.inputs.require(self.machine.instance().as_str(), "name")?;
        let time = AutoSnapshotAddOnRequest::builder().snapshot_time_of_day(&self.hour).build();
        let action = format!("enable the {}", self.title);
        let request =
            AddOnRequest::builder().add_on_type(AddOnType::AutoSnapshot).auto_snapshot_add_on_request(time).build();
        let request = request.map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let sent = self.client.enable_add_on().resource_name(instance).add_on_request(request).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        // "Enables or modifies an add-on", says the service model.
        self.create(cx).await
    }

    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let instance = cx.inputs.require(self.machine.instance().as_str(), "name")?;
        let disable = self.client.disable_add_on().resource_name(instance).add_on_type(AddOnType::AutoSnapshot);
        disable.send().await.map(drop).map_err(|error| classify(format!("disable the {}", self.title), error))
    }
}
