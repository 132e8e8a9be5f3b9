//! The generations of one machine: the one behind the address, those before it, and the next one.

use aws_sdk_lightsail::types::IpAddressType;
use jewel_engine::{Failure, Memo};

use super::{Instance, Machine, pointer::instance_name, tag_list};
use crate::{Clients, Names, StackSpec, classify, failure::optional, tags::Tags};

/// The generations of one machine.
pub struct Instances<'a> {
    spec: &'a StackSpec,
    clients: &'a Clients,
    machine: Machine,
    names: Names,
}

impl<'a> Instances<'a> {
    /// Those of this machine of the shop that `spec` describes.
    #[must_use]
    pub fn new(spec: &'a StackSpec, clients: &'a Clients, machine: Machine) -> Self {
        Self { spec, clients, machine, names: Names::new(spec) }
    }

    /// The name of the one behind the address; without one, the newest there is, or the first to come.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn current(&self) -> Result<String, Failure> {
        instance_name(&self.clients.lightsail, &self.names, &self.machine, &Memo::default()).await
    }

    /// A name that none of them had, `current` included where that is lost.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn next(&self, current: &str) -> Result<String, Failure> {
        let (mut names, mut token) = (vec![current.to_owned()], None);
        loop {
            let sent = self.clients.lightsail.get_instances().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the instances", error))?;
            names.extend(page.instances.unwrap_or_default().into_iter().filter_map(|one| one.name));
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        let numbers = names.iter().filter_map(|name| self.names.number(self.machine.role(), name));
        Ok(self.names.generation(self.machine.role(), numbers.max().unwrap_or(0) + 1))
    }

    /// The state of one of them, such as `running`; `None` when it is not there.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn state(&self, name: &str) -> Result<Option<String>, Failure> {
        let sent = self.clients.lightsail.get_instance().instance_name(name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read instance {name}"), error)))?;
        let instance = answer.and_then(|answer| answer.instance);
        Ok(instance.and_then(|one| one.state.and_then(|state| state.name)))
    }

    /// Orders one of a snapshot, or a new one; unless there is one of this name.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn make(&self, name: &str, snapshot: Option<&str>) -> Result<(), Failure> {
        if self.state(name).await?.is_some() {
            return Ok(());
        }
        let Some(snapshot) = snapshot else {
            return Instance::new(self.spec, self.clients, &self.machine).make(name).await;
        };
        let create = self.clients.lightsail.create_instances_from_snapshot().instance_names(name);
        let sent = create
            .instance_snapshot_name(snapshot)
            .availability_zone(format!("{}{}", self.spec.region, self.spec.api.zone))
            .bundle_id(&self.spec.api.bundle)
            .ip_address_type(IpAddressType::Ipv4)
            .set_tags(Some(tag_list(&Tags::new(self.spec, self.machine.role()))))
            .send()
            .await;
        sent.map_err(|error| classify(format!("make instance {name} of snapshot {snapshot}"), error))?;
        Ok(())
    }

    /// Moves the machine's address to one of them.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn put_in_use(&self, name: &str) -> Result<(), Failure> {
        let address = self.names.role(self.machine.role());
        let sent = self.clients.lightsail.get_static_ip().static_ip_name(&address).send().await;
        let answer = sent.map_err(|error| classify(format!("read static IP {address}"), error))?;
        let attached = answer.static_ip.and_then(|one| one.attached_to);
        if attached.as_deref() == Some(name) {
            return Ok(());
        }
        // Lightsail moves an attached address in one call.
        let attach = self.clients.lightsail.attach_static_ip().static_ip_name(&address).instance_name(name);
        attach.send().await.map_err(|error| classify(format!("attach static IP {address} to {name}"), error))?;
        Ok(())
    }

    /// Stops one of them; it is kept.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn stop(&self, name: &str) -> Result<(), Failure> {
        let sent = self.clients.lightsail.stop_instance().instance_name(name).send().await;
        sent.map_err(|error| classify(format!("stop instance {name}"), error))?;
        Ok(())
    }
}
