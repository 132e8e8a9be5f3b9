//! The firewall of an instance: which ports are open to whom.

use std::{net::IpAddr, sync::Arc};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    fault::Fault,
    operations::{self, About, Operation},
    service::Service,
    state::PortInfo,
};
use crate::network::forward::{PortRule, Protocol};

const ANYWHERE: &str = "0.0.0.0/0";
const ANYWHERE_V6: &str = "::/0";

/// What a new Linux instance has open on AWS.
pub(crate) fn defaults() -> Vec<PortInfo> {
    [22, 80]
        .map(|port| PortInfo {
            from_port: port,
            to_port: port,
            protocol: "tcp".to_owned(),
            cidrs: vec![ANYWHERE.to_owned()],
            ipv6_cidrs: vec![ANYWHERE_V6.to_owned()],
            cidr_list_aliases: Vec::new(),
        })
        .to_vec()
}

/// The rules as the forwards take them. There is no IPv6 and no browser client here, so openings for those alone are kept
/// and shown, and let nobody in.
pub(crate) fn rules(ports: &[PortInfo]) -> Vec<PortRule> {
    let rule = |port: &PortInfo| {
        let protocol = match port.protocol.as_str() {
            "tcp" => Protocol::Tcp,
            "udp" => Protocol::Udp,
            "icmp" => Protocol::Icmp,
            "all" => Protocol::All,
            _ => return None,
        };
        // ICMP carries its type and code in place of ports; -1 means any.
        let number = |port: i32| u16::try_from(port).unwrap_or(0);
        let (from, to) = (number(port.from_port), number(port.to_port));
        (!port.cidrs.is_empty()).then(|| PortRule { from, to, protocol, cidrs: port.cidrs.clone() })
    };
    ports.iter().filter_map(rule).collect()
}

/// The openings as `GetInstance` shows them.
pub(crate) fn networking_view(port: &PortInfo) -> Value {
    let open_to_all = port.cidrs.iter().any(|cidr| cidr == ANYWHERE);
    json!({
        "fromPort": port.from_port,
        "toPort": port.to_port,
        "protocol": port.protocol,
        "accessFrom": if open_to_all { "Anywhere (0.0.0.0/0 and ::/0)" } else { "Custom" },
        "accessType": "Public",
        "commonName": "",
        "accessDirection": "inbound",
        "cidrs": port.cidrs,
        "ipv6Cidrs": port.ipv6_cidrs,
        "cidrListAliases": port.cidr_list_aliases,
    })
}

/// What a request says about one opening.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Asked {
    from_port: Option<i32>,
    to_port: Option<i32>,
    protocol: Option<String>,
    #[serde(default)]
    cidrs: Vec<String>,
    #[serde(default)]
    ipv6_cidrs: Vec<String>,
    #[serde(default)]
    cidr_list_aliases: Vec<String>,
}

impl Asked {
    fn checked(self) -> Result<PortInfo, Fault> {
        let protocol = self.protocol.ok_or_else(|| Fault::invalid("A protocol is required for each port info."))?;
        let (from_port, to_port) = match (protocol.as_str(), self.from_port, self.to_port) {
            ("all", _, _) => (0, 65535),
            (_, Some(from), Some(to)) => (from, to),
            _ => return Err(Fault::invalid("fromPort and toPort are required for each port info.")),
        };
        if matches!(protocol.as_str(), "tcp" | "udp") && !(0 <= from_port && from_port <= to_port) {
            return Err(Fault::invalid(format!("The port range is not valid: {from_port}-{to_port}")));
        }
        if let Some(alias) = self.cidr_list_aliases.iter().find(|alias| *alias != "lightsail-connect") {
            return Err(Fault::invalid(format!("The CIDR list alias is not valid: {alias}")));
        }
        let mut port = PortInfo {
            from_port,
            to_port,
            protocol,
            cidrs: checked_cidrs(self.cidrs, 32)?,
            ipv6_cidrs: checked_cidrs(self.ipv6_cidrs, 128)?,
            cidr_list_aliases: self.cidr_list_aliases,
        };
        if port.cidrs.is_empty() && port.ipv6_cidrs.is_empty() && port.cidr_list_aliases.is_empty() {
            port.cidrs.push(ANYWHERE.to_owned());
            port.ipv6_cidrs.push(ANYWHERE_V6.to_owned());
        }
        Ok(port)
    }
}

/// Addresses and networks of one family (told by its number of bits), networks made explicit.
fn checked_cidrs(cidrs: Vec<String>, bits: u8) -> Result<Vec<String>, Fault> {
    let check = |cidr: String| {
        let (address, length) = cidr.split_once('/').unwrap_or((&cidr, ""));
        let family = address.parse::<IpAddr>().ok().map(|address| if address.is_ipv4() { 32 } else { 128 });
        let length = if length.is_empty() && !cidr.contains('/') { Some(bits) } else { length.parse::<u8>().ok() };
        match (family, length) {
            (Some(family), Some(length)) if family == bits && length <= bits => Ok(format!("{address}/{length}")),
            _ => Err(Fault::invalid(format!("The CIDR is not valid: {cidr}"))),
        }
    };
    cidrs.into_iter().map(check).collect()
}

fn same_range(a: &PortInfo, b: &PortInfo) -> bool {
    (a.from_port, a.to_port, &a.protocol) == (b.from_port, b.to_port, &b.protocol)
}

/// Puts `port` among `ports`, in place of one for the same range.
fn add(ports: &mut Vec<PortInfo>, port: PortInfo) {
    match ports.iter_mut().find(|open| same_range(open, &port)) {
        Some(open) => *open = port,
        None => ports.push(port),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PutPorts {
    instance_name: String,
    port_infos: Vec<Asked>,
}

/// Replaces the whole set: what is not in the request is closed.
pub(crate) async fn put(service: &Arc<Service>, request: PutPorts) -> Result<Value, Fault> {
    let mut wanted = Vec::new();
    for asked in request.port_infos {
        add(&mut wanted, asked.checked()?);
    }
    change(service, &request.instance_name, "PutInstancePublicPorts", |ports| *ports = wanted).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OnePort {
    instance_name: String,
    port_info: Asked,
}

pub(crate) async fn open(service: &Arc<Service>, request: OnePort) -> Result<Value, Fault> {
    let port = request.port_info.checked()?;
    change(service, &request.instance_name, "OpenInstancePublicPorts", |ports| add(ports, port)).await
}

pub(crate) async fn close(service: &Arc<Service>, request: OnePort) -> Result<Value, Fault> {
    let port = request.port_info.checked()?;
    let close = |ports: &mut Vec<PortInfo>| ports.retain(|open| !same_range(open, &port));
    change(service, &request.instance_name, "CloseInstancePublicPorts", close).await
}

async fn change(
    service: &Arc<Service>,
    name: &str,
    operation_type: &str,
    change: impl FnOnce(&mut Vec<PortInfo>),
) -> Result<Value, Fault> {
    let operation: Operation = service
        .store
        .change(|state| {
            let instance = state.instances.get_mut(name).ok_or_else(|| Fault::no_such("Instance", name))?;
            change(&mut instance.ports);
            let common = instance.common.clone();
            Ok(operations::done(state, &About::new(name, "Instance", &common), operation_type, None))
        })
        .await?;
    service.arranged().await?;
    Ok(json!({ "operation": operations::view(&operation, &service.options.region) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetStates {
    instance_name: String,
}

pub(crate) async fn states(service: &Arc<Service>, request: GetStates) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.instance_name;
    let instance = state.instances.get(name).ok_or_else(|| Fault::no_such("Instance", name))?;
    let view = |port: &PortInfo| {
        json!({
            "fromPort": port.from_port,
            "toPort": port.to_port,
            "protocol": port.protocol,
            "state": "open",
            "cidrs": port.cidrs,
            "ipv6Cidrs": port.ipv6_cidrs,
            "cidrListAliases": port.cidr_list_aliases,
        })
    };
    Ok(json!({ "portStates": instance.ports.iter().map(view).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(value: Value) -> Result<PortInfo, Fault> {
        serde_json::from_value::<Asked>(value).unwrap().checked()
    }

    #[test]
    fn an_opening_without_addresses_is_open_to_all() {
        let port = asked(json!({"fromPort": 443, "toPort": 443, "protocol": "tcp"})).unwrap();
        assert_eq!((port.cidrs, port.ipv6_cidrs), (vec![ANYWHERE.to_owned()], vec![ANYWHERE_V6.to_owned()]));
    }

    #[test]
    fn a_single_address_becomes_a_network() {
        let port = asked(json!({"fromPort": 22, "toPort": 22, "protocol": "tcp", "cidrs": ["192.0.2.44"]})).unwrap();
        assert_eq!(port.cidrs, ["192.0.2.44/32"]);
        assert!(port.ipv6_cidrs.is_empty());
    }

    #[test]
    fn nonsense_is_refused() {
        for value in [
            json!({"fromPort": 90, "toPort": 80, "protocol": "tcp"}),
            json!({"fromPort": -1, "toPort": 80, "protocol": "udp"}),
            json!({"fromPort": 80, "protocol": "tcp"}),
            json!({"fromPort": 80, "toPort": 80}),
            json!({"fromPort": 80, "toPort": 80, "protocol": "tcp", "cidrs": ["10.0.0.0/33"]}),
            json!({"fromPort": 80, "toPort": 80, "protocol": "tcp", "cidrs": ["::/0"]}),
            json!({"fromPort": 80, "toPort": 80, "protocol": "tcp", "cidrs": ["10.0.0.0/"]}),
            json!({"fromPort": 80, "toPort": 80, "protocol": "tcp", "cidrListAliases": ["everyone"]}),
        ] {
            assert!(asked(value.clone()).is_err(), "{value}");
        }
    }

    #[test]
    fn what_only_ipv6_may_reach_lets_nobody_in_here() {
        let port = asked(json!({"fromPort": 22, "toPort": 22, "protocol": "tcp", "ipv6Cidrs": ["::/0"]})).unwrap();
        assert!(rules(&[port]).is_empty());
        assert_eq!(rules(&defaults()).len(), 2);
    }

    #[test]
    fn the_same_range_is_replaced_not_repeated() {
        let mut ports = defaults();
        add(
            &mut ports,
            asked(json!({"fromPort": 22, "toPort": 22, "protocol": "tcp", "cidrs": ["10.0.0.1"]})).unwrap(),
        );
        assert_eq!(ports.len(), 2);
        assert_eq!(ports[0].cidrs, ["10.0.0.1/32"]);
    }
}
