//! The steps of a database's restore that touch the cloud, an instance or the journal.

use std::time::Duration;

use aws_sdk_lightsail::types::RelationalDatabaseSnapshot;
use jewel_aws::{Clients, DatabaseOrigin, DatabaseSecret, Databases, StackSpec, classify};
use jewel_journal::{ReplayOptions, Report};
use jiff::Timestamp;
use sqlx::types::time::OffsetDateTime;
use tokio::time::Instant;

use super::{Restore, Source};
use crate::{Database, Error, Reach, database, journal::Journal};

/// A database that was ordered lets somebody in within this; AWS promises nothing, and says "minutes".
const ENTERED: Duration = Duration::from_secs(45 * 60);
const POLL: Duration = Duration::from_secs(5);
/// Between two looks at a local cloud, whose minutes are short.
const QUICK_POLL: Duration = Duration::from_millis(500);

/// The API no longer runs on this instance, and does not come back by itself.
///
/// # Errors
/// When the instance does not do as it is told.
pub async fn stop_api(reach: &Reach<'_>) -> Result<(), Error> {
    Ok(jewel_host::stop(reach.session()).await?)
}

/// Ends all epochs of the journal; gives how many there are.
///
/// # Errors
/// [`Error::Fence`].
pub async fn fence(journal: &Journal) -> Result<usize, Error> {
    let ended = jewel_journal::fence(journal, 0, OffsetDateTime::now_utc()).await;
    Ok(ended.map_err(|source| Error::Fence { place: journal.place(), source })?.len())
}

/// Orders the database; does nothing when it is there.
///
/// # Errors
/// When Lightsail refuses.
pub async fn make_database(databases: &Databases<'_>, restore: &Restore) -> Result<(), Error> {
    let origin = match &restore.source {
        Source::Snapshot(name) => DatabaseOrigin::Snapshot(name.clone()),
        Source::PointInTime { database, at } => DatabaseOrigin::PointInTime { source: database.clone(), at: *at },
        Source::Backup(_) | Source::Nothing => DatabaseOrigin::Nothing,
        Source::Standing(_) => return Ok(()),
    };
    Ok(databases.make(&restore.target, &origin).await?)
}

/// Waits until the database lets us in, whatever its state is called: a restored one is being backed up for hours and
/// works meanwhile.
///
/// # Errors
/// [`Error::NotThere`], or what Lightsail says of a database that failed.
pub async fn await_login(
    databases: &Databases<'_>,
    reach: &Reach<'_>,
    name: &str,
    is_local: bool,
    on_state: &mut (dyn FnMut(&str) + Send),
) -> Result<Database, Error> {
    let ends = Instant::now() + ENTERED;
    loop {
        let sight = databases.sight(name).await?;
        let mut last = sight.map_or_else(|| "it is not listed".to_owned(), |sight| sight.state);
        on_state(&last);
        // Before it has an address there is no password either.
        match databases.login(name).await {
            Ok(Some(secret)) => match enter(reach, secret).await {
                Ok(database) => return Ok(database),
                Err(error) => last = format!("{last}; {error}"),
            },
            Ok(None) => {}
            Err(error) => last = format!("{last}; {error}"),
        }
        if Instant::now() >= ends {
            return Err(Error::NotThere { what: format!("database {name}"), within: ENTERED, last });
        }
        tokio::time::sleep(if is_local { QUICK_POLL } else { POLL }).await;
    }
}

async fn enter(reach: &Reach<'_>, secret: DatabaseSecret) -> Result<Database, Error> {
    let database = database::open_as(reach, secret).await?;
    let mut connection = database.connect().await?;
    database.asked("asking for one row", sqlx::raw_sql("SELECT 1").fetch_one(&mut connection).await)?;
    Ok(database)
}

/// Puts everything that was acknowledged and is not in the database into it.
///
/// # Errors
/// [`Error::Replay`].
pub async fn replay(journal: &Journal, database: &Database, contents_of: Option<Timestamp>) -> Result<Report, Error> {
    let from = match contents_of {
        Some(time) => journal.first_epoch_for(time).await?,
        None => 0,
    };
    let mut connection = database.connect().await?;
    let options = ReplayOptions { from, accept_gaps: false };
    let replayed = jewel_journal::replay(&mut connection, journal, options).await;
    let failed = |source| {
        let database = database.secret().resource.clone();
        Error::Replay { place: journal.place(), database, source: Box::new(source) }
    };
    replayed.map_err(failed)
}

/// Lets the database play the role.
///
/// # Errors
/// When the secret cannot be written.
pub async fn put_database_in_use(databases: &Databases<'_>, database: &Database) -> Result<(), Error> {
    Ok(databases.put_in_use(database.secret()).await?)
}

/// The snapshots of any of the shop's databases that are whole, each with the time it was taken; the oldest first.
///
/// # Errors
/// When Lightsail refuses.
pub async fn snapshots(clients: &Clients, spec: &StackSpec) -> Result<Vec<(String, Timestamp)>, Error> {
    let names = jewel_aws::Names::new(spec);
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let sent = clients.lightsail.get_relational_database_snapshots().set_page_token(token).send().await;
        let page = sent.map_err(|error| classify("list the snapshots of databases", error))?;
        all.extend(page.relational_database_snapshots().iter().filter_map(|one| whole(&names, one)));
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            all.sort_by_key(|(_, at)| *at);
            return Ok(all);
        }
    }
}

fn whole(names: &jewel_aws::Names, snapshot: &RelationalDatabaseSnapshot) -> Option<(String, Timestamp)> {
    let source = snapshot.from_relational_database_name()?;
    let is_ours = names.number("db", source).is_some() && snapshot.state() == Some("available");
    let at = Timestamp::from_second(snapshot.created_at()?.secs()).ok()?;
    is_ours.then(|| snapshot.name().map(|name| (name.to_owned(), at)))?
}
