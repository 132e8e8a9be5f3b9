//! Desired against found, field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Attributes, Desired, Rule, Value};

/// One field that differs, or will be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// The name of the field.
    pub field: String,
    /// What was read, if anything was.
    pub before: Option<Json>,
    /// What is wanted; absent when [`FieldChange::known_after_apply`].
    pub after: Option<Json>,
    /// The wanted value is an output of a resource that does not exist yet.
    pub known_after_apply: bool,
    /// Only a new resource can have the wanted value.
    pub forces_replacement: bool,
}

/// The managed fields whose found value is not the wanted one, in the order of their names.
///
/// Fields that are not wanted are not managed; fields with [`Rule::CreateOnly`] never differ.
pub fn diff(desired: &Desired, found: &Attributes, rule: impl Fn(&str) -> Rule) -> Vec<FieldChange> {
    desired.iter().filter_map(|(field, wanted)| change(field, wanted, found.get(field), rule(field))).collect()
}

/// Every field a creation will set.
pub(crate) fn all_fields(desired: &Desired) -> Vec<FieldChange> {
    desired.iter().filter_map(|(field, wanted)| change(field, wanted, None, Rule::Update)).collect()
}

fn change(field: &str, wanted: &Value, found: Option<&Json>, rule: Rule) -> Option<FieldChange> {
    if rule == Rule::CreateOnly {
        return None;
    }
    let after = match wanted {
        Value::Known(json) if found == Some(json) => return None,
        Value::Known(json) => Some(json.clone()),
        Value::Unknown => None,
    };
    Some(FieldChange {
        field: field.to_owned(),
        before: found.cloned(),
        known_after_apply: after.is_none(),
        after,
        forces_replacement: rule == Rule::Replace,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn updatable(_: &str) -> Rule {
        Rule::Update
    }

    proptest! {
        #[test]
        fn equal_has_no_difference(fields in prop::collection::btree_map("[a-z]{1,6}", any::<i64>(), 0..8)) {
            let desired = fields.iter().fold(Desired::new(), |d, (k, v)| d.set(k, *v));
            let found: Attributes = fields.into_iter().map(|(k, v)| (k, v.into())).collect();
            prop_assert_eq!(diff(&desired, &found, updatable), vec![]);
        }

        #[test]
        fn every_difference_is_found(a in any::<i64>(), b in any::<i64>()) {
            let changes = diff(&Desired::new().set("x", a), &Attributes::from([("x".into(), b.into())]), updatable);
            prop_assert_eq!(changes.len(), usize::from(a != b));
        }
    }

    #[test]
    fn unmanaged_and_create_only_fields_are_left_alone() {
        let found = Attributes::from([("mine".into(), 1.into()), ("theirs".into(), 2.into())]);
        assert_eq!(diff(&Desired::new().set("mine", 1), &found, updatable), vec![]);
        assert_eq!(diff(&Desired::new().set("mine", 9), &found, |_| Rule::CreateOnly), vec![]);
    }

    #[test]
    fn unknown_differs_and_says_so() {
        let found = Attributes::from([("arn".into(), "old".into())]);
        let changes = diff(&Desired::new().set("arn", Value::Unknown), &found, |_| Rule::Replace);
        assert!(changes[0].known_after_apply && changes[0].forces_replacement && changes[0].after.is_none());
    }
}
