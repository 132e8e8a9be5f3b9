//! What the files read so far have made: enough of the schema to judge the next statement by.

use std::collections::{HashMap, HashSet};

use crate::shape::{Clause, Column, Shape};

/// The tables as the files leave them.
#[derive(Debug, Default)]
pub(super) struct Schema {
    tables: HashMap<String, HashMap<String, Column>>,
    /// Made by the file that is being read: no release uses them yet.
    new: HashSet<String>,
}

impl Schema {
    pub(super) fn next_file(&mut self) {
        self.new.clear();
    }

    /// Whether a release that runs may use the table. One that no file made is taken for used.
    pub(super) fn is_used(&self, table: &str) -> bool {
        !self.new.contains(table)
    }

    pub(super) fn column(&self, table: &str, column: &str) -> Option<&Column> {
        self.tables.get(table)?.get(column)
    }

    pub(super) fn apply(&mut self, shape: &Shape) {
        match shape {
            // `IF NOT EXISTS` on a table that is there makes nothing.
            Shape::CreateTable { table, columns } if !self.tables.contains_key(table) => {
                self.new.insert(table.clone());
                let columns = columns.iter().map(|column| (column.name.clone(), column.clone())).collect();
                self.tables.insert(table.clone(), columns);
            }
            Shape::AlterTable { table, clauses } => {
                for clause in clauses {
                    self.alter(table, clause);
                }
            }
            Shape::DropTables(tables) => {
                for table in tables {
                    self.tables.remove(table);
                    self.new.remove(table);
                }
            }
            Shape::RenameTables(pairs) => pairs.iter().for_each(|(from, to)| self.rename(from, to)),
            _ => {}
        }
    }

    fn alter(&mut self, table: &str, clause: &Clause) {
        if let Clause::RenameTable(to) = clause {
            return self.rename(table, to);
        }
        let columns = self.tables.entry(table.to_owned()).or_default();
        match clause {
            Clause::AddColumn(column) | Clause::Modify(column) => {
                columns.insert(column.name.clone(), column.clone());
            }
            Clause::Change { from, to } => {
                columns.remove(from);
                columns.insert(to.name.clone(), to.clone());
            }
            Clause::RenameColumn { from, to } => {
                if let Some(mut column) = columns.remove(from) {
                    column.name.clone_from(to);
                    columns.insert(to.clone(), column);
                }
            }
            Clause::DropColumn(name) => {
                columns.remove(name);
            }
            _ => {}
        }
    }

    fn rename(&mut self, from: &str, to: &str) {
        if let Some(columns) = self.tables.remove(from) {
            self.tables.insert(to.to_owned(), columns);
        }
        if self.new.remove(from) {
            self.new.insert(to.to_owned());
        }
    }
}
