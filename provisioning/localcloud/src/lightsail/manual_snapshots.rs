//! Manual snapshots, of instances and of databases. They are kept until they are deleted, whatever becomes of their
//! source, and are paid for by what is in them.
//!
//! The requests are in a file for each kind; what both have in common is here and in [`work`].

pub(crate) mod copy;
pub(crate) mod databases;
pub(crate) mod instances;
pub(crate) mod work;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    fault::Fault,
    operations::{self, About, Operation, Status, epoch},
    paging,
    service::{Service, random_hex},
    state::{Common, Job, State},
};

/// A snapshot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Names the copy on disk; never reused, unlike the name.
    pub(crate) id: String,
    pub(crate) source: Source,
    pub(crate) of: Of,
    pub(crate) state: SnapshotState,
    pub(crate) job: Option<Job<SnapshotWork>>,
}

/// What it was taken of, as it was then: it outlives that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) arn: String,
    /// The id of the instance or database, or of the snapshot it is a copy of.
    pub(crate) id: String,
    pub(crate) blueprint_id: String,
    pub(crate) bundle_id: String,
}

/// What only one kind has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Of {
    Instance { is_from_auto: bool },
    Database { engine_version: String, master_database: String, master_username: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SnapshotState {
    Pending,
    Available,
    Failed,
}

/// Work that is begun with the snapshot itself; that of a database's is begun with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SnapshotWork {
    TakeOfInstance,
    Copy,
    Delete,
}

impl Snapshot {
    /// A new one, about to be made.
    pub(crate) fn pending(common: Common, id: String, source: Source, of: Of) -> Self {
        Self { common, id, source, of, state: SnapshotState::Pending, job: None }
    }

    /// As the model spells it.
    pub(crate) fn resource_type(&self) -> &'static str {
        match self.of {
            Of::Instance { .. } => instances::TYPE,
            Of::Database { .. } => databases::TYPE,
        }
    }
}

/// The members that both kinds have.
fn view(service: &Service, name: &str, snapshot: &Snapshot) -> Value {
    json!({
        "name": name,
        "arn": snapshot.common.arn,
        "supportCode": snapshot.common.support_code,
        "createdAt": epoch(snapshot.common.created_at),
        "location": {
            "availabilityZone": snapshot.common.availability_zone,
            "regionName": service.options.region,
        },
        "resourceType": snapshot.resource_type(),
        "tags": snapshot.common.tags,
    })
}

/// A new id of a snapshot.
pub(crate) fn new_id() -> String {
    format!("s-{}", random_hex(12))
}

/// The snapshot of this name and kind.
pub(crate) fn found<'a>(state: &'a State, resource_type: &str, name: &str) -> Result<&'a Snapshot, Fault> {
    let snapshot = state.snapshots.get(name).filter(|snapshot| snapshot.resource_type() == resource_type);
    snapshot.ok_or_else(|| Fault::no_such(resource_type, name))
}

/// The snapshot, if something can be made from it.
pub(crate) fn usable<'a>(state: &'a State, resource_type: &str, name: &str) -> Result<&'a Snapshot, Fault> {
    let snapshot = found(state, resource_type, name)?;
    let busy = matches!(snapshot.job, Some(Job { work: SnapshotWork::Delete, .. }));
    if snapshot.state == SnapshotState::Available && !busy {
        return Ok(snapshot);
    }
    Err(Fault::failed(format!("The snapshot is not in a state in which it can be used: {name}")))
}

/// One page of the snapshots of a kind.
fn page(
    state: &State,
    resource_type: &str,
    token: Option<&str>,
    view: impl Fn(&str, &Snapshot) -> Value,
) -> Result<paging::Page<Value>, Fault> {
    let kind = state.snapshots.iter().filter(|(_, snapshot)| snapshot.resource_type() == resource_type);
    paging::page(kind.map(|(name, snapshot)| (name, view(name, snapshot))), token, paging::PAGE)
}

/// Marks a snapshot for its deletion.
fn begin_deletion(
    state: &mut State,
    resource_type: &str,
    name: &str,
    operation_type: &str,
) -> Result<(Operation, work::Begun), Fault> {
    let snapshot = found(state, resource_type, name)?;
    if snapshot.job.is_some() || snapshot.state == SnapshotState::Pending {
        return Err(Fault::failed(format!("The snapshot is being worked on and cannot be deleted now: {name}")));
    }
    let (common, id) = (snapshot.common.clone(), snapshot.id.clone());
    let about = About::new(name, resource_type, &common);
    let operation = operations::begin(state, &about, Some(operation_type), Status::NotStarted);
    let job = Job { work: SnapshotWork::Delete, operation: Some(operation.id) };
    if let Some(snapshot) = state.snapshots.get_mut(name) {
        snapshot.job = Some(job);
    }
    Ok((operation, (name.to_owned(), id, job)))
}
