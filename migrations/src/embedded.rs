//! The migrations compiled into this program: a table written by hand, held equal to the folder by a test.

use std::borrow::Cow;

use serde::Serialize;

/// One numbered SQL file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Migration {
    /// The number the file's name starts with. Versions are applied in ascending order and never reused.
    pub version: u32,
    /// The rest of the file's name, without `.sql`.
    pub name: Cow<'static, str>,
    /// The file's text.
    #[serde(skip)]
    pub sql: Cow<'static, str>,
}

impl Migration {
    /// One that is compiled in.
    pub const fn embedded(version: u32, name: &'static str, sql: &'static str) -> Self {
        Self { version, name: Cow::Borrowed(name), sql: Cow::Borrowed(sql) }
    }

    /// `NNNN_name.sql`.
    pub fn file_name(&self) -> String {
        format!("{:04}_{}.sql", self.version, self.name)
    }
}

static EMBEDDED: &[Migration] = &[
    Migration::embedded(1, "catalogue", include_str!("../sql/0001_catalogue.sql")),
    Migration::embedded(2, "inventory", include_str!("../sql/0002_inventory.sql")),
    Migration::embedded(3, "journal", include_str!("../sql/0003_journal.sql")),
    Migration::embedded(4, "orders", include_str!("../sql/0004_orders.sql")),
    Migration::embedded(5, "payments", include_str!("../sql/0005_payments.sql")),
    Migration::embedded(6, "media", include_str!("../sql/0006_media.sql")),
    Migration::embedded(7, "showcase", include_str!("../sql/0007_showcase.sql")),
    Migration::embedded(8, "low_stock", include_str!("../sql/0008_low_stock.sql")),
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
        let table: Vec<(String, String)> =
            EMBEDDED.iter().map(|migration| (migration.file_name(), migration.sql.to_string())).collect();
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
            let statements = crate::split(&migration.sql).unwrap();
            assert!(!statements.is_empty(), "{} has no statement", migration.name);
        }
    }
}
