//! Instances as real machines: systemd in its own namespaces on a disk of its own (an overlay over the base image).
//!
//! Knows nothing of Lightsail: it makes, boots, stops and erases machines and lets their owner in.

mod boot;
mod cgroup;
mod disk;
mod image;
mod keys;
mod mirror;
mod snapshot;

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;

use self::boot::Running;
pub use self::image::ensure as ensure_image;
use crate::{copies, error::Error, files, layout::Layout, network::Network, usage::Usage};

/// What a machine is made from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct MachineSpec {
    /// Names its directory and its network namespace.
    pub id: String,
    /// Its host name.
    pub hostname: String,
    /// The user that may log in and become root, such as `ubuntu`.
    pub user: String,
    /// Its address in the private network.
    pub address: Ipv4Addr,
    /// A shell script that runs once, as root, at the first boot.
    pub user_data: Option<String>,
}

/// A way into a machine, for one hour.
#[derive(Clone, Debug)]
pub struct Access {
    /// Whom to log in as.
    pub user: String,
    /// OpenSSH PEM.
    pub private_key: SecretString,
    /// OpenSSH certificate line.
    pub certificate: String,
    /// Until when the certificate is valid.
    pub expires_at: jiff::Timestamp,
    /// The keys by which the machine proves itself.
    pub host_keys: Vec<HostKey>,
}

/// A key by which a machine proves itself.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HostKey {
    /// Such as `ssh-ed25519`.
    pub algorithm: String,
    /// The base64 body of the public key line.
    pub public_key: String,
    /// `SHA1:` and unpadded base64, as OpenSSH prints it.
    pub fingerprint_sha1: String,
    /// `SHA256:` and unpadded base64, as OpenSSH prints it.
    pub fingerprint_sha256: String,
    /// When the key was read from the machine.
    pub witnessed_at: jiff::Timestamp,
    /// When it was made.
    pub not_valid_before: jiff::Timestamp,
    /// Host keys do not expire; this is far in the future.
    pub not_valid_after: jiff::Timestamp,
}

/// All machines of one cloud. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Machines {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    layout: Layout,
    network: Network,
    image: PathBuf,
    running: Mutex<HashMap<String, Running>>,
    /// One operation at a time on each machine.
    turns: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Machines {
    /// The machines of a cloud; none runs yet.
    ///
    /// # Errors
    /// When the key that signs logins cannot be made.
    pub async fn open(layout: Layout, network: Network, image: PathBuf) -> Result<Self, Error> {
        keys::ensure_authority(&layout.user_ca()).await?;
        files::private_dir(&layout.instances_dir())?;
        copies::sweep(&layout.instances_dir(), |_| true)?;
        let (running, turns) = Default::default();
        Ok(Self { inner: Arc::new(Inner { layout, network, image, running, turns }) })
    }

    /// Makes the disk, the host keys and what the machine must know; does not boot it. Idempotent.
    ///
    /// # Errors
    /// When a file or key cannot be made.
    pub async fn create(&self, spec: &MachineSpec) -> Result<(), Error> {
        let turn = self.turn(&spec.id);
        let _turn = turn.lock().await;
        let directory = self.inner.layout.instance_dir(&spec.id);
        if disk::read_spec(&directory)?.is_some() {
            return Ok(());
        }
        files::private_dir(&directory)?;
        let disk = disk::Disk::new(&directory, &self.inner.image);
        disk.remember_image()?;
        disk.mount()?;
        let prepared = self.prepare(spec, &disk).await;
        disk.unmount()?;
        prepared?;
        // Written last: a machine with a specification is whole.
        disk::write_spec(&directory, spec)
    }

    /// Attaches it to the network and boots it; returns when its SSH server answers (within 30 seconds). Idempotent.
    ///
    /// # Errors
    /// When it is unknown, does not boot, or does not answer in time.
    pub async fn start(&self, id: &str) -> Result<(), Error> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        if self.is_running(id).await {
            return Ok(());
        }
        let spec = self.spec(id)?;
        let directory = self.inner.layout.instance_dir(id);
        let namespace = self.inner.network.attach(id, spec.address).await?;
        let disk = disk::Disk::new(&directory, &self.inner.image);
        disk.mount()?;
        let machine = format!("{}{id}", name_prefix(self.inner.layout.slot()));
        let running = boot::boot(&machine, &disk.root(), &namespace.path, &directory.join("console.log")).await?;
        self.running().insert(id.to_owned(), running.clone());
        let answered = boot::wait_for_ssh(id, &running, &self.inner.network, spec.address).await;
        if answered.is_err() {
            self.halt(id).await?;
        }
        answered
    }

    /// Shuts it down cleanly, or by force after 20 seconds. Idempotent.
    ///
    /// # Errors
    /// When its disk cannot be unmounted.
    pub async fn stop(&self, id: &str) -> Result<(), Error> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        self.halt(id).await
    }

    /// Stops it and erases it. Idempotent.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub async fn destroy(&self, id: &str) -> Result<(), Error> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        self.halt(id).await?;
        self.inner.network.detach(id).await?;
        let directory = self.inner.layout.instance_dir(id);
        tokio::task::spawn_blocking(move || files::remove_tree(&directory)).await.unwrap_or(Ok(()))?;
        self.turns().remove(id);
        Ok(())
    }

    /// Whether it runs.
    pub async fn is_running(&self, id: &str) -> bool {
        self.running().get(id).is_some_and(|running| !running.ended())
    }

    /// What it uses of this host; none when it does not run.
    pub(crate) async fn usage(&self, id: &str) -> Option<Usage> {
        let running = self.running().get(id).filter(|running| !running.ended()).cloned()?;
        let network = self.inner.network.counters(id, 0).await?;
        Some(Usage { cpu: running.cpu()?, network, ..Usage::default() })
    }

    /// A fresh key pair with a certificate for the machine's user, valid for one hour, and the machine's host keys.
    ///
    /// # Errors
    /// When the machine is unknown or the keys cannot be made.
    pub async fn access(&self, id: &str) -> Result<Access, Error> {
        let spec = self.spec(id)?;
        let host_keys = keys::read_host_keys(&self.inner.layout.instance_dir(id))?;
        keys::access(&self.inner.layout.user_ca(), &spec.user, id, host_keys).await
    }

    /// Shuts all machines down at the same time.
    pub(crate) async fn shutdown(&self) {
        let ids: Vec<String> = self.running().keys().cloned().collect();
        let stops = ids.iter().map(|id| self.stop(id));
        for (id, result) in ids.iter().zip(futures::future::join_all(stops).await) {
            if let Err(error) = result {
                tracing::warn!(%id, %error, "a machine did not stop cleanly");
            }
        }
    }

    async fn prepare(&self, spec: &MachineSpec, disk: &disk::Disk) -> Result<(), Error> {
        disk.personalise(spec).await?;
        keys::install_host_keys(&disk.root(), &self.inner.layout.instance_dir(&spec.id), &spec.hostname).await?;
        keys::install_authority(&disk.root(), &self.inner.layout.user_ca())
    }

    async fn halt(&self, id: &str) -> Result<(), Error> {
        let running = self.running().get(id).cloned();
        if let Some(running) = running {
            running.stop().await;
            self.running().remove(id);
        }
        disk::Disk::new(&self.inner.layout.instance_dir(id), &self.inner.image).unmount()
    }

    fn spec(&self, id: &str) -> Result<MachineSpec, Error> {
        disk::read_spec(&self.inner.layout.instance_dir(id))?
            .ok_or_else(|| Error::Machine { id: id.to_owned(), reason: "there is no such machine".into() })
    }

    fn turn(&self, id: &str) -> Arc<tokio::sync::Mutex<()>> {
        Arc::clone(self.turns().entry(id.to_owned()).or_default())
    }

    fn turns(&self) -> MutexGuard<'_, HashMap<String, Arc<tokio::sync::Mutex<()>>>> {
        self.inner.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.inner.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets what the host's kernel still keeps of machines of the cloud with this slot that run no more.
pub(crate) fn forget_ended(slot: u8) {
    cgroup::remove_all(&name_prefix(slot));
}

/// Machines are named on the host so that no two clouds meet.
fn name_prefix(slot: u8) -> String {
    format!("jewel{slot}-")
}

/// Machines do not outlive who started them, even when that ends without stopping them.
impl Drop for Inner {
    fn drop(&mut self) {
        for (id, running) in self.running.get_mut().unwrap_or_else(PoisonError::into_inner).drain() {
            running.kill();
            disk::Disk::new(&self.layout.instance_dir(&id), &self.image).unmount().ok();
        }
    }
}
