//! Snapshots of instances: the requests.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Of, Snapshot, SnapshotState, SnapshotWork, Source, begin_deletion, found, new_id, page, view, work};
use crate::lightsail::{
    auto_snapshots, catalog,
    fault::Fault,
    operations::{self, About, Status},
    service::{Service, check_names_free},
    state::{Instance, InstanceState, Job, Tag},
    tags,
};

pub(crate) const TYPE: &str = "InstanceSnapshot";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    instance_snapshot_name: String,
    instance_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// The machine stands still for the copy's duration and goes on; what it had not written is not in the snapshot.
pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let Create { instance_snapshot_name: name, instance_name, tags } = request;
    let tags = tags::checked(tags)?;
    let (operation, begun) = service
        .store
        .change(|state| {
            let instance = state.instances.get(&instance_name);
            let instance = instance.ok_or_else(|| Fault::no_such("Instance", &instance_name))?;
            check_can_be_taken(&instance_name, instance)?;
            if auto_snapshots::is_being_taken(instance) {
                return Err(Fault::failed(format!("An automatic snapshot is being taken of {instance_name}.")));
            }
            let source = source_of(&instance_name, instance);
            check_names_free(state, std::slice::from_ref(&name))?;
            let id = new_id();
            let zone = instance.common.availability_zone.clone();
            let common = service.common(TYPE, &id, &zone, tags);
            let about = About::new(&name, TYPE, &common);
            let operation = operations::begin(state, &about, Some("CreateInstanceSnapshot"), Status::NotStarted);
            let job = Job { work: SnapshotWork::TakeOfInstance, operation: Some(operation.id) };
            let begun = (name.clone(), id.clone(), job);
            let snapshot = Snapshot::pending(common, id, source, Of::Instance { is_from_auto: false });
            state.snapshots.insert(name, Snapshot { job: Some(job), ..snapshot });
            Ok((operation, begun))
        })
        .await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

/// # Errors
/// When there is no whole disk to copy.
pub(crate) fn check_can_be_taken(name: &str, instance: &Instance) -> Result<(), Fault> {
    if matches!(instance.state, InstanceState::Running | InstanceState::Stopped | InstanceState::Stopping) {
        return Ok(());
    }
    Err(Fault::failed(format!(
        "The instance is not in a state in which a snapshot can be taken of it: {name} is {}",
        instance.state.name()
    )))
}

/// What a snapshot remembers of the instance.
pub(crate) fn source_of(name: &str, instance: &Instance) -> Source {
    Source {
        name: name.to_owned(),
        arn: instance.common.arn.clone(),
        id: instance.id.clone(),
        blueprint_id: instance.blueprint_id.clone(),
        bundle_id: instance.bundle_id.clone(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    instance_snapshot_name: String,
}

pub(crate) async fn get(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.instance_snapshot_name;
    Ok(json!({ "instanceSnapshot": whole_view(service, name, found(&state, TYPE, name)?) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    page_token: Option<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let view = |name: &str, snapshot: &Snapshot| whole_view(service, name, snapshot);
    let page = page(&state, TYPE, request.page_token.as_deref(), view)?;
    Ok(json!({ "instanceSnapshots": page.items, "nextPageToken": page.next }))
}

/// Instances that were made from it are not touched.
pub(crate) async fn delete(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.instance_snapshot_name;
    let begun = service.store.change(|state| begin_deletion(state, TYPE, &name, "DeleteInstanceSnapshot"));
    let (operation, begun) = begun.await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

fn whole_view(service: &Service, name: &str, snapshot: &Snapshot) -> Value {
    let mut view = view(service, name, snapshot);
    let source = &snapshot.source;
    view["state"] = json!(match snapshot.state {
        SnapshotState::Pending => "pending",
        SnapshotState::Available => "available",
        SnapshotState::Failed => "error",
    });
    view["fromAttachedDisks"] = json!([]);
    view["fromInstanceName"] = json!(source.name);
    view["fromInstanceArn"] = json!(source.arn);
    view["fromBlueprintId"] = json!(source.blueprint_id);
    view["fromBundleId"] = json!(source.bundle_id);
    view["isFromAutoSnapshot"] = json!(snapshot.of == Of::Instance { is_from_auto: true });
    // AWS says the size of the disk, and bills what is on it.
    view["sizeInGb"] = json!(catalog::bundle(&source.bundle_id).ok().map(|bundle| bundle.disk_gb));
    view
}
