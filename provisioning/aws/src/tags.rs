//! The marks by which we know what is ours.

use std::collections::BTreeMap;

use jewel_engine::Ownership;

use crate::StackSpec;

/// The three tags every resource that can be tagged carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tags {
    pub(crate) project: String,
    pub(crate) env: String,
    pub(crate) role: String,
}

impl Tags {
    pub(crate) fn new(spec: &StackSpec, role: &str) -> Self {
        Self { project: spec.project.clone(), env: spec.env.clone(), role: role.to_owned() }
    }

    /// Keys and values, in a fixed order.
    pub(crate) fn pairs(&self) -> [(&'static str, &str); 3] {
        [("jewel:env", &self.env), ("jewel:project", &self.project), ("jewel:role", &self.role)]
    }

    pub(crate) fn map(&self) -> BTreeMap<String, String> {
        self.pairs().into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// Whether a resource with these tags is ours.
    pub(crate) fn ownership<K: AsRef<str>, V: AsRef<str>>(&self, tags: impl IntoIterator<Item = (K, V)>) -> Ownership {
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for (key, value) in tags {
            if key.as_ref().starts_with("jewel:") {
                found.insert(key.as_ref().to_owned(), value.as_ref().to_owned());
            }
        }
        if self.pairs().iter().all(|(key, value)| found.get(*key).is_some_and(|tag| tag == value)) {
            return Ownership::Ours;
        }
        if found.is_empty() {
            return Ownership::Foreign("it exists without our tags, so something else made it".to_owned());
        }
        let tags: Vec<_> = found.iter().map(|(key, value)| format!("{key}={value}")).collect();
        Ownership::Foreign(format!("it belongs to something else: {}", tags.join(", ")))
    }
}

/// Turns tags into the map of a service that takes one.
pub(crate) fn hash_map(tags: &Tags) -> std::collections::HashMap<String, String> {
    tags.map().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_three_marks_make_it_ours() {
        let tags = Tags::new(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"), "site");
        assert_eq!(tags.ownership(tags.pairs()), Ownership::Ours);
        assert!(matches!(tags.ownership([("Name", "x")]), Ownership::Foreign(_)));
        let other = tags.ownership([("jewel:project", "shop"), ("jewel:env", "staging"), ("jewel:role", "site")]);
        assert!(matches!(other, Ownership::Foreign(why) if why.contains("jewel:env=staging")));
    }
}
