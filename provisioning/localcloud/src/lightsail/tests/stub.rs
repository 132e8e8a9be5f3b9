//! A ground that does what it is asked at once, remembers it, and fails or hangs when told to.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    sync::Mutex,
};

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{
    database::{Master, Origin, ServerSpec},
    lightsail::hardware::{Failure, Hardware},
    machine::{Access, HostKey, MachineSpec},
    network::{
        balancer::{Balance, Health},
        forward::PortRule,
    },
    usage::Usage,
};

#[derive(Default)]
pub(super) struct Stub {
    pub(super) world: Mutex<World>,
    /// Held by a test, it makes every creation hang.
    pub(super) slow: tokio::sync::Mutex<()>,
}

#[derive(Default)]
pub(super) struct World {
    pub(super) machines: BTreeSet<String>,
    pub(super) servers: BTreeMap<String, ServerSpec>,
    pub(super) passwords: BTreeMap<String, String>,
    pub(super) exposed: BTreeMap<Ipv4Addr, (Option<Ipv4Addr>, Vec<PortRule>)>,
    /// Ids of snapshots, and of what they were taken.
    pub(super) snapshots: BTreeMap<String, String>,
    /// What new machines and databases were made from.
    pub(super) origins: BTreeMap<String, Origin>,
    /// Databases with backups, and up to when.
    pub(super) backups: BTreeMap<String, Timestamp>,
    pub(super) balanced: BTreeMap<Ipv4Addr, Balance>,
    /// What every machine and server uses.
    pub(super) usage: Usage,
    pub(super) fails: Option<&'static str>,
}

impl Stub {
    fn attempt(&self, what: &str, change: impl FnOnce(&mut World)) -> Result<(), Failure> {
        let mut world = self.world.lock().unwrap();
        if world.fails == Some(what) {
            return Err(Failure::from_error(&std::io::Error::other("the ground gave way")));
        }
        change(&mut world);
        Ok(())
    }
}

#[async_trait]
impl Hardware for Stub {
    fn private_address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, 1, host)
    }

    fn public_address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 77, 1, host)
    }

    async fn create_machine(&self, _: &MachineSpec) -> Result<(), Failure> {
        let _slow = self.slow.lock().await;
        self.attempt("create", |_| ())
    }

    async fn start_machine(&self, id: &str) -> Result<(), Failure> {
        self.attempt("start", |world| _ = world.machines.insert(id.to_owned()))
    }

    async fn stop_machine(&self, id: &str) -> Result<(), Failure> {
        self.attempt("stop", |world| _ = world.machines.remove(id))
    }

    async fn destroy_machine(&self, id: &str) -> Result<(), Failure> {
        self.attempt("destroy", |world| _ = world.machines.remove(id))
    }

    async fn machine_runs(&self, id: &str) -> bool {
        self.world.lock().unwrap().machines.contains(id)
    }

    async fn access(&self, _: &str) -> Result<Access, Failure> {
        let host_key = HostKey {
            algorithm: "ssh-ed25519".to_owned(),
            public_key: "AAAA".to_owned(),
            fingerprint_sha1: "SHA1:x".to_owned(),
            fingerprint_sha256: "SHA256:x".to_owned(),
            witnessed_at: Timestamp::UNIX_EPOCH,
            not_valid_before: Timestamp::UNIX_EPOCH,
            not_valid_after: Timestamp::UNIX_EPOCH,
        };
        Ok(Access {
            user: "ubuntu".to_owned(),
            private_key: "key".into(),
            certificate: "certificate".to_owned(),
            expires_at: Timestamp::UNIX_EPOCH,
            host_keys: vec![host_key],
        })
    }

    async fn machine_usage(&self, id: &str) -> Option<Usage> {
        let world = self.world.lock().unwrap();
        world.machines.contains(id).then_some(world.usage)
    }

    async fn expose(&self, public: Ipv4Addr, target: Option<Ipv4Addr>, rules: &[PortRule]) -> Result<(), Failure> {
        self.attempt("expose", |world| drop(world.exposed.insert(public, (target, rules.to_vec()))))
    }

    async fn conceal(&self, public: Ipv4Addr) -> Result<(), Failure> {
        self.attempt("conceal", |world| drop(world.exposed.remove(&public)))
    }

    async fn balance(&self, public: Ipv4Addr, wanted: &Balance) -> Result<(), Failure> {
        self.attempt("balance", |world| drop(world.balanced.insert(public, wanted.clone())))
    }

    async fn unbalance(&self, public: Ipv4Addr) {
        self.world.lock().unwrap().balanced.remove(&public);
    }

    async fn target_health(&self, public: Ipv4Addr, target: Ipv4Addr) -> Option<Health> {
        let world = self.world.lock().unwrap();
        world.balanced.get(&public)?.targets.contains(&target).then_some(Health::Healthy)
    }

    async fn engine_version(&self) -> Result<String, Failure> {
        Ok("8.4.0".to_owned())
    }

    async fn create_database(&self, server: &ServerSpec, master: &Master) -> Result<(), Failure> {
        let _slow = self.slow.lock().await;
        self.attempt("create", |world| {
            world.servers.insert(server.id.clone(), server.clone());
            world.passwords.insert(server.id.clone(), master.password.expose_secret().to_owned());
        })
    }

    async fn start_database(&self, server: &ServerSpec) -> Result<(), Failure> {
        self.attempt("start", |world| drop(world.servers.insert(server.id.clone(), server.clone())))
    }

    async fn stop_database(&self, id: &str) -> Result<(), Failure> {
        self.attempt("stop", |world| drop(world.servers.remove(id)))
    }

    async fn destroy_database(&self, id: &str) -> Result<(), Failure> {
        self.attempt("destroy", |world| drop(world.servers.remove(id)))
    }

    fn database_runs(&self, id: &str) -> bool {
        self.world.lock().unwrap().servers.contains_key(id)
    }

    async fn database_usage(&self, id: &str) -> Option<Usage> {
        let world = self.world.lock().unwrap();
        world.servers.contains_key(id).then_some(world.usage)
    }

    async fn set_master_password(&self, id: &str, _: &str, password: &SecretString) -> Result<(), Failure> {
        self.attempt("password", |world| {
            drop(world.passwords.insert(id.to_owned(), password.expose_secret().to_owned()))
        })
    }

    async fn set_parameter(&self, id: &str, name: &str, value: &str) -> Result<(), Failure> {
        self.attempt("parameter", |world| {
            if let Some(server) = world.servers.get_mut(id) {
                server.parameters.insert(name.to_owned(), value.to_owned());
            }
        })
    }

    async fn database_log(&self, _: &str) -> String {
        "2026-11-23T00:24:25.5Z 0 [System] ready\n".to_owned()
    }

    async fn snapshot_machine(&self, id: &str, snapshot: &str) -> Result<(), Failure> {
        let _slow = self.slow.lock().await;
        self.attempt("snapshot", |world| drop(world.snapshots.insert(snapshot.to_owned(), id.to_owned())))
    }

    async fn create_machine_from(&self, spec: &MachineSpec, snapshot: &str) -> Result<(), Failure> {
        let _slow = self.slow.lock().await;
        self.attempt("create", |world| {
            world.origins.insert(spec.id.clone(), Origin::Snapshot(snapshot.to_owned()));
        })
    }

    async fn snapshot_database(&self, id: &str, snapshot: &str) -> Result<(), Failure> {
        let _slow = self.slow.lock().await;
        self.attempt("snapshot", |world| drop(world.snapshots.insert(snapshot.to_owned(), id.to_owned())))
    }

    async fn copy_snapshot(&self, from: &str, to: &str) -> Result<(), Failure> {
        self.attempt("copy", |world| {
            let of = world.snapshots.get(from).cloned().unwrap_or_default();
            world.snapshots.insert(to.to_owned(), of);
        })
    }

    async fn erase_snapshot(&self, id: &str) -> Result<(), Failure> {
        self.attempt("erase", |world| drop(world.snapshots.remove(id)))
    }

    async fn gather_database(&self, id: &str, origin: &Origin) -> Result<(), Failure> {
        let _slow = self.slow.lock().await;
        self.attempt("gather", |world| drop(world.origins.insert(id.to_owned(), origin.clone())))
    }

    async fn restore_database(&self, server: &ServerSpec, master: &Master) -> Result<(), Failure> {
        self.create_database(server, master).await
    }

    async fn back_up_database(&self, id: &str) -> Result<bool, Failure> {
        let mut first = false;
        self.attempt("back up", |world| first = world.backups.insert(id.to_owned(), Timestamp::now()).is_none())?;
        Ok(first)
    }

    async fn erase_backups(&self, id: &str) -> Result<(), Failure> {
        self.attempt("erase", |world| _ = world.backups.remove(id))
    }

    fn latest_restorable(&self, id: &str) -> Option<Timestamp> {
        self.world.lock().unwrap().backups.get(id).copied()
    }

    async fn sweep(&self, snapshots: BTreeSet<String>, databases: BTreeSet<String>) -> Result<(), Failure> {
        self.attempt("sweep", |world| {
            world.snapshots.retain(|id, _| snapshots.contains(id));
            world.backups.retain(|id, _| databases.contains(id));
        })
    }
}
