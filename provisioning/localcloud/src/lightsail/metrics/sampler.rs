//! Measures, again and again: what instances and databases use goes into the rings, and the alarms look at it.
//!
//! The kernel counts from the beginning; rates are differences between two samples, so the first one says little.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use jiff::Timestamp;

use super::{burst::Burst, interval};
use crate::{
    lightsail::{
        alarms, catalog,
        service::Service,
        state::{Database, DatabaseState, Instance, InstanceState},
    },
    usage::Usage,
};

const GIGABYTE: f64 = 1024.0 * 1024.0 * 1024.0;

/// What was seen last of one resource.
struct Seen {
    at: Instant,
    usage: Usage,
    burst: Burst,
}

/// What happened between two samples.
struct Between {
    seconds: f64,
    /// Of all processors of the bundle together, 0 to 1.
    utilization: f64,
    received: f64,
    sent: f64,
}

type Figures = Vec<(&'static str, f64)>;

/// Measures until the service closes.
pub(crate) async fn keep_sampling(service: &Arc<Service>) {
    let every = interval(service.options.time_factor);
    let mut seen = HashMap::new();
    loop {
        tokio::time::sleep(every).await;
        sample(service, &mut seen).await;
        alarms::evaluate_all(service, every).await;
    }
}

async fn sample(service: &Service, seen: &mut HashMap<String, Seen>) {
    let (state, hardware, time) = (service.store.now(), &service.hardware, Timestamp::now());
    let instances = state.instances.values().filter(|instance| instance.state == InstanceState::Running);
    let instances = instances.map(async |instance| (instance, hardware.machine_usage(&instance.id).await));
    let databases = state.databases.values().filter(|database| database.state == DatabaseState::Available);
    let databases = databases.map(async |database| (database, hardware.database_usage(&database.id).await));
    let (instances, databases) = tokio::join!(join_all(instances), join_all(databases));
    let instances = instances.into_iter().map(|(one, usage)| (one.id.as_str(), of_instance(one, usage, seen)));
    let mut measured: Vec<(&str, Figures)> = instances.collect();
    measured.extend(databases.into_iter().map(|(one, usage)| (one.id.as_str(), of_database(one, usage, seen))));
    for (id, figures) in &measured {
        figures.iter().for_each(|(metric, value)| service.metrics.push(id, metric, time, *value));
    }
    // What is stopped begins anew; what is deleted is forgotten.
    seen.retain(|id, _| measured.iter().any(|(measured, _)| measured == id));
    let instance_exists = |id: &str| state.instances.values().any(|instance| instance.id == id);
    let exists = |id: &str| instance_exists(id) || state.databases.values().any(|database| database.id == id);
    service.metrics.keep_only(exists);
}

fn of_instance(instance: &Instance, usage: Option<Usage>, seen: &mut HashMap<String, Seen>) -> Figures {
    let failed = f64::from(u8::from(usage.is_none()));
    let mut figures = vec![
        ("StatusCheckFailed", failed),
        ("StatusCheckFailed_Instance", failed),
        // The host of the instance is this machine, and it is up.
        ("StatusCheckFailed_System", 0.0),
    ];
    let (Some(usage), Ok(bundle)) = (usage, catalog::bundle(&instance.bundle_id)) else { return figures };
    let Some((between, burst)) = since(&instance.id, usage, bundle.cpus, bundle.baseline, seen) else { return figures };
    figures.extend([
        ("CPUUtilization", between.utilization * 100.0),
        ("NetworkIn", between.received),
        ("NetworkOut", between.sent),
        ("BurstCapacityPercentage", burst.percentage()),
        ("BurstCapacityTime", burst.seconds()),
    ]);
    figures
}

fn of_database(database: &Database, usage: Option<Usage>, seen: &mut HashMap<String, Seen>) -> Figures {
    let (Some(usage), Ok(bundle)) = (usage, catalog::database_bundle(&database.bundle_id)) else { return Vec::new() };
    let mut figures = vec![
        ("DatabaseConnections", usage.network.connections as f64),
        ("FreeStorageSpace", (f64::from(bundle.disk_gb) * GIGABYTE - usage.storage as f64).max(0.0)),
        ("FreeableMemory", (bundle.ram_gb * GIGABYTE - usage.memory as f64).max(0.0)),
        ("SwapUsage", usage.swap as f64),
    ];
    if let Some((between, _)) = since(&database.id, usage, bundle.cpus, 1.0, seen) {
        figures.extend([
            ("CPUUtilization", between.utilization * 100.0),
            ("NetworkReceiveThroughput", between.received / between.seconds),
            ("NetworkTransmitThroughput", between.sent / between.seconds),
        ]);
    }
    figures
}

/// What happened since the last sample; none at the first.
fn since(
    id: &str,
    usage: Usage,
    cpus: u32,
    baseline: f64,
    seen: &mut HashMap<String, Seen>,
) -> Option<(Between, Burst)> {
    let at = Instant::now();
    let last = seen.remove(id);
    let between = last.as_ref().map(|last| Between::of(last, &usage, at.duration_since(last.at), cpus));
    let burst = last.map_or_else(|| Burst::full(baseline), |last| last.burst);
    let burst = between.as_ref().map_or(burst, |between| burst.after(between.utilization));
    seen.insert(id.to_owned(), Seen { at, usage, burst });
    between.map(|between| (between, burst))
}

impl Between {
    /// Counters that went back are those of something that was started again: nothing is known of what was between.
    fn of(last: &Seen, now: &Usage, elapsed: Duration, cpus: u32) -> Self {
        let seconds = elapsed.as_secs_f64().max(f64::EPSILON);
        let computed = now.cpu.saturating_sub(last.usage.cpu).as_secs_f64();
        let bytes = |now: u64, last: u64| now.saturating_sub(last) as f64;
        Self {
            seconds,
            utilization: (computed / seconds / f64::from(cpus)).min(1.0),
            received: bytes(now.network.received, last.usage.network.received),
            sent: bytes(now.network.sent, last.usage.network.sent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::counters::Counters;

    fn usage(cpu: u64, received: u64) -> Usage {
        let network = Counters { received, ..Counters::default() };
        Usage { cpu: Duration::from_secs(cpu), network, ..Usage::default() }
    }

    #[test]
    fn rates_are_differences_over_all_processors() {
        let last = Seen { at: Instant::now(), usage: usage(10, 1000), burst: Burst::full(0.2) };
        let between = Between::of(&last, &usage(16, 1500), Duration::from_secs(4), 2);
        assert_eq!((between.utilization, between.received), (0.75, 500.0));
        let restarted = Between::of(&last, &usage(1, 20), Duration::from_secs(4), 2);
        assert_eq!((restarted.utilization, restarted.received), (0.0, 0.0));
    }

    #[test]
    fn the_first_sample_has_no_rates() {
        let mut seen = HashMap::new();
        assert!(since("i-1", usage(1, 1), 2, 0.2, &mut seen).is_none());
        assert!(since("i-1", usage(1, 1), 2, 0.2, &mut seen).is_some());
    }
}
