//! What all operations share: the settings, the state, the ground, and the ways of changing them.
//!
//! Knows no operation by name.

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

use super::{
    LightsailOptions, delays,
    fault::Fault,
    hardware::{Failure, Hardware},
    load_balancers,
    metrics::series::Metrics,
    operations::{self, Status},
    ports,
    state::{Common, InstanceState, State, Tag},
    store::Store,
};
use crate::network::{balancer::Balance, forward::PortRule};

/// Host numbers that are given out in the private network and among the public addresses.
const HOSTS: std::ops::RangeInclusive<u8> = 10..=250;

/// How long the service waits before it tries again to write down what it has already done.
const WRITE_AGAIN_AFTER: Duration = Duration::from_secs(1);

pub(crate) struct Service {
    pub(crate) options: LightsailOptions,
    pub(crate) store: Store,
    pub(crate) hardware: Arc<dyn Hardware>,
    /// Ends all background work; what it was doing is in the state and goes on when the service is opened again.
    pub(crate) closing: CancellationToken,
    /// What was measured.
    pub(crate) metrics: Metrics,
    tasks: TaskTracker,
    locks: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    exposed: tokio::sync::Mutex<BTreeMap<Ipv4Addr, Exposure>>,
    balanced: tokio::sync::Mutex<BTreeMap<Ipv4Addr, Balance>>,
}

/// Where a public address leads, and for whom.
type Exposure = (Option<Ipv4Addr>, Vec<PortRule>);

impl Service {
    pub(crate) fn new(options: LightsailOptions, store: Store, hardware: Arc<dyn Hardware>) -> Self {
        Self {
            options,
            store,
            hardware,
            closing: CancellationToken::new(),
            metrics: Metrics::default(),
            tasks: TaskTracker::new(),
            locks: Mutex::default(),
            exposed: tokio::sync::Mutex::default(),
            balanced: tokio::sync::Mutex::default(),
        }
    }

    /// Runs `work` in the background until it is done or the service closes.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let closing = self.closing.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = closing.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Ends the background work and waits for it to have ended.
    pub(crate) async fn close(&self) {
        self.closing.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Holds everyone else off the machine, server or snapshot `id`.
    pub(crate) async fn lock(&self, id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        self.lock_of(id).lock_owned().await
    }

    /// As [`Self::lock`], unless somebody else is at it.
    pub(crate) fn try_lock(&self, id: &str) -> Option<tokio::sync::OwnedMutexGuard<()>> {
        self.lock_of(id).try_lock_owned().ok()
    }

    /// Holds everyone else off the automatic backups of the database `id`. Whoever holds the database too takes that
    /// first.
    pub(crate) async fn lock_backups(&self, id: &str) -> tokio::sync::OwnedMutexGuard<()> {
        self.lock(&format!("{id}/backups")).await
    }

    fn lock_of(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        self.locks.lock().unwrap_or_else(PoisonError::into_inner).entry(id.to_owned()).or_default().clone()
    }

    /// Writes down what has already been done; tries again until it can (a disk may be full for a while).
    pub(crate) async fn record(&self, change: impl Fn(&mut State)) {
        loop {
            let written = self.store.change(|state| {
                change(state);
                Ok(())
            });
            match written.await {
                Ok(()) => return,
                Err(fault) => tracing::error!(error = %fault, "trying again"),
            }
            tokio::time::sleep(WRITE_AGAIN_AFTER).await;
        }
    }

    /// Marks an operation; operations that are not there (work of the service's own) are nobody's concern.
    pub(crate) async fn mark(&self, operation: Option<Uuid>, status: Status) {
        if let Some(id) = operation {
            self.record(|state| operations::mark(state, id, status, None)).await;
        }
    }

    /// Waits as long as AWS usually takes, under the factor.
    pub(crate) async fn pace(&self, usual: Duration) {
        tokio::time::sleep(delays::scaled(usual, self.options.time_factor)).await;
    }

    /// What a new resource of `resource_type` has in common with all others.
    pub(crate) fn common(&self, resource_type: &str, support_id: &str, zone: &str, tags: Vec<Tag>) -> Common {
        let LightsailOptions { region, account_id, .. } = &self.options;
        Common {
            arn: format!("arn:aws:lightsail:{region}:{account_id}:{resource_type}/{}", Uuid::new_v4()),
            support_code: format!("{account_id}/{support_id}"),
            created_at: Timestamp::now(),
            availability_zone: zone.to_owned(),
            tags,
        }
    }

    /// The zones of the one region.
    pub(crate) fn zones(&self) -> [String; 3] {
        ["a", "b", "c"].map(|letter| format!("{}{letter}", self.options.region))
    }

    /// # Errors
    /// When there is no such zone in the region.
    pub(crate) fn check_zone(&self, zone: &str) -> Result<(), Fault> {
        if self.zones().iter().any(|known| known == zone) {
            return Ok(());
        }
        let zones = self.zones().join(", ");
        Err(Fault::invalid(format!(
            "The Availability Zone is not valid in {}: {zone} (of {zones})",
            self.options.region
        )))
    }

    /// Makes the public addresses lead where the state says, under the rules it says.
    ///
    /// # Errors
    /// With the first address that could not be arranged; the others are, and the next call tries again.
    pub(crate) async fn arrange_addresses(&self) -> Result<(), Failure> {
        let (forwarded, balanced) = tokio::join!(self.arrange_forwards(), self.arrange_balancers());
        forwarded.and(balanced)
    }

    async fn arrange_balancers(&self) -> Result<(), Failure> {
        let mut balanced = self.balanced.lock().await;
        let state = self.store.now();
        load_balancers::arrange::arrange(&*self.hardware, &state, self.options.time_factor, &mut balanced).await
    }

    async fn arrange_forwards(&self) -> Result<(), Failure> {
        let mut exposed = self.exposed.lock().await;
        let wanted = wanted_exposures(&self.store.now());
        let mut first_failure = None;
        let gone: Vec<Ipv4Addr> = exposed.keys().filter(|address| !wanted.contains_key(address)).copied().collect();
        for address in gone {
            match self.hardware.conceal(address).await {
                Ok(()) => drop(exposed.remove(&address)),
                Err(failure) => first_failure = first_failure.or(Some(failure)),
            }
        }
        for (address, exposure) in wanted {
            if exposed.get(&address) == Some(&exposure) {
                continue;
            }
            match self.hardware.expose(address, exposure.0, &exposure.1).await {
                Ok(()) => drop(exposed.insert(address, exposure)),
                Err(failure) => {
                    exposed.remove(&address);
                    first_failure = first_failure.or(Some(failure));
                }
            }
        }
        first_failure.map_or(Ok(()), Err)
    }

    /// As [`Self::arrange_addresses`], for the answer to a request.
    pub(crate) async fn arranged(&self) -> Result<(), Fault> {
        self.arrange_addresses().await.map_err(|failure| Fault::service(failure.to_string()))
    }

    /// An address of the private network that nothing has, for `state`.
    pub(crate) fn take_private_address(&self, state: &mut State) -> Result<Ipv4Addr, Fault> {
        let taken: Vec<Ipv4Addr> = (state.instances.values().map(|instance| instance.private_address))
            .chain(state.databases.values().map(|database| database.private_address))
            .collect();
        take(&mut state.last_private_host, &taken, |host| self.hardware.private_address(host))
    }

    /// A public address that nothing has, for `state`.
    pub(crate) fn take_public_address(&self, state: &mut State) -> Result<Ipv4Addr, Fault> {
        let taken: Vec<Ipv4Addr> = (state.instances.values().filter_map(|instance| instance.public_address))
            .chain(state.static_ips.values().map(|ip| ip.address))
            .chain(state.load_balancers.values().map(|balancer| balancer.address))
            .collect();
        take(&mut state.last_public_host, &taken, |host| self.hardware.public_address(host))
    }
}

/// # Errors
/// When a resource of any kind has one of the names, or a name is given twice; in AWS's words.
pub(crate) fn check_names_free(state: &State, names: &[String]) -> Result<(), Fault> {
    let taken = |(index, name): &(usize, &String)| state.is_taken(name) || names[..*index].contains(name);
    let taken: Vec<&str> = names.iter().enumerate().filter(taken).map(|(_, name)| name.as_str()).collect();
    if taken.is_empty() {
        return Ok(());
    }
    Err(Fault::invalid(format!("Some names are already in use: {}", taken.join(", "))))
}

/// Random lower-case hexadecimal digits, for ids.
pub(crate) fn random_hex(digits: usize) -> String {
    let mut text = Uuid::new_v4().simple().to_string();
    text.truncate(digits);
    text
}

fn take(last: &mut u8, taken: &[Ipv4Addr], address: impl Fn(u8) -> Ipv4Addr) -> Result<Ipv4Addr, Fault> {
    let after = HOSTS.filter(|host| host > last);
    let host = after.chain(HOSTS.filter(|host| host <= last)).find(|host| !taken.contains(&address(*host)));
    let host = host.ok_or_else(|| Fault::failed("You have reached the maximum number of addresses in this cloud."))?;
    *last = host;
    Ok(address(host))
}

fn wanted_exposures(state: &State) -> BTreeMap<Ipv4Addr, Exposure> {
    let mut wanted: BTreeMap<Ipv4Addr, Exposure> =
        state.static_ips.values().map(|ip| (ip.address, (None, Vec::new()))).collect();
    for (name, instance) in &state.instances {
        let up = !matches!(instance.state, InstanceState::Stopped | InstanceState::ShuttingDown);
        if let Some(address) = state.public_address_of(name) {
            let target = up.then_some(instance.private_address);
            wanted.insert(address, (target, ports::rules(&instance.ports)));
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_reused_at_once() {
        let address = |host| Ipv4Addr::new(10, 0, 0, host);
        let mut last = 0;
        assert_eq!(take(&mut last, &[], address).unwrap(), address(10));
        assert_eq!(take(&mut last, &[], address).unwrap(), address(11));
        last = 250;
        assert_eq!(take(&mut last, &[address(10)], address).unwrap(), address(11));
        let all: Vec<_> = HOSTS.map(address).collect();
        assert!(take(&mut last, &all, address).is_err());
        assert_eq!(take(&mut last, &all[1..], address).unwrap(), address(10));
    }

    #[test]
    fn a_name_given_twice_in_one_request_is_taken() {
        let names = ["a1", "b1", "a1"].map(String::from);
        let fault = check_names_free(&State::default(), &names).unwrap_err();
        assert_eq!(fault.message, "Some names are already in use: a1");
    }
}
