//! The clauses of `ALTER TABLE`, by what they do to those who use the table.

use super::column::Column;
use crate::sql::{Reader, Token, list};

/// One clause.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Clause {
    AddColumn(Column),
    /// `MODIFY`, or `CHANGE` with the same name.
    Modify(Column),
    /// `CHANGE` with another name.
    Change {
        from: String,
        to: Column,
    },
    RenameColumn {
        from: String,
        to: String,
    },
    DropColumn(String),
    AddIndex,
    AddUnique,
    /// Full text or spatial.
    AddSearchIndex,
    DropIndex(String),
    AddForeignKey,
    AddCheck,
    ChangePrimaryKey,
    RenameTable(String),
    DropDefault(String),
    /// Copies the table; why, in a word or two.
    Copies(&'static str),
    /// Drops or exchanges rows with their partition.
    DropRows,
    /// Breaks nobody and copies nothing.
    Harmless,
    /// Not known to this reader.
    Unknown,
}

/// The clauses in one part between commas: several when `ADD` has a list in parentheses.
pub(crate) fn clauses(part: &[Token]) -> Vec<Clause> {
    let mut reader = Reader::new(part);
    if reader.eat("ADD") {
        reader.eat("COLUMN");
        reader.eat("IF NOT EXISTS");
        if let Some(inside) = reader.parentheses() {
            return list(inside).into_iter().map(|part| add(Reader::new(part))).collect();
        }
        return vec![add(reader)];
    }
    vec![other(&mut reader).unwrap_or(Clause::Unknown)]
}

fn add(mut reader: Reader<'_>) -> Clause {
    if reader.eat("CONSTRAINT") && !["PRIMARY", "UNIQUE", "FOREIGN", "CHECK"].contains(&reader.peek().as_str()) {
        reader.skip();
    }
    match reader.peek().as_str() {
        "PRIMARY" => Clause::ChangePrimaryKey,
        "UNIQUE" => Clause::AddUnique,
        "FULLTEXT" | "SPATIAL" => Clause::AddSearchIndex,
        "FOREIGN" => Clause::AddForeignKey,
        "CHECK" => Clause::AddCheck,
        "INDEX" | "KEY" => Clause::AddIndex,
        "PARTITION" => Clause::Harmless,
        _ => Column::read(reader.rest()).map_or(Clause::Unknown, Clause::AddColumn),
    }
}

fn other(reader: &mut Reader<'_>) -> Option<Clause> {
    let clause = match reader.word().as_str() {
        "MODIFY" => {
            reader.eat("COLUMN");
            reader.eat("IF EXISTS");
            Clause::Modify(Column::read(reader.rest())?)
        }
        "CHANGE" => {
            reader.eat("COLUMN");
            reader.eat("IF EXISTS");
            let from = reader.name()?.to_lowercase();
            let to = Column::read(reader.rest())?;
            if from == to.name { Clause::Modify(to) } else { Clause::Change { from, to } }
        }
        "DROP" => dropped(reader)?,
        "RENAME" => renamed(reader)?,
        "ALTER" => {
            // `ALTER CHECK`, `ALTER CONSTRAINT` and `ALTER INDEX … VISIBLE` judge nothing the old release writes.
            if reader.eat_any(&["CHECK", "CONSTRAINT", "INDEX", "KEY"]) {
                return Some(Clause::Harmless);
            }
            reader.eat("COLUMN");
            let name = reader.name()?.to_lowercase();
            if reader.eat("DROP DEFAULT") { Clause::DropDefault(name) } else { Clause::Harmless }
        }
        "CONVERT" => Clause::Copies("another character set"),
        "ENGINE" | "FORCE" => Clause::Copies("the table is built anew"),
        "ROW_FORMAT" | "KEY_BLOCK_SIZE" | "COMPRESSION" | "ENCRYPTION" => Clause::Copies("another row format"),
        "ORDER" => Clause::Copies("another order of rows"),
        "PARTITION" | "REMOVE" | "REORGANIZE" | "COALESCE" => Clause::Copies("other partitions"),
        "TRUNCATE" | "DISCARD" | "IMPORT" | "EXCHANGE" => Clause::DropRows,
        "ALGORITHM" | "LOCK" | "COMMENT" | "AUTO_INCREMENT" | "STATS_PERSISTENT" | "STATS_AUTO_RECALC"
        | "STATS_SAMPLE_PAGES" | "DEFAULT" | "CHARACTER" | "CHARSET" | "COLLATE" | "WAIT" | "NOWAIT" => {
            Clause::Harmless
        }
        _ => return None,
    };
    Some(clause)
}

fn dropped(reader: &mut Reader<'_>) -> Option<Clause> {
    if reader.eat("PRIMARY KEY") {
        return Some(Clause::ChangePrimaryKey);
    }
    // What refuses less breaks nobody.
    if reader.eat_any(&["FOREIGN KEY", "CHECK", "CONSTRAINT"]) {
        return Some(Clause::Harmless);
    }
    if reader.eat("PARTITION") {
        return Some(Clause::DropRows);
    }
    if reader.eat_any(&["INDEX", "KEY"]) {
        reader.eat("IF EXISTS");
        return Some(Clause::DropIndex(reader.name()?));
    }
    reader.eat("COLUMN");
    reader.eat("IF EXISTS");
    Some(Clause::DropColumn(reader.name()?.to_lowercase()))
}

fn renamed(reader: &mut Reader<'_>) -> Option<Clause> {
    if reader.eat_any(&["INDEX", "KEY"]) {
        return Some(Clause::Harmless);
    }
    if reader.eat("COLUMN") {
        let from = reader.name()?.to_lowercase();
        reader.eat("TO").then_some(())?;
        return Some(Clause::RenameColumn { from, to: reader.name()?.to_lowercase() });
    }
    reader.eat_any(&["TO", "AS"]);
    Some(Clause::RenameTable(reader.name()?))
}
