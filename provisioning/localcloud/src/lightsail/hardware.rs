//! What the service needs from the ground it stands on, as one trait, so that its states can be tested without machines.

use std::{collections::BTreeSet, net::Ipv4Addr};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;

use super::Ground;
use crate::{
    copies::{self, Making},
    database::{Databases, Master, Origin, ServerSpec},
    files,
    layout::Layout,
    machine::{Access, MachineSpec, Machines},
    network::{
        balancer::{Balance, Balancers, Health},
        forward::{Forwards, PortRule},
    },
    usage::Usage,
};

/// Why the ground could not do something: one line, with its causes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn from_error(error: &dyn std::error::Error) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            text.push_str(": ");
            text.push_str(&cause.to_string());
            source = cause.source();
        }
        Self(text)
    }
}

impl From<crate::Error> for Failure {
    fn from(error: crate::Error) -> Self {
        Self::from_error(&error)
    }
}

impl From<crate::database::Error> for Failure {
    fn from(error: crate::database::Error) -> Self {
        Self::from_error(&error)
    }
}

type Outcome<T = ()> = Result<T, Failure>;

/// Machines, servers and addresses. Everything but `database_runs` may take seconds; everything is idempotent.
#[async_trait]
pub(crate) trait Hardware: Send + Sync + 'static {
    fn private_address(&self, host: u8) -> Ipv4Addr;
    fn public_address(&self, host: u8) -> Ipv4Addr;

    async fn create_machine(&self, spec: &MachineSpec) -> Outcome;
    async fn start_machine(&self, id: &str) -> Outcome;
    async fn stop_machine(&self, id: &str) -> Outcome;
    async fn destroy_machine(&self, id: &str) -> Outcome;
    async fn machine_runs(&self, id: &str) -> bool;
    async fn access(&self, id: &str) -> Outcome<Access>;
    /// None when it does not run.
    async fn machine_usage(&self, id: &str) -> Option<Usage>;

    async fn expose(&self, public: Ipv4Addr, target: Option<Ipv4Addr>, rules: &[PortRule]) -> Outcome;
    async fn conceal(&self, public: Ipv4Addr) -> Outcome;

    async fn balance(&self, public: Ipv4Addr, wanted: &Balance) -> Outcome;
    async fn unbalance(&self, public: Ipv4Addr);
    /// None while nothing is known of it.
    async fn target_health(&self, public: Ipv4Addr, target: Ipv4Addr) -> Option<Health>;

    async fn engine_version(&self) -> Outcome<String>;
    async fn create_database(&self, server: &ServerSpec, master: &Master) -> Outcome;
    async fn start_database(&self, server: &ServerSpec) -> Outcome;
    async fn stop_database(&self, id: &str) -> Outcome;
    async fn destroy_database(&self, id: &str) -> Outcome;
    fn database_runs(&self, id: &str) -> bool;
    /// None when it does not run.
    async fn database_usage(&self, id: &str) -> Option<Usage>;
    async fn set_master_password(&self, id: &str, user: &str, password: &SecretString) -> Outcome;
    async fn set_parameter(&self, id: &str, name: &str, value: &str) -> Outcome;
    /// What the server said, oldest line first.
    async fn database_log(&self, id: &str) -> String;

    async fn snapshot_machine(&self, id: &str, snapshot: &str) -> Outcome;
    async fn create_machine_from(&self, spec: &MachineSpec, snapshot: &str) -> Outcome;
    async fn snapshot_database(&self, id: &str, snapshot: &str) -> Outcome;
    async fn copy_snapshot(&self, from: &str, to: &str) -> Outcome;
    async fn erase_snapshot(&self, id: &str) -> Outcome;

    /// Takes from the origin all that the new database needs of it.
    async fn gather_database(&self, id: &str, origin: &Origin) -> Outcome;
    /// Makes a server of what was gathered.
    async fn restore_database(&self, server: &ServerSpec, master: &Master) -> Outcome;
    /// Gives whether the data was copied; the binary log is carried off each time.
    async fn back_up_database(&self, id: &str) -> Outcome<bool>;
    async fn erase_backups(&self, id: &str) -> Outcome;
    fn latest_restorable(&self, id: &str) -> Option<Timestamp>;

    /// Removes the snapshots and backups that are none of these, as a killed service leaves them.
    async fn sweep(&self, snapshots: BTreeSet<String>, databases: BTreeSet<String>) -> Outcome;
}

/// The real ground.
pub(crate) struct Real {
    layout: Layout,
    machines: Machines,
    forwards: Forwards,
    balancers: Balancers,
    databases: Databases,
}

impl Real {
    pub(crate) fn new(ground: &Ground) -> Self {
        Self {
            layout: ground.layout.clone(),
            machines: ground.machines.clone(),
            forwards: ground.forwards.clone(),
            balancers: Balancers::new(ground.network.clone()),
            databases: Databases::new(ground.layout.clone(), ground.network.clone(), ground.options.mysqld.clone()),
        }
    }
}

#[async_trait]
impl Hardware for Real {
    fn private_address(&self, host: u8) -> Ipv4Addr {
        self.layout.private_address(host)
    }

    fn public_address(&self, host: u8) -> Ipv4Addr {
        self.layout.public_address(host)
    }

    async fn create_machine(&self, spec: &MachineSpec) -> Outcome {
        Ok(self.machines.create(spec).await?)
    }

    async fn start_machine(&self, id: &str) -> Outcome {
        Ok(self.machines.start(id).await?)
    }

    async fn stop_machine(&self, id: &str) -> Outcome {
        Ok(self.machines.stop(id).await?)
    }

    async fn destroy_machine(&self, id: &str) -> Outcome {
        Ok(self.machines.destroy(id).await?)
    }

    async fn machine_runs(&self, id: &str) -> bool {
        self.machines.is_running(id).await
    }

    async fn access(&self, id: &str) -> Outcome<Access> {
        Ok(self.machines.access(id).await?)
    }

    async fn machine_usage(&self, id: &str) -> Option<Usage> {
        self.machines.usage(id).await
    }

    async fn expose(&self, public: Ipv4Addr, target: Option<Ipv4Addr>, rules: &[PortRule]) -> Outcome {
        Ok(self.forwards.set(public, target, rules).await?)
    }

    async fn conceal(&self, public: Ipv4Addr) -> Outcome {
        Ok(self.forwards.remove(public).await?)
    }

    async fn balance(&self, public: Ipv4Addr, wanted: &Balance) -> Outcome {
        let trusted = self.layout.trusted(public);
        match &wanted.certificate {
            Some(shown) => files::write_public(&trusted.join("certificate.der"), &shown.certificate)?,
            None => files::remove_tree(&trusted)?,
        }
        Ok(self.balancers.set(public, wanted).await?)
    }

    async fn unbalance(&self, public: Ipv4Addr) {
        self.balancers.remove(public).await;
        files::remove_tree(&self.layout.trusted(public)).ok();
    }

    async fn target_health(&self, public: Ipv4Addr, target: Ipv4Addr) -> Option<Health> {
        self.balancers.health(public, target).await
    }

    async fn engine_version(&self) -> Outcome<String> {
        Ok(self.databases.engine().await?.version.clone())
    }

    async fn create_database(&self, server: &ServerSpec, master: &Master) -> Outcome {
        Ok(self.databases.create(server, master).await?)
    }

    async fn start_database(&self, server: &ServerSpec) -> Outcome {
        Ok(self.databases.start(server).await?)
    }

    async fn stop_database(&self, id: &str) -> Outcome {
        Ok(self.databases.stop(id).await?)
    }

    async fn destroy_database(&self, id: &str) -> Outcome {
        Ok(self.databases.destroy(id).await?)
    }

    fn database_runs(&self, id: &str) -> bool {
        self.databases.is_running(id)
    }

    async fn database_usage(&self, id: &str) -> Option<Usage> {
        self.databases.usage(id).await
    }

    async fn set_master_password(&self, id: &str, user: &str, password: &SecretString) -> Outcome {
        Ok(self.databases.set_master_password(id, user, password).await?)
    }

    async fn set_parameter(&self, id: &str, name: &str, value: &str) -> Outcome {
        Ok(self.databases.set_parameter(id, name, value).await?)
    }

    async fn database_log(&self, id: &str) -> String {
        let bytes = fs_err::tokio::read(self.databases.log(id)).await.unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    async fn snapshot_machine(&self, id: &str, snapshot: &str) -> Outcome {
        Ok(self.machines.snapshot(id, snapshot).await?)
    }

    async fn create_machine_from(&self, spec: &MachineSpec, snapshot: &str) -> Outcome {
        Ok(self.machines.create_from(spec, snapshot).await?)
    }

    async fn snapshot_database(&self, id: &str, snapshot: &str) -> Outcome {
        Ok(self.databases.snapshot(id, snapshot).await?)
    }

    async fn copy_snapshot(&self, from: &str, to: &str) -> Outcome {
        if self.layout.snapshot_dir(to).exists() {
            return Ok(());
        }
        let making = Making::begin(&self.layout.snapshots_dir())?;
        let whole = making.path().join("whole");
        copies::copy(&self.layout.snapshot_dir(from), &whole).await?;
        fs_err::rename(&whole, self.layout.snapshot_dir(to)).map_err(crate::Error::file("rename", whole))?;
        Ok(())
    }

    async fn erase_snapshot(&self, id: &str) -> Outcome {
        let directory = self.layout.snapshot_dir(id);
        Ok(tokio::task::spawn_blocking(move || files::remove_tree(&directory)).await.unwrap_or(Ok(()))?)
    }

    async fn gather_database(&self, id: &str, origin: &Origin) -> Outcome {
        Ok(self.databases.gather(id, origin).await?)
    }

    async fn restore_database(&self, server: &ServerSpec, master: &Master) -> Outcome {
        Ok(self.databases.restore(server, master).await?)
    }

    async fn back_up_database(&self, id: &str) -> Outcome<bool> {
        Ok(self.databases.back_up(id).await?)
    }

    async fn erase_backups(&self, id: &str) -> Outcome {
        Ok(self.databases.erase_backups(id).await?)
    }

    fn latest_restorable(&self, id: &str) -> Option<Timestamp> {
        self.databases.latest_restorable(id)
    }

    async fn sweep(&self, snapshots: BTreeSet<String>, databases: BTreeSet<String>) -> Outcome {
        let layout = self.layout.clone();
        let swept = tokio::task::spawn_blocking(move || {
            copies::sweep(&layout.snapshots_dir(), |name| snapshots.contains(name))?;
            copies::sweep(&layout.backups_dir(), |name| databases.contains(name))
        });
        Ok(swept.await.unwrap_or(Ok(()))?)
    }
}
