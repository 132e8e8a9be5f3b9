//! Amazon Lightsail on this machine: the wire of the service model, with real machines, servers and addresses behind it.
//!
//! No emulator has Lightsail's databases, access details or firewalls, so this is our own. What makes the real service
//! unpleasant is kept: names are unique across all kinds of resources, `PutInstancePublicPorts` replaces the whole set, a
//! public address changes when an instance without a static IP stops, a database's deletion takes its backups along.
//!
//! Each family of resources is one file of request functions, listed in [`dispatch`]; what the model says of requests is
//! checked in one place before them ([`model`]); the state is one file, written before anything is done. This module knows
//! neither the engine nor the AWS clients that talk to it.

mod access;
mod addons;
mod address_types;
mod alarms;
mod authorize;
mod auto_snapshots;
mod catalog;
mod contacts;
mod databases;
mod delays;
mod dispatch;
mod fault;
mod hardware;
mod instances;
mod load_balancers;
mod manual_snapshots;
mod metrics;
mod model;
mod operations;
mod paging;
mod parameters;
mod passwords;
mod ports;
mod service;
mod state;
mod static_ips;
mod store;
mod tags;
mod wire;

#[cfg(test)]
mod tests;

use std::{io, path::PathBuf, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;

use self::{
    hardware::{Hardware, Real},
    service::Service,
    store::Store,
};
use crate::{
    error::Error,
    layout::Layout,
    machine::Machines,
    network::{Network, forward::Forwards},
};

/// How often the maintenance windows are looked at; the shortest is 30 minutes.
const MAINTENANCE_EVERY: Duration = Duration::from_secs(60);

/// What the service stands on.
pub struct Ground {
    /// Paths and addresses.
    pub layout: Layout,
    /// The private network.
    pub network: Network,
    /// The public addresses.
    pub forwards: Forwards,
    /// The machines.
    pub machines: Machines,
    /// The settings.
    pub options: LightsailOptions,
}

/// The settings of the service.
#[derive(Clone, Debug)]
pub struct LightsailOptions {
    /// The only region, such as `ap-southeast-1`.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// The access key that may do everything.
    pub access_key_id: String,
    /// Where to ask what other keys may do; without it they may do nothing.
    pub identity_url: Option<String>,
    /// By how much AWS's waiting times are multiplied; 0 waits for nothing but the work itself.
    pub time_factor: f64,
    /// A `mysqld` to run databases with instead of Debian's `mariadbd`.
    pub mysqld: Option<PathBuf>,
}

/// How many of the parts are up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// Instances whose machine runs.
    pub instances_running: usize,
    /// Instances that are to run: all but the stopped ones.
    pub instances: usize,
    /// Databases whose server accepts logins.
    pub databases_running: usize,
    /// Databases that are to run: all but the stopped ones.
    pub databases: usize,
}

/// The running service.
pub struct Lightsail {
    service: Arc<Service>,
}

impl Lightsail {
    /// Loads the state and brings up every instance and database that should be running, in the background: requests are
    /// answered meanwhile, with the true states. Work that was cut off goes on.
    ///
    /// # Errors
    /// When the state file cannot be read or makes no sense, or cannot be written.
    pub async fn open(ground: Ground) -> Result<Self, Error> {
        let path = ground.layout.lightsail_state();
        let store = Store::open(path.clone()).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => Error::Damaged { path, reason: error.to_string() },
            _ => Error::file("read", path)(error),
        })?;
        let hardware = Arc::new(Real::new(&ground));
        Self::with(ground.options, store, hardware).await
    }

    async fn with(options: LightsailOptions, store: Store, hardware: Arc<dyn Hardware>) -> Result<Self, Error> {
        let service = Arc::new(Service::new(options, store, hardware));
        let resumed = service.store.change(|state| {
            instances::work::resume(state);
            databases::work::resume(state);
            Ok(())
        });
        resumed.await.map_err(|fault| Error::Service { service: "Lightsail", source: Box::new(fault) })?;
        let state = service.store.now();
        if let Err(failure) = manual_snapshots::work::sweep(&service, &state).await {
            tracing::error!(error = %failure, "what a killed service left could not be removed");
        }
        manual_snapshots::work::all_begun(&state)
            .into_iter()
            .for_each(|begun| manual_snapshots::work::begin(&service, begun));
        auto_snapshots::resume(&service, &state);
        instances::work::all_begun(&state).into_iter().for_each(|begun| instances::work::begin(&service, begun));
        databases::work::all_begun(&state).into_iter().for_each(|begun| databases::work::begin(&service, begun));
        load_balancers::resume(&service);
        if let Err(failure) = service.arrange_addresses().await {
            tracing::error!(error = %failure, "a public address could not be arranged");
        }
        let shared = service.clone();
        service.spawn(async move { keep_maintaining(&shared).await });
        let shared = service.clone();
        service.spawn(async move { metrics::sampler::keep_sampling(&shared).await });
        let shared = service.clone();
        service.spawn(async move { auto_snapshots::keep_taking(&shared).await });
        let shared = service.clone();
        service.spawn(async move { databases::backups::keep_backing_up(&shared).await });
        Ok(Self { service })
    }

    /// The wire: `POST /` in AWS JSON 1.1.
    pub fn router(&self) -> axum::Router {
        wire::router(self.service.clone())
    }

    /// Ends the background work and stops machines and servers cleanly. What runs now runs again after the next
    /// [`open`](Self::open).
    pub async fn shutdown(&self) {
        self.service.close().await;
        let state = self.service.store.now();
        let machines = state.instances.values().map(|instance| self.service.hardware.stop_machine(&instance.id));
        let databases = state.databases.values().map(|database| self.service.hardware.stop_database(&database.id));
        let (machines, databases) = tokio::join!(join_all(machines), join_all(databases));
        for failure in machines.into_iter().chain(databases).filter_map(Result::err) {
            tracing::error!(error = %failure, "could not be stopped");
        }
    }

    /// Takes an automatic snapshot of an instance now, as that of the day `date` (today if none is given), and returns
    /// when it is taken. For rehearsals: the add-on takes one a day.
    ///
    /// # Errors
    /// Why the instance can have none, or what went wrong, in one line.
    pub async fn auto_snapshot(&self, instance: &str, date: Option<&str>) -> Result<(), String> {
        let taken = auto_snapshots::take_now(&self.service, instance, date).await;
        taken.map_err(|fault| fault.message)
    }

    /// How many of the parts are up, now.
    pub async fn health(&self) -> Health {
        let (state, hardware) = (self.service.store.now(), &self.service.hardware);
        let machines = join_all(state.instances.values().map(|instance| hardware.machine_runs(&instance.id))).await;
        Health {
            instances_running: machines.into_iter().filter(|runs| *runs).count(),
            instances: state.instances.values().filter(|one| one.state.is_to_run()).count(),
            databases_running: state.databases.values().filter(|one| hardware.database_runs(&one.id)).count(),
            databases: state.databases.values().filter(|one| one.state.is_to_run()).count(),
        }
    }
}

/// Does what waits for a maintenance window when it opens.
async fn keep_maintaining(service: &Arc<Service>) {
    loop {
        tokio::time::sleep(MAINTENANCE_EVERY).await;
        let waiting = service.store.now().databases.values().any(|database| database.waits_for_window);
        if !waiting {
            continue;
        }
        let begun = service.store.change(|state| Ok(databases::begin_due_maintenance(state, Timestamp::now()))).await;
        begun.unwrap_or_default().into_iter().for_each(|begun| databases::work::begin(service, begun));
    }
}
