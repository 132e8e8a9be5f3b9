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
    /// What makes it but for the next number that it would give out, which changes all the time, and but for how MySQL
    /// words a column's character set.
    pub(crate) fn definition(&self) -> String {
        without_implied_charset(&Create::parse(&self.create).without_counter())
    }

    pub(crate) fn definition_hash(&self) -> Hash {
        Hash::of(self.definition().as_bytes())
    }
}

/// MySQL 8 and later write `CHARACTER SET utf8mb4 COLLATE utf8mb4_bin` of a column that was made so, and only `COLLATE
/// utf8mb4_bin` of one that has it from its table. A table that is made of what they wrote is worded otherwise from then
/// on. A collation's name begins with its character set's, so nothing is lost by leaving that out.
fn without_implied_charset(definition: &str) -> String {
    const SET: &str = "CHARACTER SET ";
    let (mut rest, mut text) = (definition, String::with_capacity(definition.len()));
    while let Some(at) = rest.find(SET) {
        let (before, after) = (&rest[..at], &rest[at + SET.len()..]);
        text.push_str(before);
        let charset = after.split(' ').next().unwrap_or_default();
        let follows = after[charset.len()..].strip_prefix(" COLLATE ");
        let is_implied = !charset.is_empty() && follows.is_some_and(|collation| collation.starts_with(charset));
        if is_implied {
            rest = &after[charset.len() + 1..];
        } else {
            text.push_str(SET);
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_set_is_left_out_where_the_collation_says_it() {
        let made = "`a` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci NOT NULL,\n  `b` char(2) CHARACTER SET ascii";
        let from_table = "`a` varchar(9) COLLATE utf8mb4_unicode_520_ci NOT NULL,\n  `b` char(2) CHARACTER SET ascii";
        assert_eq!(without_implied_charset(made), from_table);
        assert_eq!(without_implied_charset(from_table), from_table);
        let odd = "COMMENT 'CHARACTER SET '";
        assert_eq!(without_implied_charset(odd), odd);
    }
}
