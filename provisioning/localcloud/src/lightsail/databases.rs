//! Databases: the requests. The work they begin is in [`work`].
//!
//! The endpoint's address is the server's private IPv4 address. On AWS it is a name such as
//! `ls-<hex>.<id>.<region>.rds.amazonaws.com` that resolves to such an address inside the region; nothing here could make
//! a name resolve on every machine that needs it. `publiclyAccessible` is kept and shown, and opens nothing: a database
//! of this cloud is reached from its instances only.

pub(crate) mod backups;
pub(crate) mod checks;
pub(crate) mod events;
pub(crate) mod logs;
pub(crate) mod restore;
pub(crate) mod work;

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    catalog,
    fault::Fault,
    manual_snapshots,
    operations::{self, About, Operation, Status},
    paging, passwords,
    service::{Service, check_names_free, random_hex},
    state::{Database, DatabaseState, DatabaseWork, Job, Passwords, State, Tag},
    tags,
};
use crate::database;

pub(crate) const TYPE: &str = "RelationalDatabase";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    relational_database_name: String,
    availability_zone: Option<String>,
    relational_database_blueprint_id: String,
    relational_database_bundle_id: String,
    master_database_name: String,
    master_username: String,
    master_user_password: Option<SecretString>,
    preferred_backup_window: Option<String>,
    preferred_maintenance_window: Option<String>,
    #[serde(default)]
    publicly_accessible: bool,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let name = request.relational_database_name;
    checks::name(&name)?;
    let zone = request.availability_zone.unwrap_or_else(|| service.zones()[0].clone());
    service.check_zone(&zone)?;
    let blueprint = catalog::database_blueprint(&request.relational_database_blueprint_id)?;
    let bundle = catalog::database_bundle(&request.relational_database_bundle_id)?;
    checks::master_database(&request.master_database_name)?;
    checks::master_username(&request.master_username)?;
    let password = request.master_user_password.map_or_else(|| Ok(passwords::made()), passwords::given)?;
    let windows = checks::Windows::new(request.preferred_backup_window, request.preferred_maintenance_window)?;
    let tags = tags::checked(request.tags)?;
    let version = service.hardware.engine_version().await;
    let engine_version = version.map_err(|failure| Fault::service(failure.to_string()))?;
    let (operation, begun) = service
        .store
        .change(|state| {
            check_names_free(state, std::slice::from_ref(&name))?;
            // RDS's ids of resources look like this, and end up in support codes and endpoints.
            let common = service.common(TYPE, &format!("ls-{}", random_hex(32)), &zone, tags);
            let about = About::new(&name, TYPE, &common);
            let operation = operations::begin(state, &about, Some("CreateRelationalDatabase"), Status::NotStarted);
            let job = Job { work: DatabaseWork::Create, operation: Some(operation.id) };
            let id = format!("d-{}", random_hex(12));
            let begun = (name.clone(), id.clone(), job);
            let database = Database {
                id,
                blueprint_id: blueprint.id.to_owned(),
                bundle_id: bundle.id.to_owned(),
                engine_version,
                private_address: service.take_private_address(state)?,
                master_database: request.master_database_name,
                master_username: request.master_username,
                passwords: Passwords { current: password, previous: None, pending: None },
                backup_window: windows.backup,
                maintenance_window: windows.maintenance,
                publicly_accessible: request.publicly_accessible,
                wanted_backup_retention: true,
                backup_retention: true,
                waits_for_window: false,
                parameters: BTreeMap::new(),
                pending_parameters: BTreeMap::new(),
                origin: None,
                snapshot_due: None,
                events: Vec::new(),
                state: DatabaseState::Creating,
                job: Some(job),
                common,
            };
            state.databases.insert(name, database);
            Ok((operation, begun))
        })
        .await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    relational_database_name: String,
}

pub(crate) async fn get(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.relational_database_name;
    Ok(json!({ "relationalDatabase": view(service, name, found(&state, name)?) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    page_token: Option<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let views = state.databases.iter().map(|(name, database)| (name, view(service, name, database)));
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "relationalDatabases": page.items, "nextPageToken": page.next }))
}

pub(crate) async fn start(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    command(service, &request.relational_database_name, DatabaseWork::Start, |database, name| {
        expect(database, name, &[DatabaseState::Stopped], "started")?;
        Ok(DatabaseState::Starting)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stop {
    relational_database_name: String,
    relational_database_snapshot_name: Option<String>,
}

pub(crate) async fn stop(service: &Arc<Service>, request: Stop) -> Result<Value, Fault> {
    let name = &request.relational_database_name;
    let last = request.relational_database_snapshot_name;
    command_with_snapshot(service, name, DatabaseWork::Stop, last, |database, name| {
        expect(database, name, &[DatabaseState::Available], "stopped")?;
        Ok(DatabaseState::Stopping)
    })
    .await
}

pub(crate) async fn reboot(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    command(service, &request.relational_database_name, DatabaseWork::Reboot, |database, name| {
        expect(database, name, &[DatabaseState::Available, DatabaseState::IncompatibleParameters], "rebooted")?;
        Ok(DatabaseState::Rebooting)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delete {
    relational_database_name: String,
    #[serde(default)]
    skip_final_snapshot: bool,
    final_relational_database_snapshot_name: Option<String>,
}

/// All automatic backups go with the database, as on AWS; only its snapshots stay.
pub(crate) async fn delete(service: &Arc<Service>, request: Delete) -> Result<Value, Fault> {
    let name = &request.relational_database_name;
    found(&service.store.now(), name)?;
    let last = request.final_relational_database_snapshot_name;
    match (request.skip_final_snapshot, &last) {
        (true, None) | (false, Some(_)) => {}
        (true, Some(_)) => {
            return Err(Fault::invalid(
                "finalRelationalDatabaseSnapshotName cannot be given when skipFinalSnapshot is true.",
            ));
        }
        (false, None) => {
            return Err(Fault::invalid(
                "finalRelationalDatabaseSnapshotName is required when skipFinalSnapshot is false, which is the default.",
            ));
        }
    }
    let takes_snapshot = last.is_some();
    command_with_snapshot(service, name, DatabaseWork::Delete, last, |database, name| {
        if database.state == DatabaseState::Deleting {
            return Err(Fault::failed(format!("The database is already being deleted: {name}")));
        }
        if takes_snapshot {
            let whole = [DatabaseState::Available, DatabaseState::Stopped, DatabaseState::IncompatibleParameters];
            expect(database, name, &whole, "deleted with a final snapshot")?;
        }
        Ok(DatabaseState::Deleting)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Update {
    relational_database_name: String,
    master_user_password: Option<SecretString>,
    #[serde(default)]
    rotate_master_user_password: bool,
    preferred_backup_window: Option<String>,
    preferred_maintenance_window: Option<String>,
    #[serde(default)]
    enable_backup_retention: bool,
    #[serde(default)]
    disable_backup_retention: bool,
    publicly_accessible: Option<bool>,
    #[serde(default)]
    apply_immediately: bool,
    ca_certificate_identifier: Option<String>,
    relational_database_blueprint_id: Option<String>,
}

/// A new password is set at once whatever `applyImmediately` says, as on RDS; a change of the backup retention restarts
/// the server and waits for the maintenance window otherwise.
pub(crate) async fn update(service: &Arc<Service>, request: Update) -> Result<Value, Fault> {
    let name = request.relational_database_name;
    if let Some(id) = &request.relational_database_blueprint_id {
        let database = found(&service.store.now(), &name)?.blueprint_id.clone();
        if catalog::database_blueprint(id)?.id != database {
            return Err(Fault::not_built("A major version upgrade"));
        }
    }
    if request.ca_certificate_identifier.is_some_and(|id| id != checks::CA_IDENTIFIER) {
        return Err(Fault::invalid(format!(
            "The CA certificate identifier is not valid (of {})",
            checks::CA_IDENTIFIER
        )));
    }
    let retention = match (request.enable_backup_retention, request.disable_backup_retention) {
        (true, true) => return Err(Fault::invalid("Backup retention cannot be both enabled and disabled.")),
        (true, false) => Some(true),
        (false, true) => Some(false),
        (false, false) => None,
    };
    let password = match (request.master_user_password, request.rotate_master_user_password) {
        (Some(_), true) => {
            return Err(Fault::invalid("masterUserPassword and rotateMasterUserPassword exclude each other."));
        }
        (Some(password), false) => Some(passwords::given(password)?),
        (None, true) => Some(passwords::made()),
        (None, false) => None,
    };
    let (backup, maintenance) = (request.preferred_backup_window, request.preferred_maintenance_window);
    command(service, &name, DatabaseWork::Modify, |database, name| {
        expect(database, name, &[DatabaseState::Available], "modified")?;
        let windows = checks::Windows::new(
            backup.or_else(|| Some(database.backup_window.clone())),
            maintenance.or_else(|| Some(database.maintenance_window.clone())),
        )?;
        database.backup_window = windows.backup;
        database.maintenance_window = windows.maintenance;
        if let Some(public) = request.publicly_accessible {
            database.publicly_accessible = public;
        }
        if let Some(wanted) = retention {
            database.wanted_backup_retention = wanted;
        }
        if retention.is_some() || request.apply_immediately {
            let differs = database.wanted_backup_retention != database.backup_retention;
            database.waits_for_window = differs && !request.apply_immediately;
        }
        let resetting = password.is_some();
        if resetting {
            database.passwords.pending = password;
        }
        Ok(if resetting { DatabaseState::ResettingMasterCredentials } else { DatabaseState::Modifying })
    })
    .await
}

/// Checks and begins: `transition` changes the database and says which state it goes through, or why it cannot.
pub(crate) async fn command(
    service: &Arc<Service>,
    name: &str,
    work: DatabaseWork,
    transition: impl FnOnce(&mut Database, &str) -> Result<DatabaseState, Fault>,
) -> Result<Value, Fault> {
    command_with_snapshot(service, name, work, None, transition).await
}

/// As [`command`]; the work begins with a snapshot, if one is named.
async fn command_with_snapshot(
    service: &Arc<Service>,
    name: &str,
    work: DatabaseWork,
    snapshot: Option<String>,
    transition: impl FnOnce(&mut Database, &str) -> Result<DatabaseState, Fault>,
) -> Result<Value, Fault> {
    let (operation, begun): (Operation, work::Begun) = service
        .store
        .change(|state| {
            let database = found_mut(state, name)?;
            let next = transition(database, name)?;
            database.state = next;
            let common = database.common.clone();
            if let Some(snapshot) = &snapshot {
                let planned = manual_snapshots::databases::planned(service, state, name, snapshot, Vec::new())?;
                state.snapshots.insert(snapshot.clone(), planned);
            }
            let about = About::new(name, TYPE, &common);
            let operation = operations::begin(state, &about, Some(work::operation_type(work)), Status::NotStarted);
            let job = Job { work, operation: Some(operation.id) };
            let database = found_mut(state, name)?;
            database.snapshot_due = snapshot;
            database.job = Some(job);
            Ok((operation, (name.to_owned(), database.id.clone(), job)))
        })
        .await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

pub(crate) fn found<'a>(state: &'a State, name: &str) -> Result<&'a Database, Fault> {
    state.databases.get(name).ok_or_else(|| Fault::no_such(TYPE, name))
}

pub(crate) fn found_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Database, Fault> {
    state.databases.get_mut(name).ok_or_else(|| Fault::no_such(TYPE, name))
}

pub(crate) fn expect(database: &Database, name: &str, states: &[DatabaseState], to_be: &str) -> Result<(), Fault> {
    if states.contains(&database.state) && database.job.is_none() {
        return Ok(());
    }
    let state = database.state.name();
    Err(Fault::failed(format!("The database is not in a state in which it can be {to_be}: {name} is {state}")))
}

/// The state to show: a server that has died and is being started again is not `available`, whatever was written.
fn shown_state(service: &Service, database: &Database) -> DatabaseState {
    let should_run = database.state == DatabaseState::Available && database.job.is_none();
    if should_run && !service.hardware.database_runs(&database.id) { DatabaseState::Rebooting } else { database.state }
}

fn view(service: &Service, name: &str, database: &Database) -> Value {
    let bundle = catalog::database_bundle(&database.bundle_id).ok();
    let zone = &database.common.availability_zone;
    let standby = bundle.is_some_and(|bundle| bundle.is_high_availability);
    let standby = standby.then(|| service.zones().into_iter().find(|other| other != zone)).flatten();
    let retention_changes = database.wanted_backup_retention != database.backup_retention;
    let made = !matches!(database.state, DatabaseState::Creating);
    let restorable = database.backup_retention.then(|| service.hardware.latest_restorable(&database.id)).flatten();
    json!({
        "name": name,
        "arn": database.common.arn,
        "supportCode": database.common.support_code,
        "createdAt": operations::epoch(database.common.created_at),
        "location": { "availabilityZone": zone, "regionName": service.options.region },
        "resourceType": TYPE,
        "tags": database.common.tags,
        "relationalDatabaseBlueprintId": database.blueprint_id,
        "relationalDatabaseBundleId": database.bundle_id,
        "masterDatabaseName": database.master_database,
        "hardware": bundle.map(|bundle| json!({
            "cpuCount": bundle.cpus,
            "diskSizeInGb": bundle.disk_gb,
            "ramSizeInGb": bundle.ram_gb,
        })),
        "state": shown_state(service, database).name(),
        "secondaryAvailabilityZone": standby,
        "backupRetentionEnabled": database.backup_retention,
        "pendingModifiedValues": {
            "masterUserPassword": database.passwords.pending.as_ref().map(|_| "****"),
            "backupRetentionEnabled": retention_changes.then_some(database.wanted_backup_retention),
        },
        "latestRestorableTime": restorable.map(operations::epoch),
        "engine": "mysql",
        "engineVersion": database.engine_version,
        "masterUsername": database.master_username,
        "parameterApplyStatus": if database.pending_parameters.is_empty() { "in-sync" } else { "pending-reboot" },
        "preferredBackupWindow": database.backup_window,
        "preferredMaintenanceWindow": database.maintenance_window,
        "publiclyAccessible": database.publicly_accessible,
        "masterEndpoint": made.then(|| json!({ "port": database::PORT, "address": database.private_address })),
        "pendingMaintenanceActions": [],
        "caCertificateIdentifier": checks::CA_IDENTIFIER,
    })
}

/// Changes that wait for a maintenance window and whose window is open at `now`.
pub(crate) fn begin_due_maintenance(state: &mut State, now: Timestamp) -> Vec<work::Begun> {
    let mut begun = Vec::new();
    for (name, database) in &mut state.databases {
        let idle = database.state == DatabaseState::Available && database.job.is_none();
        if idle && database.waits_for_window && checks::is_open(&database.maintenance_window, now) {
            database.waits_for_window = false;
            database.state = DatabaseState::Modifying;
            let job = Job { work: DatabaseWork::Modify, operation: None };
            database.job = Some(job);
            begun.push((name.clone(), database.id.clone(), job));
        }
    }
    begun
}
