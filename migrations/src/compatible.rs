//! Which releases can live with a schema that has moved on.
//!
//! Migrations expand: what they add, an older release does not see. One that takes something away says by
//! `-- jewel: safe because ...` why the release before it runs on beside it; of older ones it says nothing. So a release
//! can be put back as long as no applied migration with such a promise lies more than one version ahead of it.

use crate::embedded::{Migration, embedded};
use crate::statement::split;

/// The oldest schema version that a release may be written for to run on a schema with these versions applied.
pub fn oldest_release(applied: u32) -> u32 {
    oldest(embedded(), applied)
}

fn oldest(migrations: &[Migration], applied: u32) -> u32 {
    let promises = migrations.iter().filter(|migration| migration.version <= applied && promises(&migration.sql));
    promises.map(|migration| migration.version - 1).max().unwrap_or(0)
}

/// What cannot be read promises nothing that can be relied on.
fn promises(sql: &str) -> bool {
    split(sql).map_or(true, |statements| statements.iter().any(|statement| statement.safe_because.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_promise_ends_the_way_back() {
        let migration = |version, sql| Migration::embedded(version, "m", sql);
        let all = [
            migration(1, "CREATE TABLE a (id INT)"),
            migration(2, "-- jewel: safe because no release since 1 reads it\nDROP TABLE a"),
            migration(3, "-- It is not jewel: safe that speaks here.\nCREATE TABLE b (id INT)"),
            migration(4, "# jewel: safe because it is empty\nDROP TABLE b"),
        ];
        assert_eq!([0, 1, 2, 3, 4].map(|applied| oldest(&all, applied)), [0, 0, 1, 1, 3]);
    }
}
