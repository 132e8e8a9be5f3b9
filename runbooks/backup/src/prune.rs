//! Clearing away what no rule keeps, and what was left of backups that were never finished.

use jiff::{SignedDuration, Timestamp};

use crate::{
    Error, Event,
    list::{self, State, Summary},
    manifest::NAME,
    retention::{self, Copy, Decision, Keep},
    store::Store,
};

/// A backup without a manifest may be in the making for so long.
const UNFINISHED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What is to become of what is in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Backups, newest first.
    pub decisions: Vec<Decision<String>>,
    /// What was begun more than a day ago and never finished: it goes.
    pub leftovers: Vec<String>,
    /// What is damaged or not to be believed: it stays until somebody has looked.
    pub doubtful: Vec<String>,
}

impl Plan {
    /// Decides about what [`list`](list::list) found. Nothing is done yet.
    pub fn new(summaries: &[Summary], keep: Keep, now: Timestamp) -> Self {
        let mut plan = Self { decisions: Vec::new(), leftovers: Vec::new(), doubtful: Vec::new() };
        let mut copies = Vec::new();
        for Summary { id, state, .. } in summaries {
            match state {
                State::Complete(manifest) => {
                    copies.push(Copy { what: id.clone(), at: manifest.at, good: manifest.shrunk.is_empty() });
                }
                State::Damaged(..) | State::Distrusted(_) => plan.doubtful.push(id.clone()),
                State::Unfinished if begun(id).is_some_and(|at| now.duration_since(at) > UNFINISHED_FOR) => {
                    plan.leftovers.push(id.clone());
                }
                State::Unfinished => {}
            }
        }
        plan.decisions = retention::decide(copies, keep, now);
        plan
    }

    /// What goes.
    pub fn going(&self) -> impl Iterator<Item = &str> {
        let expired = self.decisions.iter().filter(|decision| !decision.reason.keeps()).map(|one| one.what.as_str());
        expired.chain(self.leftovers.iter().map(String::as_str))
    }
}

/// Does what a plan says. Killed meanwhile it has made whole backups into leftovers, and no backup into a damaged one.
///
/// # Errors
/// When the store cannot be read or written.
pub async fn prune(store: &impl Store, plan: &Plan, on_event: &mut (dyn FnMut(Event) + Send)) -> Result<(), Error> {
    for id in plan.going() {
        let names = list::objects(store, id).await?;
        // The manifest first: what lacks something is no backup from then on.
        let manifest = names.keys().filter(|name| *name == NAME);
        for name in manifest.chain(names.keys().filter(|name| *name != NAME)) {
            let key = format!("{id}/{name}");
            store.delete(&key).await.map_err(Error::store(key))?;
        }
        on_event(Event::Deleted { id: id.to_owned(), objects: names.len() });
    }
    Ok(())
}

/// When it was begun, which its name says.
fn begun(id: &str) -> Option<Timestamp> {
    let (time, _) = id.split_once('-')?;
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%.fZ", time).ok()?;
    Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_still_be_in_the_making_stays() {
        let unfinished = |id: &str| Summary { id: id.into(), objects: 1, bytes: 1, state: State::Unfinished };
        let there = ["20260303T030000Z-00000000", "20260301T030000.250Z-00000000", "somebody-else"].map(unfinished);
        let plan = Plan::new(&there, Keep::default(), "2026-03-03T05:00:00Z".parse().unwrap());
        assert_eq!(plan.going().collect::<Vec<_>>(), ["20260301T030000.250Z-00000000"]);
    }
}
