//! Every name the stack uses, made in one place.

use crate::StackSpec;

/// Names of one project in one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    prefix: String,
    account_id: String,
}

impl Names {
    /// The names of the stack `spec` describes.
    pub fn new(spec: &StackSpec) -> Self {
        Self { prefix: format!("{}-{}", spec.project, spec.env), account_id: spec.account_id.clone() }
    }

    /// `{project}-{env}`.
    pub fn stack(&self) -> &str {
        &self.prefix
    }

    /// `{project}-{env}-{role}`.
    pub fn role(&self, role: &str) -> String {
        format!("{}-{role}", self.prefix)
    }

    /// A bucket's name, which must be unique in all of AWS.
    pub fn bucket(&self, role: &str) -> String {
        format!("{}-{role}-{}", self.prefix, self.account_id)
    }

    /// A resource that is replaced by a new one with a new name: `shop-prod-db-1`.
    pub fn generation(&self, role: &str, number: u32) -> String {
        format!("{}-{role}-{number}", self.prefix)
    }

    /// The generation a name tells, if it is one of this role.
    pub fn number(&self, role: &str, name: &str) -> Option<u32> {
        name.strip_prefix(&self.prefix)?.strip_prefix('-')?.strip_prefix(role)?.strip_prefix('-')?.parse().ok()
    }

    /// The first label of the login domain; unique in the Region across accounts, hence the account's last digits.
    pub fn login(&self) -> String {
        format!("{}-{}", self.prefix, self.account_id.get(6..).unwrap_or(&self.account_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let names = Names::new(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"));
        assert_eq!(names.bucket("site"), "shop-prod-site-123456789012");
        assert_eq!(names.login(), "shop-prod-789012");
        assert_eq!(names.number("db", &names.generation("db", 7)), Some(7));
        assert_eq!(names.number("db", "shop-prod-api-1"), None);
        assert_eq!(names.number("db", "shop-prod2-db-1"), None);
        assert_eq!(names.number("api", "shop-prod-api-2-1"), None);
        assert_eq!(names.number("api", "shop-prod-api-cpu"), None);
    }
}
