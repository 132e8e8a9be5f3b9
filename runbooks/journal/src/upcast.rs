//! Rows of older schemas become rows of this one.

use crate::Change;

/// Makes a row of the schema version before it one of its own version.
pub type Upcast = fn(&mut Change);

/// Which schema versions changed what rows mean, in ascending order. A migration needs a line here when it fills a new
/// column from others, renames or drops one; a new column that has a default needs none.
pub const UPCASTS: &[(u32, Upcast)] = &[];

/// Makes a row of schema version `from` one of the last version.
pub(crate) fn upcast(change: &mut Change, from: u32, upcasts: &[(u32, Upcast)]) {
    for (_, step) in upcasts.iter().filter(|(version, _)| *version > from) {
        step(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_later_step_is_taken_in_order() {
        let steps: [(u32, Upcast); 3] = [
            (4, |change| drop(change.row.insert("a".into(), 4.into()))),
            (5, |change| {
                let a = change.row.remove("a").unwrap_or_default();
                change.row.insert("b".into(), a);
            }),
            (7, |change| change.table.push('s')),
        ];
        let at = |from| {
            let mut change = Change { table: "ring".into(), row: serde_json::Map::new() };
            upcast(&mut change, from, &steps);
            serde_json::to_string(&change).unwrap()
        };
        assert_eq!(at(3), r#"{"table":"rings","row":{"b":4}}"#);
        assert_eq!(at(4), r#"{"table":"rings","row":{"b":null}}"#);
        assert_eq!(at(6), r#"{"table":"rings","row":{}}"#);
        assert_eq!(at(7), r#"{"table":"ring","row":{}}"#);
    }
}
