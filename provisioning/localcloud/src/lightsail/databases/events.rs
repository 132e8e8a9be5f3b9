//! What happened to a database, in RDS's words ("Amazon RDS event categories and event messages" in its user guide).
//! They go with the database.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::found;
use crate::lightsail::{
    fault::Fault,
    operations::epoch,
    paging,
    service::Service,
    state::{Database, DatabaseWork},
};

/// How many of a database are remembered; fourteen days of a busy one.
const REMEMBERED: usize = 500;

/// The model's documentation: an hour if nothing is said, fourteen days at most.
const MINUTES: std::ops::RangeInclusive<i64> = 1..=14 * 24 * 60;
const DEFAULT_MINUTES: i64 = 60;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) message: String,
    pub(crate) category: String,
}

/// Notes an event.
pub(crate) fn push(database: &mut Database, message: &str, category: &str) {
    database.events.push(Event { at: Timestamp::now(), message: message.to_owned(), category: category.to_owned() });
    let surplus = database.events.len().saturating_sub(REMEMBERED);
    database.events.drain(..surplus);
}

/// Notes that work on the database has succeeded; what the database is still to become tells which.
pub(crate) fn push_done(database: &mut Database, work: DatabaseWork, for_the_user: bool) {
    const CHANGED: &str = "configuration change";
    let retention = (database.backup_retention, database.wanted_backup_retention && !database.waits_for_window);
    match work {
        DatabaseWork::Create => push(database, "DB instance created", "creation"),
        DatabaseWork::Restore => {
            let from = database.origin.as_ref().map(|(_, words)| words.clone()).unwrap_or_default();
            push(database, &from, "restoration");
        }
        DatabaseWork::Snapshot => {
            push(database, "Creating manual snapshot", "creation");
            push(database, "Manual snapshot created", "creation");
        }
        DatabaseWork::Start if for_the_user => push(database, "DB instance started", "notification"),
        DatabaseWork::Start | DatabaseWork::Reboot => {
            push(database, "DB instance shutdown", "availability");
            push(database, "DB instance restarted", "availability");
        }
        DatabaseWork::Stop => push(database, "DB instance stopped", "notification"),
        DatabaseWork::Modify if database.passwords.pending.is_some() => {
            push(database, "Reset master credentials", CHANGED);
        }
        DatabaseWork::Modify if retention == (false, true) => push(database, "Automatic backups enabled", CHANGED),
        DatabaseWork::Modify if retention == (true, false) => push(database, "Automatic backups disabled", CHANGED),
        DatabaseWork::Modify => push(database, "Finished applying modification to DB instance", CHANGED),
        DatabaseWork::Parameters => push(database, "Finished updating DB parameter group", CHANGED),
        DatabaseWork::Delete => push(database, "DB instance deleted", "deletion"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    relational_database_name: String,
    duration_in_minutes: Option<i64>,
    page_token: Option<String>,
}

/// Oldest first.
pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.relational_database_name;
    let database = found(&state, name)?;
    let minutes = request.duration_in_minutes.unwrap_or(DEFAULT_MINUTES);
    if !MINUTES.contains(&minutes) {
        let (least, most) = (MINUTES.start(), MINUTES.end());
        return Err(Fault::invalid(format!("durationInMinutes must be between {least} and {most}: {minutes}")));
    }
    let since = Timestamp::now() - SignedDuration::from_mins(minutes);
    let recent = database.events.iter().enumerate().filter(|(_, event)| event.at >= since);
    let views = recent.map(|(index, event)| {
        let view = json!({
            "resource": name,
            "createdAt": epoch(event.at),
            "message": event.message,
            "eventCategories": [event.category],
        });
        // Two may share a time; the index keeps their order.
        (format!("{:020} {index:04}", event.at.as_microsecond()), view)
    });
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "relationalDatabaseEvents": page.items, "nextPageToken": page.next }))
}
