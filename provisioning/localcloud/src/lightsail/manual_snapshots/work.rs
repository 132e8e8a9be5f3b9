//! What happens to a snapshot after a request was answered: it is taken, copied, erased.
//!
//! The state says what was begun, and a copy on disk is whole or not there, so work that was cut off is done again.

use std::{collections::BTreeSet, sync::Arc};

use super::{Snapshot, SnapshotState, SnapshotWork, databases};
use crate::lightsail::{
    delays,
    hardware::Failure,
    operations::{self, Status},
    service::Service,
    state::{Job, State},
};

/// Work on one snapshot: its name, its id, and what was begun.
pub(crate) type Begun = (String, String, Job<SnapshotWork>);

/// All work the state says was begun.
pub(crate) fn all_begun(state: &State) -> Vec<Begun> {
    let begun = |(name, snapshot): (&String, &Snapshot)| Some((name.clone(), snapshot.id.clone(), snapshot.job?));
    state.snapshots.iter().filter_map(begun).collect()
}

/// Removes copies and backups that the state does not know: the deletion of their owner was cut off after it was
/// written down, or they were never finished.
pub(crate) async fn sweep(service: &Service, state: &State) -> Result<(), Failure> {
    let manual = state.snapshots.values().map(|snapshot| snapshot.id.clone());
    let automatic = state.instances.values().flat_map(|instance| &instance.auto_snapshots);
    let snapshots: BTreeSet<String> = manual.chain(automatic.map(|one| one.id.clone())).collect();
    let databases = state.databases.values().map(|database| database.id.clone()).collect();
    service.hardware.sweep(snapshots, databases).await
}

/// Does it in the background.
pub(crate) fn begin(service: &Arc<Service>, (name, id, job): Begun) {
    let shared = service.clone();
    service.spawn(async move { run(&shared, &name, &id, job).await });
}

async fn run(service: &Arc<Service>, name: &str, id: &str, job: Job<SnapshotWork>) {
    let now = service.store.now();
    let Some(snapshot) = now.snapshots.get(name).filter(|snapshot| snapshot.id == id) else { return };
    // A copy is taken while nobody changes what is copied.
    let held = if job.work == SnapshotWork::Delete { id } else { &snapshot.source.id };
    let _alone = service.lock(held).await;
    service.mark(job.operation, Status::Started).await;
    let (outcome, ()) = tokio::join!(
        perform(service, snapshot, job.work),
        service.pace(delays::usual(operation_type(snapshot, job.work)))
    );
    if let Err(failure) = &outcome {
        tracing::error!(snapshot = name, error = %failure, "failed");
    }
    service.record(|state| finish(state, name, id, job, &outcome)).await;
}

fn operation_type(snapshot: &Snapshot, work: SnapshotWork) -> &'static str {
    match work {
        SnapshotWork::TakeOfInstance | SnapshotWork::Copy => "CreateInstanceSnapshot",
        SnapshotWork::Delete if snapshot.resource_type() == databases::TYPE => "DeleteRelationalDatabaseSnapshot",
        SnapshotWork::Delete => "DeleteInstanceSnapshot",
    }
}

async fn perform(service: &Service, snapshot: &Snapshot, work: SnapshotWork) -> Result<(), Failure> {
    let (hardware, id, source) = (&service.hardware, &snapshot.id, &snapshot.source.id);
    match work {
        SnapshotWork::TakeOfInstance => hardware.snapshot_machine(source, id).await,
        SnapshotWork::Copy => hardware.copy_snapshot(source, id).await,
        SnapshotWork::Delete => hardware.erase_snapshot(id).await,
    }
}

fn finish(state: &mut State, name: &str, id: &str, job: Job<SnapshotWork>, outcome: &Result<(), Failure>) {
    if let Some(operation) = job.operation {
        match outcome {
            Ok(()) => operations::mark(state, operation, Status::Succeeded, None),
            Err(failure) => operations::mark(state, operation, Status::Failed, Some(&failure.to_string())),
        }
    }
    let Some(snapshot) = state.snapshots.get_mut(name).filter(|snapshot| snapshot.id == id) else { return };
    snapshot.job = None;
    match (job.work, outcome) {
        (SnapshotWork::Delete, Ok(())) => drop(state.snapshots.remove(name)),
        (_, Ok(())) => snapshot.state = SnapshotState::Available,
        (_, Err(_)) => snapshot.state = SnapshotState::Failed,
    }
}
