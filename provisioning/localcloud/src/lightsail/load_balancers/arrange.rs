//! What the balancers are to do, by the state.

use std::{collections::BTreeMap, net::Ipv4Addr, time::Duration};

use crate::{
    lightsail::{
        delays,
        hardware::{Failure, Hardware},
        state::{InstanceState, State},
    },
    network::balancer::Balance,
};

/// How often AWS asks an instance whether it is well.
const HEALTH_EVERY: Duration = Duration::from_secs(30);
const HEALTH_EVERY_AT_LEAST: Duration = Duration::from_secs(1);

/// Makes the balancers do what the state says; `arranged` is what they do already.
///
/// # Errors
/// With the first one that could not be; the others are, and the next call tries again.
pub(crate) async fn arrange(
    hardware: &dyn Hardware,
    state: &State,
    time_factor: f64,
    arranged: &mut BTreeMap<Ipv4Addr, Balance>,
) -> Result<(), Failure> {
    let wanted = wanted(state, delays::scaled(HEALTH_EVERY, time_factor).max(HEALTH_EVERY_AT_LEAST));
    let gone: Vec<Ipv4Addr> = arranged.keys().filter(|address| !wanted.contains_key(address)).copied().collect();
    for address in gone {
        hardware.unbalance(address).await;
        arranged.remove(&address);
    }
    let mut first_failure = None;
    for (address, balance) in wanted {
        if arranged.get(&address) == Some(&balance) {
            continue;
        }
        match hardware.balance(address, &balance).await {
            Ok(()) => drop(arranged.insert(address, balance)),
            Err(failure) => {
                arranged.remove(&address);
                first_failure = first_failure.or(Some(failure));
            }
        }
    }
    first_failure.map_or(Ok(()), Err)
}

fn wanted(state: &State, health_every: Duration) -> BTreeMap<Ipv4Addr, Balance> {
    let balance = |balancer: &super::LoadBalancer| {
        let attached = balancer.instances.iter().filter_map(|name| state.instances.get(name));
        let running = attached.filter(|instance| instance.state == InstanceState::Running);
        let certificate = balancer.attached_certificate.as_ref().and_then(|name| balancer.certificates.get(name));
        Balance {
            targets: running.map(|instance| instance.private_address).collect(),
            port: balancer.instance_port,
            health_path: balancer.health_check_path.clone(),
            health_every,
            certificate: certificate.and_then(super::Certificate::served),
            redirects: balancer.redirects_to_https,
        }
    };
    state.load_balancers.values().map(|balancer| (balancer.address, balance(balancer))).collect()
}
