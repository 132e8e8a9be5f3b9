//! Migrations on the shop's private database, through the instance. What a migration is, `jewel-migrations` knows.

use jewel_migrations::{Event, Report, Status, UpOptions};

use crate::{Error, Reach, database};

/// Which migrations are applied and which are pending. Never writes.
///
/// # Errors
/// When the database cannot be reached or its history be read.
pub async fn status(reach: &Reach<'_>) -> Result<Status, Error> {
    let database = database::open(reach).await?;
    let mut connection = database.connect().await?;
    Ok(jewel_migrations::status(&mut connection).await?)
}

/// Applies what is pending, as the master user and on a connection of its own.
///
/// # Errors
/// When the database cannot be reached or a migration fails; running it again goes on where it stopped.
pub async fn up(
    reach: &Reach<'_>,
    options: &UpOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let database = database::open(reach).await?;
    let mut connection = database.connect().await?;
    Ok(jewel_migrations::up(&mut connection, options, on_event).await?)
}
