//! Which rules a statement breaks.

use super::{rule::Rule, schema::Schema};
use crate::shape::{Change, Clause, Column, Reading, Shape};

type Broken = (Rule, String);

/// Every rule that the statement breaks, with what breaks it.
pub(super) fn broken(reading: &Reading, schema: &Schema) -> Vec<Broken> {
    let mut broken = by_shape(&reading.shape, schema);
    if reading.names_schema {
        broken.push((Rule::OtherSchema, "names a schema".to_owned()));
    }
    if reading.has_executable {
        broken.push((Rule::Unknown, "has words in `/*! */`, which not every server obeys".to_owned()));
    }
    broken
}

fn by_shape(shape: &Shape, schema: &Schema) -> Vec<Broken> {
    match shape {
        Shape::CreateTable { .. } | Shape::Nothing | Shape::Write { whole_table: false } => Vec::new(),
        Shape::AlterTable { table, clauses } if schema.is_used(table) => {
            clauses.iter().flat_map(|clause| by_clause(table, clause, clauses, schema)).collect()
        }
        Shape::CreateIndex { table, clause } if schema.is_used(table) => by_clause(table, clause, &[], schema),
        Shape::DropIndex { table, index } if schema.is_used(table) => {
            vec![(Rule::DropIndex, format!("drops index {index} of {table}"))]
        }
        Shape::AlterTable { .. } | Shape::CreateIndex { .. } | Shape::DropIndex { .. } => Vec::new(),
        Shape::DropTables(tables) => {
            let used = tables.iter().filter(|table| schema.is_used(table));
            used.map(|table| (Rule::DropTable, format!("drops table {table}"))).collect()
        }
        Shape::RenameTables(pairs) => {
            let used = pairs.iter().filter(|(from, _)| schema.is_used(from));
            used.map(|(from, to)| (Rule::RenameTable, format!("renames table {from} to {to}"))).collect()
        }
        Shape::Truncate { table } => vec![(Rule::DropTable, format!("empties table {table}"))],
        Shape::Write { whole_table: true } => vec![(Rule::WholeTable, "changes every row in one statement".to_owned())],
        Shape::CreateOther { kind, replaces: true } => vec![(Rule::DropObject, format!("replaces a {}", small(kind)))],
        Shape::CreateOther { kind, .. } if kind == "TRIGGER" => vec![(Rule::Trigger, "makes a trigger".to_owned())],
        Shape::CreateOther { .. } => Vec::new(),
        Shape::DropOther { kind } => vec![(Rule::DropObject, format!("drops a {}", small(kind)))],
        Shape::Other => vec![(Rule::Unknown, "is a kind of statement that is not known here".to_owned())],
    }
}

fn small(kind: &str) -> String {
    kind.to_lowercase()
}

fn by_clause(table: &str, clause: &Clause, all: &[Clause], schema: &Schema) -> Vec<Broken> {
    let one = |rule, what| vec![(rule, what)];
    match clause {
        Clause::AddColumn(column) => added(table, column),
        Clause::Modify(column) => modified(table, &column.name, column, schema),
        Clause::Change { from, to } => {
            let mut broken = one(Rule::RenameColumn, format!("renames {table}.{from} to {}", to.name));
            broken.extend(modified(table, from, to, schema));
            broken
        }
        Clause::RenameColumn { from, to } => one(Rule::RenameColumn, format!("renames {table}.{from} to {to}")),
        Clause::DropColumn(name) => one(Rule::DropColumn, format!("drops {table}.{name}")),
        Clause::AddUnique => one(Rule::NewConstraint, format!("adds a unique key to {table}")),
        Clause::AddForeignKey => one(Rule::NewConstraint, format!("adds a foreign key to {table}")),
        Clause::AddCheck => one(Rule::NewConstraint, format!("adds a check to {table}")),
        Clause::AddSearchIndex => one(Rule::TableCopy, format!("adds a full-text or spatial index to {table}")),
        Clause::DropIndex(index) => one(Rule::DropIndex, format!("drops index {index} of {table}")),
        Clause::ChangePrimaryKey => {
            // Dropped and made anew in one statement, it is one change.
            let first = all.iter().position(|other| *other == Clause::ChangePrimaryKey);
            match first.and_then(|at| all.get(at)) {
                Some(other) if !std::ptr::eq(other, clause) => Vec::new(),
                _ => one(Rule::PrimaryKey, format!("changes the primary key of {table}")),
            }
        }
        Clause::RenameTable(to) => one(Rule::RenameTable, format!("renames table {table} to {to}")),
        Clause::DropDefault(name) => one(Rule::Stricter, format!("takes the default from {table}.{name}")),
        Clause::Copies(why) => one(Rule::TableCopy, format!("copies {table}: {why}")),
        Clause::DropRows => one(Rule::DropTable, format!("drops or exchanges rows of {table}")),
        Clause::Unknown => one(Rule::Unknown, format!("changes {table} in a way that is not known here")),
        Clause::AddIndex | Clause::Harmless => Vec::new(),
    }
}

fn added(table: &str, column: &Column) -> Vec<Broken> {
    let name = &column.name;
    let mut broken = Vec::new();
    if column.not_null && !column.fills_itself {
        broken.push((Rule::NotNullWithoutDefault, format!("adds {table}.{name}, NOT NULL and without DEFAULT")));
    }
    if column.primary {
        broken.push((Rule::PrimaryKey, format!("makes {table}.{name} the primary key")));
    } else if column.unique {
        broken.push((Rule::NewConstraint, format!("adds {table}.{name}, which is unique")));
    }
    if column.checked {
        broken.push((Rule::NewConstraint, format!("adds {table}.{name} with a check")));
    }
    if column.auto_increment || column.stored {
        broken.push((Rule::TableCopy, format!("copies {table} to number or compute {name} in every row")));
    }
    broken
}

fn modified(table: &str, from: &str, new: &Column, schema: &Schema) -> Vec<Broken> {
    let name = &new.name;
    let Some(old) = schema.column(table, from) else {
        return vec![(Rule::NarrowType, format!("changes {table}.{from}, which no earlier file defines"))];
    };
    let mut broken = Vec::new();
    match old.change_to(new) {
        Change::None | Change::Wider => {}
        Change::WiderByCopy => broken.push((Rule::TableCopy, format!("copies {table} for a wider {name}"))),
        Change::Narrower => broken.push((Rule::NarrowType, format!("gives {table}.{name} another type"))),
    }
    if new.not_null && !old.not_null {
        broken.push((Rule::Stricter, format!("forbids NULL in {table}.{name}")));
    }
    if new.not_null && !new.fills_itself && old.fills_itself {
        broken.push((Rule::Stricter, format!("takes the default from {table}.{name}")));
    }
    if new.primary && !old.primary {
        broken.push((Rule::PrimaryKey, format!("makes {table}.{name} the primary key")));
    }
    if new.unique && !old.unique {
        broken.push((Rule::NewConstraint, format!("makes {table}.{name} unique")));
    }
    broken
}
