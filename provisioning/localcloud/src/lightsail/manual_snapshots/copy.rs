//! `CopySnapshot`: a manual snapshot of an instance from another, or from an automatic one that would otherwise go with
//! its instance or after seven days.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{Of, Snapshot, SnapshotWork, Source, instances, new_id, usable, work};
use crate::lightsail::{
    auto_snapshots::{self, Which},
    fault::Fault,
    operations::{self, About, Status},
    service::{Service, check_names_free},
    state::{Job, State},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Copy {
    source_snapshot_name: Option<String>,
    source_resource_name: Option<String>,
    restore_date: Option<String>,
    #[serde(default)]
    use_latest_restorable_auto_snapshot: bool,
    target_snapshot_name: String,
    source_region: String,
}

/// Copies keep no tags, as automatic snapshots have none and AWS carries none over.
pub(crate) async fn copy(service: &Arc<Service>, request: Copy) -> Result<Value, Fault> {
    let region = &service.options.region;
    if request.source_region != *region {
        return Err(Fault::invalid(format!(
            "There is no snapshot in the source region: {} (this cloud is {region} only)",
            request.source_region
        )));
    }
    let which = Which::asked(request.restore_date, request.use_latest_restorable_auto_snapshot)?;
    let name = request.target_snapshot_name;
    let (operation, begun) = service
        .store
        .change(|state| {
            let (source, zone) = match (&request.source_snapshot_name, &request.source_resource_name, &which) {
                (Some(snapshot), None, None) => of_manual(state, snapshot)?,
                (None, Some(instance), Some(which)) => of_automatic(state, instance, which)?,
                _ => {
                    return Err(Fault::invalid(
                        "Give either sourceSnapshotName, or sourceResourceName with restoreDate or \
                         useLatestRestorableAutoSnapshot.",
                    ));
                }
            };
            check_names_free(state, std::slice::from_ref(&name))?;
            let id = new_id();
            let common = service.common(instances::TYPE, &id, &zone, Vec::new());
            let about = About::new(&name, instances::TYPE, &common);
            // The model has no operation type for copies.
            let operation = operations::begin(state, &about, Some("CreateInstanceSnapshot"), Status::NotStarted);
            let job = Job { work: SnapshotWork::Copy, operation: Some(operation.id) };
            let begun = (name.clone(), id.clone(), job);
            let is_from_auto = request.source_resource_name.is_some();
            let snapshot = Snapshot::pending(common, id, source, Of::Instance { is_from_auto });
            state.snapshots.insert(name, Snapshot { job: Some(job), ..snapshot });
            Ok((operation, begun))
        })
        .await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

fn of_manual(state: &State, name: &str) -> Result<(Source, String), Fault> {
    let snapshot = usable(state, instances::TYPE, name)?;
    let source = Source { id: snapshot.id.clone(), ..snapshot.source.clone() };
    Ok((source, snapshot.common.availability_zone.clone()))
}

fn of_automatic(state: &State, name: &str, which: &Which) -> Result<(Source, String), Fault> {
    let instance = state.instances.get(name).ok_or_else(|| Fault::no_such("Instance", name))?;
    let taken = auto_snapshots::chosen(name, instance, which)?;
    let source = Source { id: taken.id.clone(), ..instances::source_of(name, instance) };
    Ok((source, instance.common.availability_zone.clone()))
}
