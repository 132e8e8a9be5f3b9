//! The migrations compiled into this program: a table written by hand, held equal to the folder by a test.

use serde::Serialize;

/// One numbered SQL file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The number the file's name starts with. Versions are applied in ascending order and never reused.
    pub version: u32,
    /// The rest of the file's name, without `.sql`.
    pub name: &'static str,
    /// The file's text.
    #[serde(skip)]
    pub sql: &'static str,
}

const EMBEDDED: &[Migration] = &[
    Migration { version: 1, name: "catalogue", sql: include_str!("../sql/0001_catalogue.sql") },
    Migration { version: 2, name: "inventory", sql: include_str!("../sql/0002_inventory.sql") },
    Migration { version: 3, name: "journal", sql: include_str!("../sql/0003_journal.sql") },
    Migration { version: 4, name: "orders", sql: include_str!("../sql/0004_orders.sql") },
    Migration { version: 5, name: "payments", sql: include_str!("../sql/0005_payments.sql") },
    Migration { version: 6, name: "media", sql: include_str!("../sql/0006_media.sql") },
    Migration { version: 7, name: "cards", sql: include_str!("../sql/0007_cards.sql") },
    Migration { version: 8, name: "low_stock", sql: include_str!("../sql/0008_low_stock.sql") },
];

/// All migrations of this program, in ascending order of version.
pub fn embedded() -> &'static [Migration] {
    EMBEDDED
}

/// The schema version this program was written for: the last embedded migration's.
pub fn expected_version() -> u32 {
    EMBEDDED.last().map_or(0, |migration| migration.version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_the_folder() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/sql");
        let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read_to_string(entry.path()).unwrap()))
            .collect();
        files.sort();
        let table: Vec<(String, String)> = EMBEDDED
            .iter()
            .map(|migration| (format!("{:04}_{}.sql", migration.version, migration.name), migration.sql.to_owned()))
            .collect();
        assert_eq!(table, files, "migrations/sql and the table in embedded.rs differ");
    }

    #[test]
    fn versions_ascend_without_gaps() {
        let versions: Vec<u32> = EMBEDDED.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=expected_version()).collect::<Vec<_>>());
    }

    #[test]
    fn every_file_splits_into_statements() {
        for migration in EMBEDDED {
            let statements = crate::split(migration.sql).unwrap();
            assert!(!statements.is_empty(), "{} has no statement", migration.name);
        }
    }
}
