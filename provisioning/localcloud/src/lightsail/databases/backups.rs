//! The automatic backups of databases: made while the database runs, without anyone asking.

use std::sync::Arc;

use futures::future::join_all;

use super::events;
use crate::lightsail::{
    delays,
    service::Service,
    state::{Database, DatabaseState},
};

/// Backs up every database that is to be backed up, again and again, until the service closes.
pub(crate) async fn keep_backing_up(service: &Arc<Service>) {
    let every = delays::carry_every(service.options.time_factor);
    loop {
        tokio::time::sleep(every).await;
        let state = service.store.now();
        let wanted = |database: &Database| {
            let up = matches!(database.state, DatabaseState::Available | DatabaseState::BackingUp);
            up && database.backup_retention && service.hardware.database_runs(&database.id)
        };
        let wanted = state.databases.iter().filter(|(_, database)| wanted(database));
        join_all(wanted.map(async |(name, database)| {
            // Whoever works on it has the right of way; the log waits.
            let Some(_alone) = service.try_lock(&database.id) else { return };
            back_up(service, name, &database.id).await;
        }))
        .await;
    }
}

/// Carries off the log of a database, and copies its data if that is due. A failure is tried again the next time:
/// until then the latest restorable time stands still, which is where to see it.
pub(crate) async fn back_up(service: &Service, name: &str, id: &str) {
    let _alone = service.lock_backups(id).await;
    match service.hardware.back_up_database(id).await {
        Ok(false) => {}
        Ok(true) => {
            let tell = |state: &mut crate::lightsail::state::State| {
                if let Some(database) = state.databases.get_mut(name).filter(|database| database.id == id) {
                    events::push(database, "Backing up DB instance", "backup");
                    events::push(database, "Finished DB Instance backup", "backup");
                }
            };
            service.record(tell).await;
        }
        Err(failure) => tracing::warn!(database = name, error = %failure, "could not be backed up"),
    }
}
