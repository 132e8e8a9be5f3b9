//! The database's maintenance window: when an interruption of its service is least in the way.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

const DAY: i64 = 24 * 60;
const WEEK: i64 = 7 * DAY;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// A span of time that comes every week, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Its first minute, counted from Monday 00:00.
    from: i64,
    /// Minutes it lasts.
    lasts: i64,
}

impl Window {
    /// Reads `ddd:hh24:mi-ddd:hh24:mi`, as Lightsail writes it; `None` when it is something else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        Some(Self { from, lasts: (to - from).rem_euclid(WEEK) })
    }

    /// The one that is open, or the next to come: when it begins and ends.
    #[must_use]
    pub fn next(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        let since = self.since(now);
        let ahead = if since < self.lasts { -since } else { WEEK - since };
        let this_minute = now.as_second() - now.as_second().rem_euclid(60);
        let begins = Timestamp::from_second(this_minute + ahead * 60).unwrap_or(now);
        (begins, begins.saturating_add(SignedDuration::from_mins(self.lasts)).unwrap_or(begins))
    }

    /// Whether it is open.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.since(now) < self.lasts
    }

    /// Minutes since it began last.
    fn since(&self, now: Timestamp) -> i64 {
        let now = now.to_zoned(TimeZone::UTC);
        let day = i64::from(now.weekday().to_monday_zero_offset());
        let minute = day * DAY + i64::from(now.hour()) * 60 + i64::from(now.minute());
        (minute - self.from).rem_euclid(WEEK)
    }
}

fn minute(text: &str) -> Option<i64> {
    let mut parts = text.split(':');
    let (day, hour, minute) = (parts.next()?, parts.next()?.parse::<i64>().ok()?, parts.next()?.parse::<i64>().ok()?);
    let day = DAYS.iter().position(|known| *known == day)?;
    let is_right = parts.next().is_none() && (0..24).contains(&hour) && (0..60).contains(&minute);
    is_right.then_some(i64::try_from(day).ok()? * DAY + hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_window_that_is_open_or_comes_next() {
        let window = Window::parse("sun:23:45-mon:00:15").unwrap();
        // 2026-11-22 is a Sunday.
        for (now, begins, is_open) in [
            ("2026-11-22T23:44:59Z", "2026-11-22T23:45:00Z", false),
            ("2026-11-22T23:45:00Z", "2026-11-22T23:45:00Z", true),
            ("2026-11-23T00:14:59Z", "2026-11-22T23:45:00Z", true),
            ("2026-11-23T00:15:00Z", "2026-11-29T23:45:00Z", false),
        ] {
            assert_eq!(window.is_open(at(now)), is_open, "{now}");
            assert_eq!(window.next(at(now)).0, at(begins), "{now}");
        }
        assert_eq!(window.next(at("2026-11-23T00:00:00Z")).1, at("2026-11-23T00:15:00Z"));
    }

    #[test]
    fn what_is_no_window_is_none() {
        for text in
            ["", "sun:19:00", "sun:19:00-sun:24:00", "sunday:19:00-sun:19:30", "19:00-19:30", "sun:1:2:3-sun:1:9"]
        {
            assert_eq!(Window::parse(text), None, "{text}");
        }
    }
}
