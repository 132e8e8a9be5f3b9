//! The public addresses of a cloud and the firewall before them.
//!
//! A public address is a loopback address of this machine. What its rules allow is listened on and forwarded into the
//! private network; for everything else nothing listens. UDP and ICMP rules are kept but forward nothing.

mod listener;

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use tokio::sync::Mutex;

use self::listener::Address;
use crate::{error::Error, network::Network};

/// A rule over more ports than this would need as many listeners; of such a range only [`COMMON_PORTS`] are opened.
const LARGE_RANGE: u16 = 64;
const COMMON_PORTS: [u16; 4] = [22, 80, 443, 8080];

/// What a [`PortRule`] lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP: forwarded.
    Tcp,
    /// UDP: kept, not forwarded.
    Udp,
    /// ICMP: kept, not forwarded.
    Icmp,
    /// Everything: its TCP part is forwarded.
    All,
}

/// One opening in the firewall.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct PortRule {
    /// First port.
    pub from: u16,
    /// Last port, inclusive.
    pub to: u16,
    /// Protocol.
    pub protocol: Protocol,
    /// Who may come in, such as `0.0.0.0/0`. What is not an IPv4 range lets nobody in.
    pub cidrs: Vec<String>,
}

impl PortRule {
    fn allows(&self, port: u16, from: IpAddr) -> bool {
        let tcp = matches!(self.protocol, Protocol::Tcp | Protocol::All);
        let everything = self.protocol == Protocol::All;
        let port_matches = everything || (self.from..=self.to).contains(&port);
        tcp && port_matches && self.cidrs.iter().any(|cidr| contains(cidr, from))
    }

    fn ports(&self) -> Vec<u16> {
        match self.protocol {
            Protocol::Udp | Protocol::Icmp => Vec::new(),
            Protocol::All => COMMON_PORTS.to_vec(),
            Protocol::Tcp if self.to.saturating_sub(self.from) >= LARGE_RANGE => {
                COMMON_PORTS.into_iter().filter(|port| (self.from..=self.to).contains(port)).collect()
            }
            Protocol::Tcp => (self.from..=self.to).filter(|port| *port != 0).collect(),
        }
    }
}

/// All public addresses of one cloud. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Forwards {
    network: Network,
    addresses: Arc<Mutex<std::collections::BTreeMap<Ipv4Addr, Address>>>,
}

impl Forwards {
    /// No address leads anywhere yet.
    #[must_use]
    pub fn new(network: Network) -> Self {
        Self { network, addresses: Arc::default() }
    }

    /// Makes `public` lead to `target` under exactly these rules; without a target, or where no rule matches, nothing
    /// listens. Connections that the new rules forbid are cut, and all of them when the target changes.
    ///
    /// Of a range of more than 64 ports only 22, 80, 443 and 8080 are listened on.
    ///
    /// # Errors
    /// When something else on this machine listens on such a port; all other ports are open then.
    pub async fn set(&self, public: Ipv4Addr, target: Option<Ipv4Addr>, rules: &[PortRule]) -> Result<(), Error> {
        let mut addresses = self.addresses.lock().await;
        let address = addresses.entry(public).or_insert_with(|| Address::new(public, self.network.clone()));
        address.set(target, rules).await
    }

    /// Makes `public` lead nowhere and cuts its connections. Idempotent.
    ///
    /// # Errors
    /// None at present.
    pub async fn remove(&self, public: Ipv4Addr) -> Result<(), Error> {
        if let Some(mut address) = self.addresses.lock().await.remove(&public) {
            address.set(None, &[]).await?;
        }
        Ok(())
    }
}

/// Whether any rule lets `from` reach `port`.
fn allowed(rules: &[PortRule], port: u16, from: IpAddr) -> bool {
    rules.iter().any(|rule| rule.allows(port, from))
}

/// The ports to listen on for `rules`.
fn listened(rules: &[PortRule]) -> BTreeSet<u16> {
    rules.iter().filter(|rule| !rule.cidrs.is_empty()).flat_map(PortRule::ports).collect()
}

/// Whether an IPv4 range such as `10.0.0.0/8` (or a single address) contains `address`.
fn contains(cidr: &str, address: IpAddr) -> bool {
    let IpAddr::V4(address) = address.to_canonical() else { return false };
    let (network, bits) = cidr.split_once('/').unwrap_or((cidr, "32"));
    let (Ok(network), Ok(bits @ 0..=32)) = (network.parse::<Ipv4Addr>(), bits.parse::<u32>()) else { return false };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    network.to_bits() & mask == address.to_bits() & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(from: u16, to: u16, protocol: Protocol, cidr: &str) -> PortRule {
        PortRule { from, to, protocol, cidrs: vec![cidr.into()] }
    }

    #[test]
    fn ranges_contain_what_they_say() {
        let me = "203.0.113.7".parse().unwrap();
        for (cidr, expected) in [
            ("0.0.0.0/0", true),
            ("203.0.113.0/24", true),
            ("203.0.113.7/32", true),
            ("203.0.113.7", true),
            ("203.0.113.8/32", false),
            ("203.0.112.0/24", false),
            ("::/0", false),
            ("203.0.113.7/33", false),
            ("nonsense", false),
        ] {
            assert_eq!(contains(cidr, me), expected, "{cidr}");
        }
        assert!(contains("127.0.0.1/32", "::ffff:127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn only_tcp_is_let_through_and_only_from_where_the_rule_says() {
        let local = "127.0.0.1".parse().unwrap();
        let rules = [rule(22, 22, Protocol::Tcp, "127.0.0.1/32"), rule(53, 53, Protocol::Udp, "0.0.0.0/0")];
        assert!(allowed(&rules, 22, local));
        assert!(!allowed(&rules, 22, "10.0.0.1".parse().unwrap()));
        assert!(!allowed(&rules, 53, local));
        assert!(allowed(&[rule(0, 0, Protocol::All, "0.0.0.0/0")], 443, local));
        assert!(!allowed(&[], 80, local));
    }

    #[test]
    fn a_large_range_opens_the_common_ports_in_it() {
        assert_eq!(listened(&[rule(0, 65535, Protocol::Tcp, "0.0.0.0/0")]), BTreeSet::from(COMMON_PORTS));
        assert_eq!(listened(&[rule(100, 1000, Protocol::Tcp, "0.0.0.0/0")]), BTreeSet::from([443]));
        assert_eq!(listened(&[rule(8000, 8063, Protocol::Tcp, "0.0.0.0/0")]).len(), 64);
        assert!(listened(&[PortRule { cidrs: vec![], ..rule(80, 80, Protocol::Tcp, "") }]).is_empty());
    }
}
