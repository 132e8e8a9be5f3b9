//! What would break the release that still runs while a migration is applied: found in the files alone, without a server.
//!
//! During a deploy the old release reads and writes the new schema. A statement it cannot live with is refused, unless
//! the comment directly before it says why it is safe: `-- jewel: safe because …`. The files are read in order, so that
//! a later one is judged by what the earlier ones made; a table that the same file makes is nobody's yet.

mod rule;
mod rules;
mod schema;

use serde::Serialize;

pub use rule::Rule;
use schema::Schema;

use crate::{embedded::Migration, error::Error, plan, shape::Reading, statement::Statement};

/// A statement that would break the old release, or hold it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The migration's version.
    pub version: u32,
    /// The file's name, `NNNN_name.sql`.
    pub file: String,
    /// The line the statement's first word stands on, counted from 1.
    pub line: usize,
    /// The rule it breaks.
    pub rule: Rule,
    /// What the statement does, to what.
    pub what: String,
    /// What that does to the old release.
    pub why: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}: {}: {}; {}", self.file, self.line, self.rule, self.what, self.why)
    }
}

/// Judges `migrations`, in ascending order of version. Only findings of versions above `after` are given; the earlier
/// ones are read for what they made.
///
/// # Errors
/// When a file cannot be split into statements.
pub fn lint(migrations: &[Migration], after: Option<u32>) -> Result<Vec<Finding>, Error> {
    let mut schema = Schema::default();
    let mut findings = Vec::new();
    for migration in migrations {
        schema.next_file();
        for statement in plan::statements(migration)? {
            let reading = Reading::of(&statement);
            if after.is_none_or(|after| migration.version > after) {
                findings.extend(judge(migration, &statement, &reading, &schema));
            }
            schema.apply(&reading.shape);
        }
    }
    Ok(findings)
}

fn judge(migration: &Migration, statement: &Statement, reading: &Reading, schema: &Schema) -> Vec<Finding> {
    let found = |rule: Rule, what: String| Finding {
        version: migration.version,
        file: migration.file_name(),
        line: statement.line,
        rule,
        what,
        why: rule.why(),
        instead: rule.instead(),
    };
    match statement.safe_because.as_deref() {
        Some("") => vec![found(Rule::NoReason, "`-- jewel:` without `safe because` and a reason".to_owned())],
        Some(_) => Vec::new(),
        None => rules::broken(reading, schema).into_iter().map(|(rule, what)| found(rule, what)).collect(),
    }
}

#[cfg(test)]
mod tests;
