//! Snapshots as a shop keeps them: named after the moment they show, waited for, made of daily ones, and thinned out.

mod window;

use std::time::Duration;

use jewel_aws::{Databases, SnapshotOf, SnapshotSight, Snapshots};
use jewel_backup::retention::{Copy, Keep, Reason, decide};
use jewel_engine::Failure;
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use tokio::time::Instant;

pub use window::Window;

use crate::Error;

/// A snapshot is whole within this; AWS promises nothing, and says "minutes".
const WHOLE: Duration = Duration::from_secs(60 * 60);
const POLL: Duration = Duration::from_secs(5);
/// Between two looks at a local cloud, whose minutes are short.
const QUICK_POLL: Duration = Duration::from_millis(200);

/// How a name tells its moment, UTC.
const STAMP: &str = "%Y%m%dT%H%M%S";

/// What a snapshot is called that shows `source` as it was at `at`.
#[must_use]
pub fn name(source: &str, at: Timestamp) -> String {
    format!("{source}-{}", at.strftime(STAMP))
}

/// The moment that a snapshot shows: its name tells it, because a copy is younger than that. Of one with another name it
/// is the time when it was made.
#[must_use]
pub fn shows(sight: &SnapshotSight) -> Timestamp {
    let stamp = sight.name.strip_prefix(&sight.source).and_then(|rest| rest.strip_prefix('-'));
    let told = stamp.and_then(|stamp| DateTime::strptime(STAMP, stamp).ok());
    told.and_then(|told| told.to_zoned(TimeZone::UTC).ok()).map_or(sight.created_at, |told| told.timestamp())
}

/// Whether a snapshot of a database with this bundle stops it meanwhile; one of a high availability plan is taken of the
/// standby.
///
/// Source: the Lightsail user guide, "Creating a snapshot of your database".
#[must_use]
pub fn interrupts(bundle: &str) -> bool {
    !bundle.contains("_ha_")
}

/// Waits until a snapshot can be restored.
///
/// # Errors
/// [`Error::NotThere`], or that Lightsail could not make it.
pub async fn await_whole(
    snapshots: &Snapshots<'_>,
    of: &SnapshotOf,
    name: &str,
    is_local: bool,
    on_state: &mut (dyn FnMut(&str) + Send),
) -> Result<SnapshotSight, Error> {
    let ends = Instant::now() + WHOLE;
    loop {
        let sight = snapshots.sight(of, name).await?;
        let last = match sight {
            Some(sight) if sight.is_whole() => return Ok(sight),
            Some(sight) if has_failed(&sight) => {
                return Err(Failure::permanent(format!("take snapshot {name}"), "Lightsail could not make it").into());
            }
            Some(sight) => sight.state,
            None => "it is not listed".to_owned(),
        };
        on_state(&last);
        if Instant::now() >= ends {
            return Err(Error::NotThere { what: format!("snapshot {name}"), within: WHOLE, last });
        }
        tokio::time::sleep(if is_local { QUICK_POLL } else { POLL }).await;
    }
}

/// Waits until nothing is being done to a database: only then a snapshot can be taken of it, and only then it answers
/// again where that stopped it.
///
/// # Errors
/// [`Error::NotThere`], also when the database is gone.
pub async fn await_database(
    databases: &Databases<'_>,
    name: &str,
    is_local: bool,
    on_state: &mut (dyn FnMut(&str) + Send),
) -> Result<(), Error> {
    let ends = Instant::now() + WHOLE;
    loop {
        let last = match databases.sight(name).await? {
            Some(sight) if sight.state == "available" => return Ok(()),
            Some(sight) => sight.state,
            None => return Err(Failure::permanent(format!("wait for database {name}"), "it is gone").into()),
        };
        on_state(&last);
        if Instant::now() >= ends {
            return Err(Error::NotThere { what: format!("database {name}"), within: WHOLE, last });
        }
        tokio::time::sleep(if is_local { QUICK_POLL } else { POLL }).await;
    }
}

/// Why a snapshot stays, or that it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// A rule says so.
    Rule(Reason),
    /// It does not carry our tags: somebody else made it.
    NotOurs,
    /// It is being made.
    Unfinished,
    /// It could not be made, and holds nothing.
    Failed,
}

impl Why {
    /// Whether it stays.
    #[must_use]
    pub fn keeps(self) -> bool {
        match self {
            Self::Rule(reason) => reason.keeps(),
            Self::NotOurs | Self::Unfinished => true,
            Self::Failed => false,
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rule(reason) => write!(f, "{reason}"),
            Self::NotOurs => f.write_str("it does not carry our tags"),
            Self::Unfinished => f.write_str("it is being made"),
            Self::Failed => f.write_str("it could not be made, and holds nothing"),
        }
    }
}

/// Decides about each snapshot, the newest first. Those of each role are counted on their own, whatever generation they
/// are of; as long as there is a whole one of a role, one stays.
#[must_use]
pub fn thin_out(all: Vec<SnapshotSight>, keep: Keep, now: Timestamp) -> Vec<(SnapshotSight, Why)> {
    let mut roles: Vec<SnapshotOf> = Vec::new();
    for sight in &all {
        if !roles.contains(&sight.of) {
            roles.push(sight.of.clone());
        }
    }
    let counts = |sight: &SnapshotSight| sight.is_ours && sight.is_whole();
    let mut decided: Vec<(SnapshotSight, Why)> = Vec::new();
    for role in &roles {
        let copies = all.iter().filter(|sight| sight.of == *role && counts(sight));
        let copies = copies.map(|sight| Copy { what: sight, at: shows(sight), good: true });
        let ruled = decide(copies, keep, now);
        decided.extend(ruled.into_iter().map(|one| (one.what.clone(), Why::Rule(one.reason))));
    }
    let others = all.iter().filter(|sight| !counts(sight));
    decided.extend(others.map(|sight| (sight.clone(), why_uncounted(sight))));
    decided.sort_by_key(|(sight, _)| std::cmp::Reverse(shows(sight)));
    decided
}

fn why_uncounted(sight: &SnapshotSight) -> Why {
    match sight.is_ours {
        false => Why::NotOurs,
        true if has_failed(sight) => Why::Failed,
        true => Why::Unfinished,
    }
}

fn has_failed(sight: &SnapshotSight) -> bool {
    matches!(sight.state.as_str(), "failed" | "error")
}

/// Whether none of the snapshots that are kept of this shows a moment of the last `within`.
#[must_use]
pub fn is_due(kept: &[SnapshotSight], of: &SnapshotOf, now: Timestamp, within: SignedDuration) -> bool {
    let counts = |sight: &&SnapshotSight| sight.of == *of && sight.is_ours && sight.is_whole();
    !kept.iter().filter(counts).any(|sight| now.duration_since(shows(sight)) < within)
}

#[cfg(test)]
mod tests {
    use jewel_aws::Machine;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn sight(of: SnapshotOf, shown: &str) -> SnapshotSight {
        let source = format!("shop-prod-{}-1", of.role());
        SnapshotSight {
            name: name(&source, at(shown)),
            of,
            source,
            created_at: at("2026-11-22T00:00:00Z"),
            state: "available".into(),
            gb: Some(40),
            is_ours: true,
        }
    }

    #[test]
    fn a_name_tells_its_moment_and_any_other_the_time_of_its_making() {
        let one = sight(SnapshotOf::Database, "2026-11-20T03:04:05Z");
        assert_eq!(one.name, "shop-prod-db-1-20261120T030405");
        assert_eq!(shows(&one), at("2026-11-20T03:04:05Z"));
        for other in ["mine", "shop-prod-db-1-before-the-sale", "shop-prod-db-1-20269920T030405"] {
            assert_eq!(shows(&SnapshotSight { name: other.into(), ..one.clone() }), one.created_at, "{other}");
        }
    }

    #[test]
    fn roles_are_counted_apart_and_what_is_not_ours_stays() {
        let days = ["2026-11-19T03:00:00Z", "2026-11-20T03:00:00Z", "2026-11-21T03:00:00Z"];
        let machine = SnapshotOf::Instance(Machine::numbered(1));
        let mut all: Vec<SnapshotSight> = days.map(|day| sight(SnapshotOf::Database, day)).into();
        all.push(sight(machine, days[0]));
        all.push(SnapshotSight { name: "by-hand".into(), is_ours: false, ..all[0].clone() });
        all.push(SnapshotSight { name: "now".into(), state: "creating".into(), ..all[0].clone() });
        all.push(SnapshotSight { name: "never".into(), state: "failed".into(), ..all[0].clone() });
        let keep = Keep { daily: 2, weekly: 0, monthly: 0 };
        let decided = thin_out(all, keep, at("2026-11-22T12:00:00Z"));
        let going: Vec<&str> =
            decided.iter().filter(|(_, why)| !why.keeps()).map(|(sight, _)| sight.name.as_str()).collect();
        assert_eq!(decided.len(), 7);
        assert_eq!(going, ["never", "shop-prod-db-1-20261119T030000"]);
    }

    #[test]
    fn a_daily_one_is_kept_once_a_week() {
        let machine = SnapshotOf::Instance(Machine::numbered(1));
        let week = SignedDuration::from_hours(7 * 24);
        let due = |kept: &[SnapshotSight]| is_due(kept, &machine, at("2026-11-22T21:00:00Z"), week);
        assert!(due(&[]) && due(&[sight(machine.clone(), "2026-11-15T20:00:00Z")]));
        assert!(!due(&[sight(machine.clone(), "2026-11-15T21:00:01Z")]));
        let unmarked = SnapshotSight { is_ours: false, ..sight(machine.clone(), "2026-11-21T20:00:00Z") };
        assert!(due(&[unmarked, sight(SnapshotOf::Database, "2026-11-22T20:00:00Z")]));
    }
}
