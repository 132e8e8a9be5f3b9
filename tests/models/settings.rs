//! Every setting of a shop, with a value to be provisioned first and one to be changed to. A setting is one line.

use std::fmt::Write as _;
use std::path::Path;

pub(crate) use Turn::{Changed, First};

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Turn {
    First,
    Changed,
}

/// Section, key, the first value, the changed one. What is fixed once it exists is not changed.
const SETTINGS: &[(&str, &str, &str, &str)] = &[
    ("", "project", "'shop'", "'shop'"),
    ("", "domain", "'permata.example'", "'shop.permata.example'"),
    ("", "dns_zone", "'create'", "'existing'"),
    ("alerts", "emails", "['owner@example.com', 'night@example.com']", "['owner@example.com', 'day@example.com']"),
    ("api", "instances", "2", "1"),
    ("api", "throttle_rate", "100.0", "50.0"),
    ("api", "throttle_burst", "200", "90"),
    ("budget", "monthly_usd", "95.0", "100.0"),
    ("ci", "repository", "'maison/permata'", "'maison/shop'"),
    ("database", "backup_window", "'18:00-18:30'", "'17:00-17:30'"),
    ("database", "maintenance_window", "'sun:19:00-sun:19:30'", "'mon:19:00-mon:19:30'"),
    ("edge", "plan", "'free'", "'pay-as-you-go'"),
    ("payments", "methods", "['cash_on_delivery']", "['bank_transfer', 'cash_on_delivery']"),
    ("payments", "bank_details", "'DBS 003-9'", "'DBS 003-9'"),
    ("shipping", "standard", "{ price_minor = 800 }", "{ price_minor = 900 }"),
    ("snapshots", "hour_utc", "20", "21"),
    ("tax", "percent", "9.0", "8.25"),
    ("users", "callback_urls", "['http://localhost:5173/']", "['https://example.com/after']"),
    ("users", "groups", "['admins', 'staff']", "['admins', 'staff', 'goldsmiths']"),
    ("users", "logout_urls", "['http://localhost:5173/']", "['https://example.com/']"),
    ("users", "self_sign_up", "true", "false"),
];

/// Writes `jewel.toml`.
pub(crate) fn write(folder: &Path, turn: Turn) {
    let mut text = String::new();
    let mut open = "";
    for (section, key, first, changed) in SETTINGS {
        if *section != open {
            let _ = writeln!(text, "[{section}]");
            open = section;
        }
        let _ = writeln!(text, "{key} = {}", if turn == Changed { changed } else { first });
    }
    fs_err::write(folder.join("jewel.toml"), text).expect("the folder is writable");
}
