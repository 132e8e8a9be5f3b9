//! Migrations on the shop's private database, through the instance. What a migration is, `jewel-migrations` knows.

use std::time::Duration;

use jewel_migrations::{Change, Event, Findings, Migration, Report, Status, UpOptions};

use crate::{Database, Error, Reach, database};

/// Which migrations are applied and which are pending. Never writes.
///
/// # Errors
/// When the database cannot be reached or its history be read.
pub async fn status(reach: &Reach<'_>, migrations: &[Migration]) -> Result<Status, Error> {
    status_of(&database::open(reach).await?, migrations).await
}

/// As [`status`], of a database that need not be the one in use.
///
/// # Errors
/// As [`status`].
pub async fn status_of(database: &Database, migrations: &[Migration]) -> Result<Status, Error> {
    let mut connection = database.connect().await?;
    Ok(jewel_migrations::status_with(&mut connection, migrations).await?)
}

/// Applies what is pending, as the master user and on a connection of its own; how far a long statement is, is asked on
/// another one.
///
/// # Errors
/// When the database cannot be reached or a migration fails; running it again goes on where it stopped.
pub async fn up(
    database: &Database,
    migrations: &[Migration],
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let mut connection = database.connect().await?;
    // Progress is a comfort: a server that has no connection left for it still gets its schema.
    let mut second = database.connect().await.ok();
    Ok(jewel_migrations::up_with(&mut connection, second.as_mut(), migrations, options, on_event).await?)
}

/// What [`repair`] would set. Never writes.
///
/// # Errors
/// When the database cannot be reached, or `findings` contradict its history.
pub async fn plan_repair(
    reach: &Reach<'_>,
    migrations: &[Migration],
    findings: &Findings,
) -> Result<Vec<Change>, Error> {
    let database = database::open(reach).await?;
    let mut connection = database.connect().await?;
    Ok(jewel_migrations::plan_repair(&mut connection, migrations, findings).await?)
}

/// Sets exactly what was consented to.
///
/// # Errors
/// When the database cannot be reached, another migrator works, or the history changed since.
pub async fn repair(
    reach: &Reach<'_>,
    migrations: &[Migration],
    findings: &Findings,
    consented: &[Change],
    lock_timeout: Duration,
) -> Result<(), Error> {
    let database = database::open(reach).await?;
    let mut connection = database.connect().await?;
    Ok(jewel_migrations::repair(&mut connection, migrations, findings, consented, lock_timeout).await?)
}
