//! The server variables that the owner of a database may set, and what they may be set to.
//!
//! Names, types and ranges are those of RDS's default parameter groups for MySQL 8.0, without what neither family has in
//! common. Knows no server: values are checked here and applied elsewhere.

/// One variable.
#[derive(Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) values: Values,
    /// Takes effect in the running server; otherwise at the next reboot.
    pub(crate) is_dynamic: bool,
    pub(crate) is_modifiable: bool,
    /// What our servers are started with; none where it is the server's own default.
    pub(crate) default: Option<&'static str>,
    pub(crate) description: &'static str,
}

/// What a variable may be set to.
#[derive(Debug)]
pub(crate) enum Values {
    Boolean,
    Integer(u64, u64),
    /// Up to this many seconds, with fractions.
    Seconds(u64),
    OneOf(&'static [&'static str]),
    /// Any subset, separated by commas.
    SomeOf(&'static [&'static str]),
    /// `UTC` or an offset such as `+08:00`: the servers carry no table of named zones.
    TimeZone,
}

use Values::{Boolean, Integer, OneOf, Seconds, SomeOf, TimeZone};

const SQL_MODES: &[&str] = &[
    "ALLOW_INVALID_DATES",
    "ANSI_QUOTES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "HIGH_NOT_PRECEDENCE",
    "IGNORE_SPACE",
    "NO_AUTO_VALUE_ON_ZERO",
    "NO_BACKSLASH_ESCAPES",
    "NO_ENGINE_SUBSTITUTION",
    "NO_UNSIGNED_SUBTRACTION",
    "NO_ZERO_DATE",
    "NO_ZERO_IN_DATE",
    "ONLY_FULL_GROUP_BY",
    "PAD_CHAR_TO_FULL_LENGTH",
    "PIPES_AS_CONCAT",
    "REAL_AS_FLOAT",
    "STRICT_ALL_TABLES",
    "STRICT_TRANS_TABLES",
];

/// Sorted by name.
#[rustfmt::skip]
pub(crate) const TABLE: &[Parameter] = &[
    at_reboot("back_log", Integer(1, 65_535), "How many connection requests may be outstanding."),
    dynamic("binlog_cache_size", Integer(4096, 1 << 30), "Memory for the changes of one transaction before they are written to the binary log."),
    dynamic("character_set_server", OneOf(&["ascii", "latin1", "utf8mb3", "utf8mb4"]), "The server's default character set.").starting_at("utf8mb4"),
    dynamic("connect_timeout", Integer(2, 31_536_000), "Seconds the server waits for the first packet of a connection."),
    fixed("datadir", "The server's data directory."),
    dynamic("event_scheduler", OneOf(&["ON", "OFF"]), "Whether scheduled events are run."),
    dynamic("general_log", Boolean, "Whether all statements are logged."),
    dynamic("group_concat_max_len", Integer(4, 1 << 32), "The longest result of GROUP_CONCAT(), in bytes."),
    at_reboot("innodb_autoinc_lock_mode", Integer(0, 2), "How AUTO_INCREMENT values are locked."),
    at_reboot("innodb_buffer_pool_size", Integer(5_242_880, 1 << 40), "Memory for cached tables and indexes, in bytes.").starting_at("67108864"),
    dynamic("innodb_deadlock_detect", Boolean, "Whether deadlocks are looked for."),
    dynamic("innodb_file_per_table", Boolean, "Whether each table has a file of its own."),
    dynamic("innodb_flush_log_at_trx_commit", Integer(0, 2), "How strictly commits are made durable.").starting_at("1"),
    at_reboot("innodb_ft_min_token_size", Integer(0, 16), "The shortest word in full-text indexes."),
    dynamic("innodb_lock_wait_timeout", Integer(1, 1_073_741_824), "Seconds a transaction waits for a row lock."),
    dynamic("innodb_print_all_deadlocks", Boolean, "Whether all deadlocks are logged."),
    dynamic("interactive_timeout", Integer(1, 31_536_000), "Seconds an interactive connection may be idle."),
    dynamic("join_buffer_size", Integer(128, 1 << 32), "Memory for joins without indexes, in bytes."),
    dynamic("local_infile", Boolean, "Whether LOAD DATA LOCAL is allowed."),
    dynamic("lock_wait_timeout", Integer(1, 31_536_000), "Seconds a statement waits for a metadata lock."),
    dynamic("log_bin_trust_function_creators", Boolean, "Whether stored functions and triggers may be made without SUPER."),
    dynamic("log_output", OneOf(&["TABLE", "FILE", "NONE"]), "Where the general and the slow query log go."),
    dynamic("log_queries_not_using_indexes", Boolean, "Whether queries without an index are logged as slow."),
    dynamic("long_query_time", Seconds(31_536_000), "Seconds after which a query is slow."),
    dynamic("max_allowed_packet", Integer(1024, 1_073_741_824), "The largest packet, in bytes."),
    dynamic("max_connect_errors", Integer(1, 1 << 32), "Failed connections after which a host is blocked."),
    dynamic("max_connections", Integer(1, 100_000), "How many clients may be connected.").starting_at("100"),
    dynamic("max_heap_table_size", Integer(16_384, 1 << 32), "The largest in-memory table, in bytes."),
    dynamic("net_read_timeout", Integer(1, 31_536_000), "Seconds the server waits for more data."),
    dynamic("net_write_timeout", Integer(1, 31_536_000), "Seconds the server waits for a block to be written."),
    at_reboot("performance_schema", Boolean, "Whether the performance schema is kept.").starting_at("0"),
    fixed("port", "The server's port.").starting_at("3306"),
    dynamic("require_secure_transport", Boolean, "Whether connections must use TLS."),
    fixed("skip_name_resolve", "Whether host names of clients are left alone.").starting_at("1"),
    dynamic("slow_query_log", Boolean, "Whether slow queries are logged."),
    fixed("socket", "The server's own socket."),
    dynamic("sort_buffer_size", Integer(32_768, 1 << 32), "Memory for each sort, in bytes."),
    dynamic("sql_mode", SomeOf(SQL_MODES), "The SQL syntax and checks."),
    dynamic("sync_binlog", Integer(0, 1 << 32), "After how many groups of commits the binary log is synchronised.").starting_at("1"),
    dynamic("table_open_cache", Integer(1, 524_288), "How many tables are kept open."),
    dynamic("thread_cache_size", Integer(0, 16_384), "How many threads are kept for new connections."),
    dynamic("time_zone", TimeZone, "The server's time zone.").starting_at("UTC"),
    dynamic("tmp_table_size", Integer(1024, 1 << 32), "The largest internal in-memory table, in bytes."),
    dynamic("wait_timeout", Integer(1, 31_536_000), "Seconds a connection may be idle."),
];

const fn dynamic(name: &'static str, values: Values, description: &'static str) -> Parameter {
    Parameter { name, values, is_dynamic: true, is_modifiable: true, default: None, description }
}

const fn at_reboot(name: &'static str, values: Values, description: &'static str) -> Parameter {
    Parameter { name, values, is_dynamic: false, is_modifiable: true, default: None, description }
}

const fn fixed(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, values: OneOf(&[]), is_dynamic: false, is_modifiable: false, default: None, description }
}

impl Parameter {
    const fn starting_at(self, default: &'static str) -> Self {
        Self { default: Some(default), ..self }
    }

    /// The value as servers take it, or none when it is not allowed.
    pub(crate) fn normal(&self, value: &str) -> Option<String> {
        let whole = |text: &str| (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
        match self.values {
            Boolean => match value.to_ascii_uppercase().as_str() {
                "1" | "ON" | "TRUE" => Some("1".to_owned()),
                "0" | "OFF" | "FALSE" => Some("0".to_owned()),
                _ => None,
            },
            Integer(least, most) => {
                whole(value)?;
                let number: u64 = value.parse().ok()?;
                (least..=most).contains(&number).then(|| number.to_string())
            }
            Seconds(most) => {
                let (seconds, fraction) = value.split_once('.').unwrap_or((value, "0"));
                whole(seconds)?;
                whole(fraction)?;
                (seconds.parse::<u64>().ok()? <= most).then(|| value.to_owned())
            }
            OneOf(allowed) => allowed.iter().find(|one| one.eq_ignore_ascii_case(value)).map(|one| (*one).to_owned()),
            SomeOf(allowed) => {
                let known = |part: &str| allowed.iter().find(|one| one.eq_ignore_ascii_case(part)).copied();
                let parts: Option<Vec<&str>> =
                    value.split(',').map(str::trim).filter(|part| !part.is_empty()).map(known).collect();
                parts.map(|parts| parts.join(","))
            }
            TimeZone => match value.to_ascii_uppercase().as_str() {
                "UTC" => Some("+00:00".to_owned()),
                offset => is_offset(offset).then(|| offset.to_owned()),
            },
        }
    }

    /// RDS's words for the type.
    pub(crate) fn data_type(&self) -> &'static str {
        match self.values {
            Boolean => "boolean",
            Integer(..) => "integer",
            Seconds(_) => "float",
            OneOf(_) | TimeZone => "string",
            SomeOf(_) => "list",
        }
    }

    /// RDS's words for the allowed values.
    pub(crate) fn allowed(&self) -> Option<String> {
        match self.values {
            Boolean => Some("0,1".to_owned()),
            Integer(least, most) => Some(format!("{least}-{most}")),
            Seconds(most) => Some(format!("0-{most}")),
            OneOf([]) => None,
            OneOf(allowed) | SomeOf(allowed) => Some(allowed.join(",")),
            TimeZone => Some("UTC,-13:59-+14:00".to_owned()),
        }
    }
}

/// The parameter of this name.
pub(crate) fn find(name: &str) -> Option<&'static Parameter> {
    TABLE.iter().find(|parameter| parameter.name == name)
}

/// The command line option that sets a variable.
pub(crate) fn option_name(variable: &str) -> String {
    match variable {
        "time_zone" => "default-time-zone".to_owned(),
        other => other.replace('_', "-"),
    }
}

/// What servers take for a time zone without named ones: `-13:59` to `+14:00`.
fn is_offset(text: &str) -> bool {
    let Some((hours, minutes)) = text.split_once(':') else { return false };
    let number = |digits: &str| (digits.len() == 2).then(|| digits.parse::<u32>().ok()).flatten();
    let (Some(sign), Some(minutes)) = (hours.chars().next(), number(minutes)) else { return false };
    let Some(hours) = hours.get(1..).and_then(number) else { return false };
    match sign {
        '+' => minutes < 60 && hours * 60 + minutes <= 14 * 60,
        '-' => minutes < 60 && hours < 14,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(name: &str, value: &str) -> Option<String> {
        find(name).unwrap().normal(value)
    }

    #[test]
    fn the_table_is_sorted_and_its_defaults_are_allowed() {
        assert!(TABLE.is_sorted_by_key(|parameter| parameter.name));
        for parameter in TABLE.iter().filter(|parameter| parameter.is_modifiable) {
            let default = parameter.default;
            assert!(default.is_none_or(|value| parameter.normal(value).is_some()), "{}", parameter.name);
        }
    }

    #[test]
    fn values_are_held_against_the_table() {
        assert_eq!(normal("max_connections", "250").as_deref(), Some("250"));
        assert_eq!(normal("slow_query_log", "on").as_deref(), Some("1"));
        assert_eq!(normal("long_query_time", "0.25").as_deref(), Some("0.25"));
        assert_eq!(
            normal("sql_mode", "strict_trans_tables, ANSI_QUOTES").as_deref(),
            Some("STRICT_TRANS_TABLES,ANSI_QUOTES")
        );
        assert_eq!(normal("sql_mode", "").as_deref(), Some(""));
        assert_eq!(normal("time_zone", "UTC").as_deref(), Some("+00:00"));
        assert_eq!(normal("time_zone", "-13:59").as_deref(), Some("-13:59"));
        for (name, value) in [
            ("max_connections", "0"),
            ("max_connections", "1; DROP TABLE x"),
            ("max_connections", "-1"),
            ("long_query_time", "1e3"),
            ("long_query_time", "."),
            ("slow_query_log", "2"),
            ("sql_mode", "NO_SUCH_MODE"),
            ("time_zone", "+14:01"),
            ("time_zone", "é"),
            ("time_zone", "+é:00"),
            ("log_output", "TABLE' --"),
        ] {
            assert_eq!(normal(name, value), None, "{name}={value}");
        }
    }
}
