//! A backup that is much smaller than the last one is no success: that is how an emptied table looks the day after.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::manifest::{Manifest, Table};

/// When a table counts as much smaller.
#[derive(Clone, Debug)]
pub struct Shrinking {
    /// It has less than this part of the rows, or of their bytes, that it had.
    pub below: f64,
    /// Tables that had fewer rows are not looked at: a handful comes and goes.
    pub at_least_rows: u64,
    /// Tables that may.
    pub allowed: BTreeSet<String>,
}

impl Default for Shrinking {
    fn default() -> Self {
        Self { below: 0.5, at_least_rows: 100, allowed: BTreeSet::new() }
    }
}

/// A table that has lost much of what it had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shrunk {
    /// Its name.
    pub table: String,
    /// Its rows in the previous backup.
    pub rows_before: u64,
    /// Its rows now; none when the table is gone.
    pub rows: Option<u64>,
    /// The bytes of its rows in the previous backup.
    pub bytes_before: u64,
    /// The bytes of its rows now.
    pub bytes: u64,
}

impl std::fmt::Display for Shrunk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, rows_before, rows, bytes_before, bytes } = self;
        match rows {
            None => write!(formatter, "{table} is gone; it had {rows_before} rows"),
            Some(rows) => write!(formatter, "{table}: {rows} of {rows_before} rows, {bytes} of {bytes_before} bytes"),
        }
    }
}

/// What `before` had and `tables` have not.
pub(crate) fn shrunk(before: &Manifest, tables: &[Table], rule: &Shrinking) -> Vec<Shrunk> {
    let now: BTreeMap<&str, &Table> = tables.iter().map(|table| (table.name.as_str(), table)).collect();
    let looked_at = |table: &&Table| table.rows >= rule.at_least_rows && !rule.allowed.contains(&table.name);
    let judge = |table: &Table| {
        let found = now.get(table.name.as_str());
        let less = |now: u64, then: u64| (now as f64) < then as f64 * rule.below;
        let fine = found.is_some_and(|now| !less(now.rows, table.rows) && !less(now.plain_bytes, table.plain_bytes));
        (!fine).then(|| Shrunk {
            table: table.name.clone(),
            rows_before: table.rows,
            rows: found.map(|now| now.rows),
            bytes_before: table.plain_bytes,
            bytes: found.map_or(0, |now| now.plain_bytes),
        })
    };
    before.tables.iter().filter(looked_at).filter_map(judge).collect()
}
