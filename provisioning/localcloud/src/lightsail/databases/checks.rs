//! What the documentation of `CreateRelationalDatabase` demands and the model does not: names, users, time windows.

use jiff::{Timestamp, tz::TimeZone};

use crate::lightsail::{fault::Fault, model::clock};

/// The certificate authority every database has; RDS's current one.
pub(crate) const CA_IDENTIFIER: &str = "rds-ca-rsa2048-g1";

/// Where RDS puts the windows of this region if it is not told; it picks at random, this does not.
const DEFAULT_BACKUP: &str = "16:00-16:30";
const DEFAULT_MAINTENANCE: &str = "sun:18:00-sun:18:30";

const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
const AT_LEAST: u32 = 30;
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Names that RDS keeps for itself or MySQL cannot do without.
const RESERVED_USERS: [&str; 8] =
    ["rdsadmin", "root", "mysql", "admin_rds", "rdsrepladmin", "public", "select", "user_rds"];
const RESERVED_DATABASES: [&str; 5] = ["mysql", "sys", "information_schema", "performance_schema", "innodb"];

pub(crate) fn name(name: &str) -> Result<(), Fault> {
    let alphanumeric = |c: char| c.is_ascii_alphanumeric();
    let shape = name.starts_with(alphanumeric) && name.ends_with(alphanumeric);
    let characters = name.chars().all(|c| alphanumeric(c) || c == '-');
    if shape && characters && (2..=255).contains(&name.len()) {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "The database name is not valid: '{name}'. Names have 2 to 255 letters, digits and hyphens, and begin and end with \
         a letter or digit."
    )))
}

pub(crate) fn master_database(name: &str) -> Result<(), Fault> {
    word("masterDatabaseName", name, 64, &RESERVED_DATABASES)
}

pub(crate) fn master_username(name: &str) -> Result<(), Fault> {
    word("masterUsername", name, 16, &RESERVED_USERS)
}

fn word(field: &str, text: &str, at_most: usize, reserved: &[&str]) -> Result<(), Fault> {
    let shape = text.starts_with(|c: char| c.is_ascii_alphabetic());
    let characters = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !shape || !characters || text.len() > at_most {
        return Err(Fault::invalid(format!(
            "The {field} is not valid: '{text}'. It has 1 to {at_most} letters, digits and underscores, and begins with a letter."
        )));
    }
    if reserved.iter().any(|word| word.eq_ignore_ascii_case(text)) {
        return Err(Fault::invalid(format!("The {field} is a reserved word: {text}")));
    }
    Ok(())
}

/// The two windows of a database, in UTC, checked against each other.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Windows {
    /// `hh24:mi-hh24:mi`, every day.
    pub(crate) backup: String,
    /// `ddd:hh24:mi-ddd:hh24:mi`, every week.
    pub(crate) maintenance: String,
}

impl Windows {
    pub(crate) fn new(backup: Option<String>, maintenance: Option<String>) -> Result<Self, Fault> {
        let backup = backup.unwrap_or_else(|| DEFAULT_BACKUP.to_owned());
        let maintenance = maintenance.unwrap_or_else(|| DEFAULT_MAINTENANCE.to_owned()).to_ascii_lowercase();
        let (backup_start, backup_length) = daily(&backup)
            .ok_or_else(|| Fault::invalid(format!("The backup window is not valid (hh24:mi-hh24:mi): {backup}")))?;
        let (start, length) = weekly(&maintenance).ok_or_else(|| {
            Fault::invalid(format!("The maintenance window is not valid (ddd:hh24:mi-ddd:hh24:mi): {maintenance}"))
        })?;
        for (what, length) in [("backup", backup_length), ("maintenance", length)] {
            if length < AT_LEAST {
                return Err(Fault::invalid(format!("The {what} window must be at least {AT_LEAST} minutes.")));
            }
        }
        let overlap = (0..7).map(|day| day * DAY + backup_start).any(|backup| {
            let after = |from: u32, to: u32| (to + WEEK - from) % WEEK;
            after(backup, start) < backup_length || after(start, backup) < length
        });
        if overlap {
            return Err(Fault::invalid("The backup window and the maintenance window must not overlap."));
        }
        Ok(Self { backup, maintenance })
    }
}

/// Whether a maintenance window is open. One that makes no sense never is.
pub(crate) fn is_open(window: &str, now: Timestamp) -> bool {
    let Some((start, length)) = weekly(window) else { return false };
    let now = now.to_zoned(TimeZone::UTC);
    let day = u32::try_from(now.weekday().to_monday_zero_offset()).unwrap_or_default();
    let minute = day * DAY + u32::from(now.hour().unsigned_abs()) * 60 + u32::from(now.minute().unsigned_abs());
    (minute + WEEK - start) % WEEK < length
}

/// Start and length, in minutes of the day.
fn daily(window: &str) -> Option<(u32, u32)> {
    let (from, to) = window.split_once('-')?;
    let (from, to) = (clock(from)?, clock(to)?);
    Some((from, (to + DAY - from) % DAY))
}

/// Start and length, in minutes of the week.
fn weekly(window: &str) -> Option<(u32, u32)> {
    let (from, to) = window.split_once('-')?;
    let minute = |text: &str| {
        let (day, time) = text.split_once(':')?;
        let day = DAYS.iter().position(|known| known.eq_ignore_ascii_case(day))?;
        Some(u32::try_from(day).ok()? * DAY + clock(time)?)
    };
    let (from, to) = (minute(from)?, minute(to)?);
    Some((from, (to + WEEK - from) % WEEK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn windows(backup: &str, maintenance: &str) -> Result<Windows, String> {
        Windows::new(Some(backup.to_owned()), Some(maintenance.to_owned())).map_err(|fault| fault.message)
    }

    #[test]
    fn the_default_windows_are_valid() {
        Windows::new(None, None).unwrap();
    }

    #[test]
    fn windows_may_cross_midnight_and_the_week() {
        windows("23:45-00:20", "Sun:23:00-Mon:00:00").unwrap_err();
        windows("23:45-00:20", "Sun:22:00-Sun:22:30").unwrap();
        windows("10:00-10:30", "Sun:23:50-Mon:00:20").unwrap();
    }

    #[test]
    fn windows_that_overlap_or_are_short_or_unreadable_are_refused() {
        for (backup, maintenance) in [
            ("16:00-16:30", "tue:16:15-tue:16:45"),
            ("16:00-18:00", "tue:16:30-tue:17:00"),
            ("16:30-17:00", "tue:16:00-tue:18:00"),
            ("16:00-16:29", "tue:18:00-tue:18:30"),
            ("16:00-16:30", "tue:18:00-tue:18:10"),
            ("4pm-5pm", "tue:18:00-tue:18:30"),
            ("16:00-16:30", "tuesday:18:00-tue:18:30"),
            ("24:00-00:30", "tue:18:00-tue:18:30"),
        ] {
            assert!(windows(backup, maintenance).is_err(), "{backup} {maintenance}");
        }
        windows("16:00-16:30", "tue:16:30-tue:17:00").unwrap();
    }

    #[test]
    fn a_window_is_open_when_the_clock_is_in_it() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // 2026-11-22 is a Sunday.
        assert!(is_open("sun:18:00-sun:18:30", at("2026-11-22T18:00:00Z")));
        assert!(is_open("sun:23:50-mon:00:20", at("2026-11-23T00:19:59Z")));
        assert!(!is_open("sun:18:00-sun:18:30", at("2026-11-22T18:30:00Z")));
        assert!(!is_open("sun:18:00-sun:18:30", at("2026-11-21T18:10:00Z")));
    }

    #[test]
    fn names_are_what_aws_takes() {
        for good in ["shop-prod-db-1", "ab"] {
            name(good).unwrap();
        }
        for bad in ["a", "-ab", "ab-", "a_b", "a b"] {
            assert!(name(bad).is_err(), "{bad}");
        }
        master_username("shop_admin").unwrap();
        for bad in ["", "1a", "a-b", "abcdefghijklmnopq", "rdsadmin", "ROOT", "a'b"] {
            assert!(master_username(bad).is_err(), "{bad}");
        }
        master_database("shop").unwrap();
        for bad in ["", "1a", "a`b", "mysql"] {
            assert!(master_database(bad).is_err(), "{bad}");
        }
    }
}
