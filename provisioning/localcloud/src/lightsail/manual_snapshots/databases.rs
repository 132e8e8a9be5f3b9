//! Snapshots of databases: the requests. They are taken by work on the database, which is not to be had meanwhile.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Of, Snapshot, SnapshotState, Source, begin_deletion, found, new_id, page, view, work};
use crate::lightsail::{
    catalog, databases,
    fault::Fault,
    operations::{self, About, Status},
    service::{Service, check_names_free},
    state::{DatabaseState, DatabaseWork, Job, State, Tag},
    tags,
};

pub(crate) const TYPE: &str = "RelationalDatabaseSnapshot";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    relational_database_name: String,
    relational_database_snapshot_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

/// A standard plan's database is not to be had while the copy is made; of one with high availability the standby is
/// copied, and clients notice a pause at most.
pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let Create { relational_database_name: database_name, relational_database_snapshot_name: name, tags } = request;
    let tags = tags::checked(tags)?;
    let (operation, begun) = service
        .store
        .change(|state| {
            let database = databases::found(state, &database_name)?;
            databases::expect(database, &database_name, &[DatabaseState::Available], "backed up")?;
            let snapshot = planned(service, state, &database_name, &name, tags)?;
            let about = About::new(&name, TYPE, &snapshot.common);
            let kind = Some("CreateRelationalDatabaseSnapshot");
            let operation = operations::begin(state, &about, kind, Status::NotStarted);
            state.snapshots.insert(name.clone(), snapshot);
            let job = Job { work: DatabaseWork::Snapshot, operation: Some(operation.id) };
            let database = databases::found_mut(state, &database_name)?;
            database.snapshot_due = Some(name);
            database.state = DatabaseState::BackingUp;
            database.job = Some(job);
            Ok((operation, (database_name.clone(), database.id.clone(), job)))
        })
        .await?;
    databases::work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

/// A snapshot of the database that is about to be taken, by whatever work.
///
/// # Errors
/// When the name is taken or not one.
pub(crate) fn planned(
    service: &Service,
    state: &State,
    database_name: &str,
    name: &str,
    tags: Vec<Tag>,
) -> Result<Snapshot, Fault> {
    databases::checks::name(name)?;
    check_names_free(state, &[name.to_owned()])?;
    let database = databases::found(state, database_name)?;
    let source = Source {
        name: database_name.to_owned(),
        arn: database.common.arn.clone(),
        id: database.id.clone(),
        blueprint_id: database.blueprint_id.clone(),
        bundle_id: database.bundle_id.clone(),
    };
    let of = Of::Database {
        engine_version: database.engine_version.clone(),
        master_database: database.master_database.clone(),
        master_username: database.master_username.clone(),
    };
    let id = new_id();
    let common = service.common(TYPE, &id, &database.common.availability_zone, tags);
    Ok(Snapshot::pending(common, id, source, of))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    relational_database_snapshot_name: String,
}

pub(crate) async fn get(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.relational_database_snapshot_name;
    Ok(json!({ "relationalDatabaseSnapshot": whole_view(service, name, found(&state, TYPE, name)?) }))
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
    Ok(json!({ "relationalDatabaseSnapshots": page.items, "nextPageToken": page.next }))
}

pub(crate) async fn delete(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.relational_database_snapshot_name;
    let begun = service.store.change(|state| begin_deletion(state, TYPE, &name, "DeleteRelationalDatabaseSnapshot"));
    let (operation, begun) = begun.await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

fn whole_view(service: &Service, name: &str, snapshot: &Snapshot) -> Value {
    let mut view = view(service, name, snapshot);
    let source = &snapshot.source;
    // RDS's words, which are not those of instances.
    view["state"] = json!(match snapshot.state {
        SnapshotState::Pending => "creating",
        SnapshotState::Available => "available",
        SnapshotState::Failed => "failed",
    });
    view["engine"] = json!("mysql");
    if let Of::Database { engine_version, .. } = &snapshot.of {
        view["engineVersion"] = json!(engine_version);
    }
    view["sizeInGb"] = json!(catalog::database_bundle(&source.bundle_id).ok().map(|bundle| bundle.disk_gb));
    view["fromRelationalDatabaseName"] = json!(source.name);
    view["fromRelationalDatabaseArn"] = json!(source.arn);
    view["fromRelationalDatabaseBundleId"] = json!(source.bundle_id);
    view["fromRelationalDatabaseBlueprintId"] = json!(source.blueprint_id);
    view
}
