//! Snapshots of machines: what a machine has written over the image, at one moment.
//!
//! A machine that runs stands still while its disk is copied, so that the copy is what a power failure would have left:
//! what it had not given to the kernel is not in it. The host keys are on the disk and therefore in the copy.

use super::{MachineSpec, Machines, disk, keys};
use crate::{
    copies::{self, Making},
    error::Error,
    files,
};

const UPPER: &str = "upper";

impl Machines {
    /// Copies the machine's disk as it is at this moment, whether it runs or not, under the id `snapshot`. Idempotent.
    ///
    /// # Errors
    /// When the machine is unknown, cannot be stopped for a moment, or cannot be copied.
    pub async fn snapshot(&self, id: &str, snapshot: &str) -> Result<(), Error> {
        let turn = self.turn(id);
        let _turn = turn.lock().await;
        let layout = &self.inner.layout;
        if layout.snapshot_dir(snapshot).exists() {
            return Ok(());
        }
        self.spec(id)?;
        let disk = disk::Disk::new(&layout.instance_dir(id), &self.inner.image);
        let making = Making::begin(&layout.snapshots_dir())?;
        disk.lay_over_the_same(making.path())?;
        let running = self.running().get(id).filter(|running| !running.ended()).cloned();
        let frozen = match &running {
            Some(running) => Some(running.freeze().await?),
            None => None,
        };
        copies::copy(&disk.upper(), &making.path().join(UPPER)).await?;
        drop(frozen);
        making.finish(snapshot)
    }

    /// Like [`create`](Self::create), with the disk that the machine of the snapshot had. What makes the machine this
    /// one (name, address, first-boot script) is new; its host keys are those of the disk.
    ///
    /// # Errors
    /// When there is no such snapshot, or a file cannot be made.
    pub async fn create_from(&self, spec: &MachineSpec, snapshot: &str) -> Result<(), Error> {
        let turn = self.turn(&spec.id);
        let _turn = turn.lock().await;
        let directory = self.inner.layout.instance_dir(&spec.id);
        if disk::read_spec(&directory)?.is_some() {
            return Ok(());
        }
        let taken = self.inner.layout.snapshot_dir(snapshot);
        if !taken.exists() {
            return Err(Error::Machine { id: spec.id.clone(), reason: "its snapshot is gone".into() });
        }
        // A copy that was cut short must not be built upon.
        disk::Disk::new(&directory, &self.inner.image).unmount()?;
        files::remove_tree(&directory)?;
        let making = Making::begin(&self.inner.layout.instances_dir())?;
        copies::copy(&taken.join(UPPER), &making.path().join(UPPER)).await?;
        disk::Disk::new(&taken, &self.inner.image).lay_over_the_same(making.path())?;
        making.finish(&spec.id)?;
        let disk = disk::Disk::new(&directory, &self.inner.image);
        disk.mount()?;
        let prepared = self.become_another(spec, &disk).await;
        disk.unmount()?;
        prepared?;
        disk::write_spec(&directory, spec)
    }

    async fn become_another(&self, spec: &MachineSpec, disk: &disk::Disk) -> Result<(), Error> {
        disk.forget_first_boot()?;
        disk.personalise(spec).await?;
        keys::witness_host_keys(&disk.root(), &self.inner.layout.instance_dir(&spec.id)).await?;
        keys::install_authority(&disk.root(), &self.inner.layout.user_ca())
    }
}
