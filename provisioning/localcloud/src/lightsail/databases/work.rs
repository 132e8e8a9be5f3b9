//! What happens to a database after a request was answered: servers are made, started, changed, stopped and erased.
//!
//! The state says what was begun. Everything the servers do is idempotent, so work that was cut off is done again.

use std::{sync::Arc, time::Duration};

use secrecy::ExposeSecret as _;

use super::events;
use crate::{
    database::{Master, Origin, ServerSpec},
    lightsail::{
        catalog, delays,
        hardware::Failure,
        manual_snapshots::SnapshotState,
        operations::{self, Status},
        service::Service,
        state::{Database, DatabaseState, DatabaseWork, Job, State},
    },
};

/// The operation type of each kind of work, in the model's words.
pub(crate) fn operation_type(work: DatabaseWork) -> &'static str {
    match work {
        DatabaseWork::Create => "CreateRelationalDatabase",
        DatabaseWork::Restore => "CreateRelationalDatabaseFromSnapshot",
        DatabaseWork::Snapshot => "CreateRelationalDatabaseSnapshot",
        DatabaseWork::Start => "StartRelationalDatabase",
        DatabaseWork::Stop => "StopRelationalDatabase",
        DatabaseWork::Reboot => "RebootRelationalDatabase",
        DatabaseWork::Modify => "UpdateRelationalDatabase",
        DatabaseWork::Parameters => "UpdateRelationalDatabaseParameters",
        DatabaseWork::Delete => "DeleteRelationalDatabase",
    }
}

/// Plans the work that a service finds when it is opened: what was cut off, and starting what ran.
pub(crate) fn resume(state: &mut State) {
    for database in state.databases.values_mut().filter(|database| database.job.is_none()) {
        match database.state {
            DatabaseState::Available | DatabaseState::BackingUp => database.state = DatabaseState::Starting,
            // It may well start now that something else on this machine has changed.
            DatabaseState::IncompatibleParameters => {}
            _ => continue,
        }
        database.job = Some(Job { work: DatabaseWork::Start, operation: None });
    }
}

/// Work on one database: its name, its id (a name may be given again), and what was begun.
pub(crate) type Begun = (String, String, Job<DatabaseWork>);

/// All work the state says was begun.
pub(crate) fn all_begun(state: &State) -> Vec<Begun> {
    let begun = |(name, database): (&String, &Database)| Some((name.clone(), database.id.clone(), database.job?));
    state.databases.iter().filter_map(begun).collect()
}

/// Does it in the background, after what is already being done with the same database.
pub(crate) fn begin(service: &Arc<Service>, (name, id, job): Begun) {
    let shared = service.clone();
    service.spawn(async move { run(&shared, &name, &id, job).await });
}

async fn run(service: &Arc<Service>, name: &str, id: &str, job: Job<DatabaseWork>) {
    let _alone = service.lock(id).await;
    // Whoever held the lock may have changed what there is to do; a deletion that came later has its own run.
    let now = service.store.now();
    let Some(database) = now.databases.get(name).filter(|database| database.id == id && database.job == Some(job))
    else {
        let overtaken = "The database was deleted before the operation began.";
        if let Some(operation) = job.operation {
            service.record(|state| operations::mark(state, operation, Status::Failed, Some(overtaken))).await;
        }
        return;
    };
    service.mark(job.operation, Status::Started).await;
    // Work of the service's own has no counterpart on AWS, so there is nothing to be as slow as.
    let usual = job.operation.map(|_| delays::usual(operation_type(job.work))).unwrap_or_default();
    let (outcome, ()) = tokio::join!(perform(service, &now, database, job.work), service.pace(usual));
    if let Err(failure) = &outcome {
        tracing::error!(database = name, work = operation_type(job.work), error = %failure, "failed");
    }
    let first_backup = match job.work {
        DatabaseWork::Create => delays::FIRST_BACKUP,
        DatabaseWork::Restore => delays::BACKUP_AFTER_RESTORE,
        _ => Duration::ZERO,
    };
    let backs_up = !delays::scaled(first_backup, service.options.time_factor).is_zero();
    service.record(|state| finish(state, name, id, job, &outcome, backs_up)).await;
    if backs_up && outcome.is_ok() {
        service.pace(first_backup).await;
        service.record(|state| end_first_backup(state, name, id)).await;
    }
}

async fn perform(service: &Service, state: &State, database: &Database, work: DatabaseWork) -> Result<(), Failure> {
    let (hardware, id) = (&service.hardware, database.id.as_str());
    match work {
        DatabaseWork::Create => {
            hardware.create_database(&spec(database, false), &master(database)).await?;
            back_up_first(service, database).await;
            Ok(())
        }
        DatabaseWork::Restore => {
            if let Some((origin, _)) = &database.origin {
                let _kept = match origin {
                    Origin::Snapshot(snapshot) => service.lock(snapshot).await,
                    Origin::Backups { of, .. } => service.lock_backups(of).await,
                };
                hardware.gather_database(id, origin).await?;
            }
            hardware.restore_database(&spec(database, false), &master(database)).await?;
            back_up_first(service, database).await;
            Ok(())
        }
        DatabaseWork::Snapshot => {
            let bundle = catalog::database_bundle(&database.bundle_id);
            let standby = bundle.is_ok_and(|bundle| bundle.is_high_availability);
            if standby {
                hardware.start_database(&spec(database, false)).await?;
                return take_due(service, state, database).await;
            }
            hardware.stop_database(id).await?;
            let taken = take_due(service, state, database).await;
            hardware.start_database(&spec(database, false)).await.and(taken)
        }
        DatabaseWork::Start => {
            hardware.start_database(&spec(database, true)).await?;
            // A password that was being set when the service was killed is one of the two: make it the one that is said.
            set_password(service, database).await
        }
        DatabaseWork::Stop => {
            hardware.stop_database(id).await?;
            take_due(service, state, database).await
        }
        DatabaseWork::Reboot => {
            hardware.stop_database(id).await?;
            hardware.start_database(&spec(database, true)).await
        }
        DatabaseWork::Modify => {
            // After a kill the server is down and the password still pending: starting it is then part of the work.
            hardware.start_database(&spec(database, false)).await?;
            set_password(service, database).await?;
            change_backups(service, database).await
        }
        // A server that does not run gets them with its command line.
        DatabaseWork::Parameters if !hardware.database_runs(id) => {
            hardware.start_database(&spec(database, false)).await
        }
        DatabaseWork::Parameters => {
            for (name, value) in &database.parameters {
                if crate::database::parameters::find(name).is_some_and(|parameter| parameter.is_dynamic) {
                    hardware.set_parameter(id, name, value).await?;
                }
            }
            Ok(())
        }
        DatabaseWork::Delete => {
            hardware.stop_database(id).await?;
            take_due(service, state, database).await?;
            hardware.destroy_database(id).await?;
            erase_backups(service, id).await
        }
    }
}

/// Takes the snapshot that the work is to make, if there is one.
async fn take_due(service: &Service, state: &State, database: &Database) -> Result<(), Failure> {
    let due = database.snapshot_due.as_ref().and_then(|name| state.snapshots.get(name));
    match due {
        Some(snapshot) => service.hardware.snapshot_database(&database.id, &snapshot.id).await,
        None => Ok(()),
    }
}

/// Makes the first copy before anyone can log in, so that the database can be restored from its first moment on.
async fn back_up_first(service: &Service, database: &Database) {
    if database.wanted_backup_retention {
        let _alone = service.lock_backups(&database.id).await;
        if let Err(failure) = service.hardware.back_up_database(&database.id).await {
            tracing::warn!(database = database.id, error = %failure, "the first backup is still to be made");
        }
    }
}

/// Without retention there are no backups: all there were go, as on Lightsail. With it there is one at once.
async fn change_backups(service: &Service, database: &Database) -> Result<(), Failure> {
    match (database.backup_retention, retention_now(database)) {
        (true, false) => erase_backups(service, &database.id).await,
        (false, true) => {
            back_up_first(service, database).await;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn erase_backups(service: &Service, id: &str) -> Result<(), Failure> {
    let _alone = service.lock_backups(id).await;
    service.hardware.erase_backups(id).await
}

fn master(database: &Database) -> Master {
    Master {
        user: database.master_username.clone(),
        password: database.passwords.current.value.clone(),
        database: database.master_database.clone(),
    }
}

async fn set_password(service: &Service, database: &Database) -> Result<(), Failure> {
    let Some(pending) = &database.passwords.pending else { return Ok(()) };
    service.hardware.set_master_password(&database.id, &database.master_username, &pending.value).await
}

/// How the server is to run now. A restart takes up what waits for one; anything else leaves the server's command line
/// as it is, unless the backup retention changes.
fn spec(database: &Database, takes_up_pending: bool) -> ServerSpec {
    let mut parameters = database.parameters.clone();
    if takes_up_pending {
        parameters.extend(database.pending_parameters.clone());
    }
    ServerSpec {
        id: database.id.clone(),
        address: database.private_address,
        binary_log: retention_now(database),
        parameters,
    }
}

fn retention_now(database: &Database) -> bool {
    if database.waits_for_window { database.backup_retention } else { database.wanted_backup_retention }
}

/// Writes down how the work went. The database may have been given other work meanwhile (its deletion); then only the
/// operation is marked.
fn finish(
    state: &mut State,
    name: &str,
    id: &str,
    job: Job<DatabaseWork>,
    outcome: &Result<(), Failure>,
    backs_up: bool,
) {
    if let Some(operation) = job.operation {
        match outcome {
            Ok(()) => operations::mark(state, operation, Status::Succeeded, None),
            Err(failure) => operations::mark(state, operation, Status::Failed, Some(&failure.to_string())),
        }
    }
    let ours = |database: &&mut Database| database.id == id && database.job == Some(job);
    let Some(database) = state.databases.get_mut(name).filter(ours) else { return };
    database.job = None;
    if outcome.is_ok() {
        events::push_done(database, job.work, job.operation.is_some());
    }
    if let Some(snapshot) = database.snapshot_due.take().and_then(|due| state.snapshots.get_mut(&due)) {
        snapshot.state = if outcome.is_ok() { SnapshotState::Available } else { SnapshotState::Failed };
    }
    match (job.work, outcome) {
        (DatabaseWork::Delete, Ok(())) => {
            state.databases.remove(name);
        }
        (DatabaseWork::Stop, Ok(())) => database.state = DatabaseState::Stopped,
        (work, Ok(())) => {
            if matches!(work, DatabaseWork::Start | DatabaseWork::Reboot) {
                let pending = std::mem::take(&mut database.pending_parameters);
                database.parameters.extend(pending);
            }
            database.backup_retention = retention_now(database);
            database.origin = None;
            if let Some(pending) = database.passwords.pending.take() {
                let current = std::mem::replace(&mut database.passwords.current, pending);
                let same = current.value.expose_secret() == database.passwords.current.value.expose_secret();
                database.passwords.previous = if same { database.passwords.previous.take() } else { Some(current) };
            }
            database.state = if backs_up { DatabaseState::BackingUp } else { DatabaseState::Available };
        }
        (DatabaseWork::Create | DatabaseWork::Restore | DatabaseWork::Delete, Err(_)) => {
            database.state = DatabaseState::Failed;
        }
        // It may run or not; what is shown goes by whether it answers.
        (DatabaseWork::Stop | DatabaseWork::Snapshot, Err(_)) => database.state = DatabaseState::Available,
        (DatabaseWork::Modify, Err(_)) => {
            database.passwords.pending = None;
            database.state = DatabaseState::Available;
        }
        (DatabaseWork::Start | DatabaseWork::Reboot | DatabaseWork::Parameters, Err(_)) => {
            database.state = DatabaseState::IncompatibleParameters;
        }
    }
}

fn end_first_backup(state: &mut State, name: &str, id: &str) {
    let backing_up = |database: &&mut Database| database.id == id && database.state == DatabaseState::BackingUp;
    if let Some(database) = state.databases.get_mut(name).filter(backing_up) {
        database.state = DatabaseState::Available;
    }
}
