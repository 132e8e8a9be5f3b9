//! Automatic snapshots of instances: one a day in the hour that the add-on says, the last seven kept.
//!
//! They belong to the instance and go with it; `CopySnapshot` makes a manual one of one of them. A day on which the
//! service was not up in that hour has none, and a day has one at most.

use std::{sync::Arc, time::Duration};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    fault::Fault,
    manual_snapshots::{self, instances::check_can_be_taken},
    model,
    operations::{self, About, epoch},
    service::Service,
    state::{Instance, State},
};

const TYPE: &str = "Instance";

/// How many are kept, as on AWS.
const KEPT: usize = 7;

/// How often the clock is looked at. AWS takes them within 45 minutes.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Automatic {
    /// Names the copy on disk.
    pub(crate) id: String,
    /// `YYYY-MM-DD`, in UTC.
    pub(crate) date: String,
    pub(crate) created_at: Timestamp,
    pub(crate) status: AutomaticStatus,
}

/// In the model's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AutomaticStatus {
    InProgress,
    Success,
    Failed,
}

/// Which of them a request means.
pub(crate) enum Which {
    Latest,
    OfDate(String),
}

impl Which {
    /// # Errors
    /// When both are asked for, or the date is not one.
    pub(crate) fn asked(restore_date: Option<String>, latest: bool) -> Result<Option<Self>, Fault> {
        match (restore_date, latest) {
            (Some(_), true) => {
                Err(Fault::invalid("restoreDate and useLatestRestorableAutoSnapshot exclude each other."))
            }
            (Some(date), false) if model::is_date(&date) => Ok(Some(Self::OfDate(date))),
            (Some(date), false) => Err(Fault::invalid(format!("The date must be in YYYY-MM-DD format: {date}"))),
            (None, true) => Ok(Some(Self::Latest)),
            (None, false) => Ok(None),
        }
    }
}

/// The automatic snapshot of the instance that is meant.
///
/// # Errors
/// When there is none that is whole.
pub(crate) fn chosen<'a>(name: &str, instance: &'a Instance, which: &Which) -> Result<&'a Automatic, Fault> {
    let mut whole = instance.auto_snapshots.iter().filter(|one| one.status == AutomaticStatus::Success);
    let (found, what) = match which {
        Which::Latest => (whole.max_by(|a, b| a.date.cmp(&b.date)), "automatic snapshot".to_owned()),
        Which::OfDate(date) => (whole.find(|one| one.date == *date), format!("automatic snapshot of {date}")),
    };
    found.ok_or_else(|| Fault::not_found(format!("The instance has no {what}: {name}")))
}

/// Whether one is being taken, which keeps manual ones out.
pub(crate) fn is_being_taken(instance: &Instance) -> bool {
    instance.auto_snapshots.iter().any(|one| one.status == AutomaticStatus::InProgress)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    resource_name: String,
}

/// Newest first.
pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let (state, name) = (service.store.now(), request.resource_name);
    let instance = state.instances.get(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
    let view = |one: &Automatic| {
        json!({
            "date": one.date,
            "createdAt": epoch(one.created_at),
            "status": one.status,
            "fromAttachedDisks": [],
        })
    };
    let views: Vec<Value> = instance.auto_snapshots.iter().rev().map(view).collect();
    Ok(json!({ "resourceName": name, "resourceType": TYPE, "autoSnapshots": views }))
}

#[derive(Deserialize)]
pub(crate) struct Delete {
    #[serde(rename = "resourceName")]
    resource_name: String,
    date: String,
}

pub(crate) async fn delete(service: &Arc<Service>, request: Delete) -> Result<Value, Fault> {
    let Delete { resource_name: name, date } = request;
    let (operation, id) = service
        .store
        .change(|state| {
            let instance = state.instances.get_mut(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
            let found = instance.auto_snapshots.iter().position(|one| one.date == date);
            let found = found
                .ok_or_else(|| Fault::not_found(format!("The instance has no automatic snapshot of {date}: {name}")))?;
            if instance.auto_snapshots[found].status == AutomaticStatus::InProgress {
                return Err(Fault::failed(format!("The automatic snapshot of {date} is being taken: {name}")));
            }
            let id = instance.auto_snapshots.remove(found).id;
            let common = instance.common.clone();
            let about = About::new(&name, TYPE, &common);
            // The model has no operation type of its own for it.
            let details = format!("DeleteAutoSnapshot-{date}");
            Ok((operations::done(state, &about, "DeleteInstanceSnapshot", Some(&details)), id))
        })
        .await?;
    erase(service, &id).await;
    Ok(operations::answer(service, &[operation]))
}

/// Takes them when it is time, until the service closes.
pub(crate) async fn keep_taking(service: &Arc<Service>) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = Timestamp::now();
        for (name, instance) in &service.store.now().instances {
            if is_due(instance, now)
                && let Err(fault) = take_now(service, name, None).await
            {
                tracing::warn!(instance = name, error = %fault, "no automatic snapshot was taken");
            }
        }
    }
}

/// Takes up again what was cut off.
pub(crate) fn resume(service: &Arc<Service>, state: &State) {
    for (name, instance) in &state.instances {
        let unfinished = instance.auto_snapshots.iter().filter(|one| one.status == AutomaticStatus::InProgress);
        for one in unfinished {
            let (shared, name, instance_id, id) = (service.clone(), name.clone(), instance.id.clone(), one.id.clone());
            service.spawn(async move { take(&shared, &name, &instance_id, &id).await });
        }
    }
}

/// Takes one now, as that of `date` or of today; what there was of that day is replaced by it.
///
/// # Errors
/// When the instance can have none now, or it could not be taken.
pub(crate) async fn take_now(service: &Arc<Service>, name: &str, date: Option<&str>) -> Result<(), Fault> {
    if let Some(date) = date.filter(|date| !model::is_date(date)) {
        return Err(Fault::invalid(format!("The date must be in YYYY-MM-DD format: {date}")));
    }
    let (now, id) = (Timestamp::now(), manual_snapshots::new_id());
    let begun = service.store.change(|state| {
        let instance = state.instances.get_mut(name).ok_or_else(|| Fault::no_such(TYPE, name))?;
        check_can_be_taken(name, instance)?;
        if instance.auto_snapshot.is_none() {
            return Err(Fault::failed(format!("Automatic snapshots are not enabled: {name}")));
        }
        if is_being_taken(instance) {
            return Err(Fault::failed(format!("An automatic snapshot is being taken of {name}.")));
        }
        let date = date.map_or_else(|| today(now), str::to_owned);
        instance.auto_snapshots.push(Automatic {
            id: id.clone(),
            date,
            created_at: now,
            status: AutomaticStatus::InProgress,
        });
        Ok(instance.id.clone())
    });
    let instance_id = begun.await?;
    take(service, name, &instance_id, &id).await;
    let state = service.store.now();
    let taken = state.instances.get(name).and_then(|instance| instance.auto_snapshots.iter().find(|one| one.id == id));
    match taken {
        Some(Automatic { status: AutomaticStatus::Success, .. }) => Ok(()),
        _ => Err(Fault::failed(format!("The automatic snapshot of {name} failed; the log of the cloud says why."))),
    }
}

async fn take(service: &Arc<Service>, name: &str, instance_id: &str, id: &str) {
    let outcome = {
        let _alone = service.lock(instance_id).await;
        service.hardware.snapshot_machine(instance_id, id).await
    };
    if let Err(failure) = &outcome {
        tracing::error!(instance = name, error = %failure, "the automatic snapshot failed");
    }
    let before = service.store.now();
    service
        .record(|state| {
            let instance = state.instances.get_mut(name).filter(|instance| instance.id == instance_id);
            if let Some(instance) = instance {
                settle(&mut instance.auto_snapshots, id, outcome.is_ok());
            }
        })
        .await;
    // Whatever is not listed any more is erased, this one too if its instance has gone meanwhile.
    let after = service.store.now();
    let listed = |id: &str| after.instances.values().flat_map(|one| &one.auto_snapshots).any(|one| one.id == id);
    let known = before.instances.get(name).map(|instance| &instance.auto_snapshots).into_iter().flatten();
    for gone in known.map(|one| one.id.as_str()).chain([id]).filter(|id| !listed(id)) {
        erase(service, gone).await;
    }
}

/// Writes down how it went, and drops what is replaced or too many. A failure replaces nothing.
fn settle(all: &mut Vec<Automatic>, id: &str, taken: bool) {
    let Some(this) = all.iter_mut().find(|one| one.id == id) else { return };
    this.status = if taken { AutomaticStatus::Success } else { AutomaticStatus::Failed };
    let date = this.date.clone();
    if taken {
        all.retain(|one| one.id == id || one.date != date);
    }
    all.sort_by(|a, b| a.date.cmp(&b.date));
    let surplus = all.len().saturating_sub(KEPT);
    all.drain(..surplus);
}

async fn erase(service: &Service, id: &str) {
    let _alone = service.lock(id).await;
    if let Err(failure) = service.hardware.erase_snapshot(id).await {
        tracing::error!(snapshot = id, error = %failure, "could not be erased; the next start tries again");
    }
}

/// Whether it is the hour of the add-on, and today has none yet.
fn is_due(instance: &Instance, now: Timestamp) -> bool {
    let Some(add_on) = &instance.auto_snapshot else { return false };
    let hour = now.to_zoned(TimeZone::UTC).hour();
    let its_hour = add_on.time_of_day.split(':').next().and_then(|hour| hour.parse().ok()) == Some(hour);
    its_hour && !instance.auto_snapshots.iter().any(|one| one.date == today(now))
}

fn today(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn automatic(id: &str, date: &str, status: AutomaticStatus) -> Automatic {
        Automatic { id: id.to_owned(), date: date.to_owned(), created_at: Timestamp::UNIX_EPOCH, status }
    }

    #[test]
    fn the_last_seven_days_are_kept_one_of_each() {
        let mut all: Vec<Automatic> = (10..17)
            .map(|day| automatic(&format!("s-{day}"), &format!("2026-11-{day}"), AutomaticStatus::Success))
            .collect();
        all.push(automatic("again", "2026-11-16", AutomaticStatus::InProgress));
        settle(&mut all, "again", true);
        assert_eq!((all.len(), all[6].id.as_str()), (7, "again"));
        all.push(automatic("next", "2026-11-17", AutomaticStatus::InProgress));
        settle(&mut all, "next", true);
        assert_eq!((all.len(), all[0].date.as_str(), all[6].id.as_str()), (7, "2026-11-11", "next"));
    }

    #[test]
    fn a_failure_replaces_nothing() {
        let mut all = vec![
            automatic("good", "2026-11-16", AutomaticStatus::Success),
            automatic("bad", "2026-11-16", AutomaticStatus::InProgress),
        ];
        settle(&mut all, "bad", false);
        assert_eq!(all.len(), 2);
        assert_eq!(all[1].status, AutomaticStatus::Failed);
    }
}
