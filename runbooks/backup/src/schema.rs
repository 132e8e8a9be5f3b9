//! What a schema consists of beside its rows, and what makes it again.

mod column;
mod create;
mod definer;
mod order;
mod read;
mod users;

pub(crate) use column::{Column, checksum};
pub(crate) use create::{Create, name as key_name};
pub(crate) use read::{KeyColumn, Table, read};
pub(crate) use users::users;

use serde::{Deserialize, Serialize};

use crate::hash::Hash;

/// A schema without its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Schema {
    pub(crate) charset: String,
    pub(crate) collation: String,
    pub(crate) tables: Vec<Table>,
    /// Views, routines, triggers and events, in an order in which they can be made.
    pub(crate) parts: Vec<Part>,
}

/// A view, a routine, a trigger or an event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    /// What makes it, without a definer: whoever restores it becomes that.
    pub(crate) create: String,
    /// What the session must be set to, for `create` to mean the same.
    pub(crate) session: Vec<(String, String)>,
}

/// In the order in which they are made: views may use functions, triggers and events may use everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Kind {
    Function,
    Procedure,
    View,
    Trigger,
    Event,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Function => "FUNCTION",
            Self::Procedure => "PROCEDURE",
            Self::View => "VIEW",
            Self::Trigger => "TRIGGER",
            Self::Event => "EVENT",
        }
    }
}

impl Part {
    fn label(&self) -> String {
        format!("{} {}", self.kind.word().to_lowercase(), self.name)
    }

    /// The statement that sets the session, if it must be set.
    pub(crate) fn session_statement(&self) -> Option<String> {
        let set = |(name, value): &(String, String)| format!("{name} = '{value}'");
        let all: Vec<String> = self.session.iter().map(set).collect();
        (!all.is_empty()).then(|| format!("SET SESSION {}", all.join(", ")))
    }
}

impl Schema {
    /// What `other` defines differently: of each its kind and name.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let all = |schema: &Self| -> std::collections::BTreeMap<String, String> {
            let tables = schema.tables.iter().map(|table| (format!("table {}", table.name), table.definition()));
            let parts = schema.parts.iter().map(|part| (part.label(), format!("{part:?}")));
            tables.chain(parts).collect()
        };
        let (here, there) = (all(self), all(other));
        let mut names: Vec<String> = here.keys().chain(there.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names.into_iter().filter(|name| here.get(name) != there.get(name)).collect()
    }
}

impl Table {
    /// What makes it but for the next number that it would give out, which changes all the time.
    pub(crate) fn definition(&self) -> String {
        Create::parse(&self.create).without_counter()
    }

    pub(crate) fn definition_hash(&self) -> Hash {
        Hash::of(self.definition().as_bytes())
    }
}
