//! Which of many copies to keep: the newest of each of the last days, weeks and months that have one.
//!
//! It is pure, and knows nothing of what is kept: backups and snapshots are both things with a time.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// How many to keep of each kind. Days, weeks and months without a copy are not counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// The newest of each of so many days.
    pub daily: usize,
    /// The newest of each of so many weeks, which begin on Monday.
    pub weekly: usize,
    /// The newest of each of so many months.
    pub monthly: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Self { daily: 7, weekly: 4, monthly: 12 }
    }
}

/// Something that may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy<T> {
    /// What it is.
    pub what: T,
    /// The moment that it shows.
    pub at: Timestamp,
    /// Whether it is believed to restore everything. One that is not is kept beside the others and never instead of them.
    pub good: bool,
}

/// Why something is kept, or that it goes. Days, weeks and months are those of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is the newest of this day.
    Daily(Date),
    /// It is the newest of the week that begins on this day.
    Weekly(Date),
    /// It is the newest of the month that begins on this day.
    Monthly(Date),
    /// It is the last good one.
    LastGood,
    /// It is doubtful and not older than the last good one: somebody should look at it.
    Doubtful,
    /// It says that it is of a time to come: a clock was wrong, or somebody made it up.
    Future,
    /// Nothing asks for it.
    Expired,
}

impl Reason {
    /// Whether it is kept.
    pub fn keeps(self) -> bool {
        self != Self::Expired
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Daily(day) => write!(formatter, "the newest of {day}"),
            Self::Weekly(monday) => write!(formatter, "the newest of the week of {monday}"),
            Self::Monthly(first) => write!(formatter, "the newest of {}", first.strftime("%B %Y")),
            Self::LastGood => formatter.write_str("the last good one"),
            Self::Doubtful => formatter.write_str("much smaller than the one before it; look at it first"),
            Self::Future => formatter.write_str("its time is yet to come; look at it first"),
            Self::Expired => formatter.write_str("no rule keeps it"),
        }
    }
}

/// What becomes of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<T> {
    /// Which.
    pub what: T,
    /// The moment that it shows.
    pub at: Timestamp,
    /// Why it stays, or that it goes.
    pub reason: Reason,
}

/// Decides about each, newest first. As long as there is a good one, at least one good one is kept, whatever the rules.
pub fn decide<T>(copies: impl IntoIterator<Item = Copy<T>>, keep: Keep, now: Timestamp) -> Vec<Decision<T>> {
    let mut copies: Vec<Copy<T>> = copies.into_iter().collect();
    copies.sort_by_key(|copy| std::cmp::Reverse(copy.at));
    let last_good = copies.iter().filter(|copy| copy.good && copy.at <= now).map(|copy| copy.at).next();
    let (mut days, mut weeks, mut months) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut last_good_is_kept = false;
    let mut reason = |copy: &Copy<T>| {
        if copy.at > now {
            return Reason::Future;
        }
        if !copy.good {
            let newer = last_good.is_none_or(|good| copy.at >= good);
            return if newer { Reason::Doubtful } else { Reason::Expired };
        }
        let day = copy.at.to_zoned(TimeZone::UTC).date();
        let monday = week_of(day);
        let first = day.first_of_month();
        // Each rule counts on its own, so that the newest of today may be the newest of its month as well.
        let (daily, weekly, monthly) = (
            newest_of(&mut days, day, keep.daily),
            newest_of(&mut weeks, monday, keep.weekly),
            newest_of(&mut months, first, keep.monthly),
        );
        let reason = match (daily, weekly, monthly) {
            (true, ..) => Reason::Daily(day),
            (_, true, _) => Reason::Weekly(monday),
            (_, _, true) => Reason::Monthly(first),
            _ if !last_good_is_kept => Reason::LastGood,
            _ => Reason::Expired,
        };
        last_good_is_kept = true;
        reason
    };
    let reasons: Vec<Reason> = copies.iter().map(&mut reason).collect();
    copies.into_iter().zip(reasons).map(|(Copy { what, at, .. }, reason)| Decision { what, at, reason }).collect()
}

/// Whether this is the first of its period to be seen, and the period is one of the newest so many.
fn newest_of(seen: &mut BTreeSet<Date>, period: Date, most: usize) -> bool {
    seen.len() < most && seen.insert(period)
}

fn week_of(day: Date) -> Date {
    let days_since_monday = i64::from(day.weekday().to_monday_zero_offset());
    day.saturating_sub(jiff::Span::new().days(days_since_monday))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn good(what: &str) -> Copy<&str> {
        Copy { what, at: at(what), good: true }
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_stays_and_says_why() {
        let times = [
            "2026-03-04T03:00:00Z",
            "2026-03-04T01:00:00Z",
            "2026-03-03T03:00:00Z",
            "2026-03-01T03:00:00Z",
            "2026-02-20T03:00:00Z",
            "2026-02-19T03:00:00Z",
            "2026-01-31T03:00:00Z",
            "2025-12-31T03:00:00Z",
        ];
        let keep = Keep { daily: 2, weekly: 3, monthly: 3 };
        let decisions = decide(times.map(good), keep, at("2026-03-04T04:00:00Z"));
        let said: Vec<String> =
            decisions.iter().map(|one| format!("{} {} {}", one.what, one.reason.keeps(), one.reason)).collect();
        let expected = [
            "2026-03-04T03:00:00Z true the newest of 2026-03-04",
            "2026-03-04T01:00:00Z false no rule keeps it",
            "2026-03-03T03:00:00Z true the newest of 2026-03-03",
            "2026-03-01T03:00:00Z true the newest of the week of 2026-02-23",
            "2026-02-20T03:00:00Z true the newest of the week of 2026-02-16",
            "2026-02-19T03:00:00Z false no rule keeps it",
            "2026-01-31T03:00:00Z true the newest of January 2026",
            "2025-12-31T03:00:00Z false no rule keeps it",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_doubtful_one_neither_counts_nor_goes_before_somebody_looked() {
        let copies = [
            Copy { good: false, ..good("2026-03-04T00:00:00Z") },
            good("2026-03-03T00:00:00Z"),
            Copy { good: false, ..good("2026-03-02T00:00:00Z") },
        ];
        let none = Keep { daily: 0, weekly: 0, monthly: 0 };
        let reasons: Vec<Reason> =
            decide(copies, none, at("2026-03-05T00:00:00Z")).iter().map(|one| one.reason).collect();
        assert_eq!(reasons, [Reason::Doubtful, Reason::LastGood, Reason::Expired]);
    }

    proptest! {
        #[test]
        fn a_good_one_always_stays_and_deciding_again_changes_nothing(
            times in prop::collection::vec((0i64..200 * 86_400, any::<bool>()), 0..40),
            daily in 0usize..4, weekly in 0usize..4, monthly in 0usize..4, now in 0i64..250 * 86_400,
        ) {
            let now = Timestamp::from_second(now).unwrap();
            let keep = Keep { daily, weekly, monthly };
            let copies: Vec<Copy<(i64, bool)>> = times.iter()
                .map(|(second, good)| Copy { what: (*second, *good), at: Timestamp::from_second(*second).unwrap(), good: *good })
                .collect();
            let kept: Vec<Copy<(i64, bool)>> = decide(copies.clone(), keep, now).into_iter()
                .filter(|one| one.reason.keeps())
                .map(|one| Copy { what: one.what, at: one.at, good: one.what.1 })
                .collect();
            prop_assert_eq!(copies.iter().any(|one| one.good), kept.iter().any(|one| one.good));
            prop_assert!(decide(kept, keep, now).iter().all(|one| one.reason.keeps()));
        }
    }
}
