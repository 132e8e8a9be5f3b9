//! The identity of a resource within a stack.

use std::{borrow::Borrow, fmt};

use serde::{Deserialize, Serialize};

/// Kind and name, such as `bucket.site`: the only identity the engine knows.
///
/// It is stable between runs and independent of the names and ids a cloud gives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(String);

impl Address {
    /// The address of the one resource `name` of `kind`.
    pub fn new(kind: &str, name: &str) -> Self {
        Self(format!("{kind}.{name}"))
    }

    /// The address as it is printed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part before the first dot.
    pub fn kind(&self) -> &str {
        self.0.split_once('.').map_or(self.0.as_str(), |(kind, _)| kind)
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// Lets maps keyed by `Address` be searched with a string. Ordering and hashing of the newtype are those of its text.
impl Borrow<str> for Address {
    fn borrow(&self) -> &str {
        &self.0
    }
}
