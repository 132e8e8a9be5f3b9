//! `CreateRelationalDatabaseFromSnapshot`: a new database from a snapshot, or from another one's backups as of a moment.
//!
//! It is another database: name, address and password are new, and whoever used the old one must be told. What the
//! documentation does not say is carried over is not: parameters, windows, tags and public accessibility are those of
//! any new database (RDS gives a restored one its default parameters; of Lightsail nobody says).

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{TYPE, checks, found, work};
use crate::{
    database::Origin,
    lightsail::{
        catalog,
        fault::Fault,
        manual_snapshots::{self, Of, usable},
        operations::{self, About, Status},
        passwords,
        service::{Service, check_names_free, random_hex},
        state::{Database, DatabaseState, DatabaseWork, Job, Passwords, State, Tag},
        tags,
    },
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateFrom {
    relational_database_name: String,
    availability_zone: Option<String>,
    #[serde(default)]
    publicly_accessible: bool,
    relational_database_snapshot_name: Option<String>,
    relational_database_bundle_id: Option<String>,
    source_relational_database_name: Option<String>,
    restore_time: Option<f64>,
    #[serde(default)]
    use_latest_restorable_time: bool,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(crate) async fn create(service: &Arc<Service>, request: CreateFrom) -> Result<Value, Fault> {
    let name = request.relational_database_name;
    checks::name(&name)?;
    let zone = request.availability_zone.unwrap_or_else(|| service.zones()[0].clone());
    service.check_zone(&zone)?;
    let tags = tags::checked(request.tags)?;
    let windows = checks::Windows::new(None, None)?;
    let asked = Asked {
        snapshot: request.relational_database_snapshot_name,
        database: request.source_relational_database_name,
        time: request.restore_time.map(moment).transpose()?,
        latest: request.use_latest_restorable_time,
    };
    let version = service.hardware.engine_version().await;
    let engine_version = version.map_err(|failure| Fault::service(failure.to_string()))?;
    let (operation, begun) = service
        .store
        .change(|state| {
            check_names_free(state, std::slice::from_ref(&name))?;
            let from = asked.found(service, state)?;
            let bundle_id = request.relational_database_bundle_id.unwrap_or_else(|| from.bundle_id.clone());
            check_bundle(&bundle_id, &from.bundle_id)?;
            let common = service.common(TYPE, &format!("ls-{}", random_hex(32)), &zone, tags);
            let about = About::new(&name, TYPE, &common);
            let kind = Some(work::operation_type(DatabaseWork::Restore));
            let operation = operations::begin(state, &about, kind, Status::NotStarted);
            let job = Job { work: DatabaseWork::Restore, operation: Some(operation.id) };
            let id = format!("d-{}", random_hex(12));
            let begun = (name.clone(), id.clone(), job);
            let database = Database {
                id,
                blueprint_id: from.blueprint_id,
                bundle_id,
                engine_version,
                private_address: service.take_private_address(state)?,
                master_database: from.master_database,
                master_username: from.master_username,
                passwords: Passwords { current: passwords::made(), previous: None, pending: None },
                backup_window: windows.backup,
                maintenance_window: windows.maintenance,
                publicly_accessible: request.publicly_accessible,
                wanted_backup_retention: true,
                backup_retention: true,
                waits_for_window: false,
                parameters: BTreeMap::new(),
                pending_parameters: BTreeMap::new(),
                origin: Some((from.origin, from.words)),
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

/// What the request says of where the data is.
struct Asked {
    snapshot: Option<String>,
    database: Option<String>,
    time: Option<Timestamp>,
    latest: bool,
}

/// What is known of it.
struct From {
    origin: Origin,
    /// As RDS says it in an event.
    words: String,
    blueprint_id: String,
    bundle_id: String,
    master_database: String,
    master_username: String,
}

impl Asked {
    fn found(&self, service: &Service, state: &State) -> Result<From, Fault> {
        match (&self.snapshot, &self.database, self.time, self.latest) {
            (Some(name), None, None, false) => of_snapshot(state, name),
            (None, Some(name), Some(_), false) | (None, Some(name), None, true) => {
                of_backups(service, state, name, self.time)
            }
            _ => Err(Fault::invalid(
                "Give either relationalDatabaseSnapshotName, or sourceRelationalDatabaseName with restoreTime or \
                 useLatestRestorableTime.",
            )),
        }
    }
}

fn of_snapshot(state: &State, name: &str) -> Result<From, Fault> {
    let snapshot = usable(state, manual_snapshots::databases::TYPE, name)?;
    let Of::Database { master_database, master_username, .. } = &snapshot.of else {
        return Err(Fault::no_such(manual_snapshots::databases::TYPE, name));
    };
    Ok(From {
        origin: Origin::Snapshot(snapshot.id.clone()),
        words: format!("Restored from snapshot {name}"),
        blueprint_id: snapshot.source.blueprint_id.clone(),
        bundle_id: snapshot.source.bundle_id.clone(),
        master_database: master_database.clone(),
        master_username: master_username.clone(),
    })
}

fn of_backups(service: &Service, state: &State, name: &str, time: Option<Timestamp>) -> Result<From, Fault> {
    let database = found(state, name)?;
    let latest = database.backup_retention.then(|| service.hardware.latest_restorable(&database.id)).flatten();
    let Some(latest) = latest else {
        return Err(Fault::invalid(format!("The database has no automatic backups to restore from: {name}")));
    };
    if let Some(time) = time.filter(|time| *time >= latest) {
        return Err(Fault::invalid(format!(
            "The restore time must be before the latest restorable time: {time} is not before {latest}"
        )));
    }
    Ok(From {
        origin: Origin::Backups { of: database.id.clone(), until: time },
        words: format!("Restored from DB instance {name} to {}", time.unwrap_or(latest)),
        blueprint_id: database.blueprint_id.clone(),
        bundle_id: database.bundle_id.clone(),
        master_database: database.master_database.clone(),
        master_username: database.master_username.clone(),
    })
}

/// The same size or a larger one, with or without high availability.
fn check_bundle(wanted: &str, source: &str) -> Result<(), Fault> {
    let (wanted, source) = (catalog::database_bundle(wanted)?, catalog::database_bundle(source)?);
    if wanted.disk_gb < source.disk_gb || wanted.ram_gb < source.ram_gb {
        return Err(Fault::invalid(format!(
            "The bundle must be the same as that of the source or larger: {} is smaller than {}",
            wanted.id, source.id
        )));
    }
    Ok(())
}

/// Seconds since 1970, as requests say times.
pub(super) fn moment(seconds: f64) -> Result<Timestamp, Fault> {
    let whole = (seconds * 1000.0).round();
    let invalid = || Fault::invalid(format!("The time is not valid: {seconds}"));
    // Wider than any time there is, and within what a float says exactly.
    if !(0.0..1e15).contains(&whole) {
        return Err(invalid());
    }
    Timestamp::from_millisecond(whole as i64).map_err(|_| invalid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_may_grow_and_change_its_availability_but_not_shrink() {
        check_bundle("micro_2_0", "micro_2_0").unwrap();
        check_bundle("micro_ha_2_0", "micro_2_0").unwrap();
        check_bundle("small_2_0", "micro_ha_2_0").unwrap();
        assert!(check_bundle("micro_2_0", "small_2_0").is_err());
    }

    #[test]
    fn moments_are_seconds_with_fractions() {
        assert_eq!(moment(1_538_424_000.25).unwrap().as_millisecond(), 1_538_424_000_250);
        for bad in [-1.0, f64::NAN, f64::INFINITY, 1e18] {
            assert!(moment(bad).is_err());
        }
    }
}
