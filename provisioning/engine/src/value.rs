//! Attribute values: what is wanted, what was read, and what is known only after apply.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::{Address, Failure};

/// What was read of a resource, or what it offers to others. Never contains a secret.
pub type Attributes = BTreeMap<String, Json>;

/// The outputs of every resource that exists, by address.
pub type OutputMap = BTreeMap<Address, Attributes>;

/// A wanted value: known now, or known only after another resource has been made.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Known while planning.
    Known(Json),
    /// An output of a resource that does not exist yet.
    Unknown,
}

impl Value {
    /// Applies `f` to the text of a known value; an unknown one stays unknown.
    pub fn map_text(self, f: impl FnOnce(&str) -> Json) -> Self {
        match &self {
            Self::Known(Json::String(text)) => Self::Known(f(text)),
            _ => Self::Unknown,
        }
    }
}

impl<T: Into<Json>> From<T> for Value {
    fn from(value: T) -> Self {
        Self::Known(value.into())
    }
}

/// The attributes a resource wants to have. Attributes not named here are not managed and left alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Desired(BTreeMap<String, Value>);

impl Desired {
    /// Wants nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one wanted attribute.
    #[must_use]
    pub fn set(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0.insert(field.to_owned(), value.into());
        self
    }

    /// The wanted attributes in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(field, value)| (field.as_str(), value))
    }
}

/// The outputs of the resources another one needs.
#[derive(Debug, Clone, Default)]
pub struct Inputs(BTreeMap<Address, Attributes>);

impl Inputs {
    pub(crate) fn gather(needs: &[Address], known: &OutputMap) -> Self {
        Self(needs.iter().filter_map(|need| Some((need.clone(), known.get(need)?.clone()))).collect())
    }

    /// An output of the resource at `address`; unknown while that resource does not exist.
    ///
    /// Only resources named by [`crate::Resource::needs`] can be asked.
    pub fn value(&self, address: &str, output: &str) -> Value {
        match self.get(address, output) {
            Some(json) => Value::Known(json.clone()),
            None => Value::Unknown,
        }
    }

    /// Like [`Inputs::value`] for reads, which do without.
    pub fn get(&self, address: &str, output: &str) -> Option<&Json> {
        self.0.get(address)?.get(output)
    }

    /// Like [`Inputs::get`] for text.
    pub fn text(&self, address: &str, output: &str) -> Option<&str> {
        self.get(address, output)?.as_str()
    }

    /// The text of an output a write cannot do without.
    ///
    /// # Errors
    /// When it is not known; with a valid graph that is a mistake in a resource, not in the account.
    pub fn require(&self, address: &str, output: &str) -> Result<&str, Failure> {
        self.text(address, output)
            .ok_or_else(|| Failure::permanent(format!("use `{output}` of {address}"), "it is not known yet"))
    }
}
