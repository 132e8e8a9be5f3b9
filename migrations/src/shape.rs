//! What a statement is, as far as lint, rehearsal and resuming want to know it: which tables it makes, changes or drops.
//!
//! Not a parser of SQL: whatever it cannot place is [`Shape::Other`] or a clause that says so, and is judged as unknown.

mod alter;
mod column;

pub(crate) use alter::Clause;
pub(crate) use column::{Change, Column};

use crate::{
    sql::{Reader, Token, list, tokens},
    statement::Statement,
};

/// A statement by what it does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// `CREATE TABLE`.
    CreateTable {
        table: String,
        columns: Vec<Column>,
    },
    /// `ALTER TABLE`, clause by clause.
    AlterTable {
        table: String,
        clauses: Vec<Clause>,
    },
    /// `CREATE INDEX`, which is an `ALTER TABLE` with other words.
    CreateIndex {
        table: String,
        clause: Clause,
    },
    /// `DROP INDEX`.
    DropIndex {
        table: String,
        index: String,
    },
    DropTables(Vec<String>),
    /// From and to.
    RenameTables(Vec<(String, String)>),
    Truncate {
        table: String,
    },
    /// INSERT, REPLACE, UPDATE or DELETE. `whole_table` when nothing limits which rows it changes.
    Write {
        whole_table: bool,
    },
    /// Makes something that is no table: `kind` is VIEW, TRIGGER, PROCEDURE and so on; `replaces` what was there.
    CreateOther {
        kind: String,
        replaces: bool,
    },
    /// Drops something that is no table.
    DropOther {
        kind: String,
    },
    /// Changes no row and no schema.
    Nothing,
    /// Something this reader does not know.
    Other,
}

/// What a statement is, and whether it names another schema or hides words in executable comments.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reading {
    pub(crate) shape: Shape,
    /// A table that is made, changed or dropped is named with its schema before it.
    pub(crate) names_schema: bool,
    /// Words stand in `/*! */`, which servers of different versions read differently.
    pub(crate) has_executable: bool,
    /// It says `ALGORITHM` or `LOCK` itself.
    pub(crate) says_how: bool,
}

impl Reading {
    pub(crate) fn of(statement: &Statement) -> Self {
        let words = tokens(&statement.canonical);
        let reader = Reader::new(&words);
        let shape = shape(reader.clone()).unwrap_or(Shape::Other);
        // In a query, what stands before a dot is a table; in the definition of one, it is a schema.
        let queries = matches!(shape, Shape::Write { .. } | Shape::CreateOther { .. } | Shape::Nothing | Shape::Other);
        let mut threes = words.windows(3);
        Self {
            names_schema: !queries
                && threes.any(|three| matches!(three, [a, Token::Symbol('.'), b] if is_name(a) && is_name(b))),
            shape,
            has_executable: words.contains(&Token::Executable),
            says_how: reader.has(&["ALGORITHM", "LOCK"]),
        }
    }

    /// The tables whose definitions tell whether the statement has happened.
    pub(crate) fn tables(&self) -> Vec<&str> {
        match &self.shape {
            Shape::CreateTable { table, .. }
            | Shape::AlterTable { table, .. }
            | Shape::CreateIndex { table, .. }
            | Shape::DropIndex { table, .. } => vec![table],
            Shape::DropTables(tables) => tables.iter().map(String::as_str).collect(),
            Shape::RenameTables(pairs) => pairs.iter().flat_map(|(from, to)| [from.as_str(), to.as_str()]).collect(),
            _ => Vec::new(),
        }
    }
}

fn is_name(token: &Token) -> bool {
    match token {
        Token::Name(_) => true,
        Token::Word(word) => !word.starts_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

fn shape(mut reader: Reader<'_>) -> Option<Shape> {
    match reader.word().as_str() {
        "CREATE" => create(reader),
        "ALTER" => {
            reader.eat_any(&["ONLINE", "IGNORE"]);
            if !reader.eat("TABLE") {
                return None;
            }
            reader.eat("IF EXISTS");
            let table = table(&mut reader)?;
            Some(Shape::AlterTable {
                table,
                clauses: list(reader.rest()).into_iter().flat_map(alter::clauses).collect(),
            })
        }
        "DROP" => drop(reader),
        "RENAME" => {
            reader.eat_any(&["TABLE", "TABLES"]).then_some(())?;
            let pair = |part| {
                let mut reader = Reader::new(part);
                let from = table(&mut reader)?;
                reader.eat("TO").then_some(())?;
                Some((from, table(&mut reader)?))
            };
            Some(Shape::RenameTables(list(reader.rest()).into_iter().map(pair).collect::<Option<_>>()?))
        }
        "TRUNCATE" => {
            reader.eat("TABLE");
            Some(Shape::Truncate { table: table(&mut reader)? })
        }
        "INSERT" | "REPLACE" => Some(Shape::Write { whole_table: false }),
        "UPDATE" | "DELETE" => Some(Shape::Write { whole_table: !reader.has(&["WHERE", "LIMIT"]) }),
        "SELECT" | "DO" | "ANALYZE" => Some(Shape::Nothing),
        _ => None,
    }
}

fn create(mut reader: Reader<'_>) -> Option<Shape> {
    let replaces = reader.eat("OR REPLACE");
    if reader.eat("TABLE") {
        reader.eat("IF NOT EXISTS");
        let table = table(&mut reader)?;
        if replaces {
            return Some(Shape::DropTables(vec![table]));
        }
        let columns = reader.parentheses().map(list).unwrap_or_default();
        return Some(Shape::CreateTable { table, columns: columns.into_iter().filter_map(Column::read).collect() });
    }
    let mut index = reader.clone();
    let kind = index.peek();
    index.eat_any(&["UNIQUE", "FULLTEXT", "SPATIAL"]);
    if index.eat("INDEX") {
        index.eat("IF NOT EXISTS");
        index.name()?;
        if index.eat("USING") {
            index.skip();
        }
        index.eat("ON").then_some(())?;
        let clause = match kind.as_str() {
            "UNIQUE" => Clause::AddUnique,
            "FULLTEXT" | "SPATIAL" => Clause::AddSearchIndex,
            _ => Clause::AddIndex,
        };
        return Some(Shape::CreateIndex { table: table(&mut index)?, clause });
    }
    let kind = kind_of_object(&reader)?;
    Some(Shape::CreateOther { kind, replaces })
}

fn drop(mut reader: Reader<'_>) -> Option<Shape> {
    let temporary = reader.eat("TEMPORARY");
    if reader.eat_any(&["TABLE", "TABLES"]) {
        reader.eat("IF EXISTS");
        let tables: Vec<String> =
            list(reader.rest()).into_iter().map(|part| table(&mut Reader::new(part))).collect::<Option<_>>()?;
        return Some(if temporary { Shape::Nothing } else { Shape::DropTables(tables) });
    }
    if reader.eat("INDEX") {
        reader.eat("IF EXISTS");
        let index = reader.name()?;
        reader.eat("ON").then_some(())?;
        return Some(Shape::DropIndex { table: table(&mut reader)?, index });
    }
    Some(Shape::DropOther { kind: kind_of_object(&reader)? })
}

fn kind_of_object(reader: &Reader<'_>) -> Option<String> {
    const KINDS: [&str; 7] = ["VIEW", "TRIGGER", "PROCEDURE", "FUNCTION", "EVENT", "DATABASE", "SCHEMA"];
    // `DEFINER = …`, `ALGORITHM = …` and `SQL SECURITY …` may stand before the kind.
    let mut ahead = reader.clone();
    while !ahead.is_empty() {
        let word = ahead.peek();
        if KINDS.contains(&word.as_str()) {
            return Some(word);
        }
        ahead.skip();
    }
    None
}

/// A table's name; of one that is named with its schema, the table's part.
fn table(reader: &mut Reader<'_>) -> Option<String> {
    let mut name = reader.name()?;
    while reader.symbol('.') {
        name = reader.name()?;
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::split;
    use proptest::prelude::*;

    fn read(sql: &str) -> Reading {
        Reading::of(&split(sql).unwrap()[0])
    }

    #[test]
    fn statements_are_told_apart() {
        assert_eq!(read("DROP TABLE IF EXISTS a, `b`").shape, Shape::DropTables(vec!["a".into(), "b".into()]));
        assert_eq!(read("RENAME TABLE a TO b").shape, Shape::RenameTables(vec![("a".into(), "b".into())]));
        assert_eq!(
            read("CREATE UNIQUE INDEX i ON t (a) ALGORITHM=INPLACE").shape,
            Shape::CreateIndex { table: "t".into(), clause: Clause::AddUnique }
        );
        assert_eq!(read("UPDATE a SET b = (SELECT 1 FROM c WHERE d)").shape, Shape::Write { whole_table: true });
        assert_eq!(read("DELETE FROM a WHERE b").shape, Shape::Write { whole_table: false });
        assert_eq!(read("CREATE OR REPLACE TABLE a (b INT)").shape, Shape::DropTables(vec!["a".into()]));
        assert_eq!(
            read("CREATE DEFINER = `u`@`h` TRIGGER t BEFORE INSERT ON a FOR EACH ROW SET NEW.b = 1").shape,
            Shape::CreateOther { kind: "TRIGGER".into(), replaces: false }
        );
        assert_eq!(read("GRANT ALL ON *.* TO u").shape, Shape::Other);
    }

    #[test]
    fn other_schemas_hidden_words_and_algorithms_are_noticed() {
        assert!(read("ALTER TABLE other.t ADD a INT").names_schema);
        assert!(!read("ALTER TABLE t ADD a DECIMAL(5) DEFAULT 1.5").names_schema);
        assert!(read("ALTER TABLE t ADD a INT /*!80000 INVISIBLE */").has_executable);
        assert!(read("ALTER TABLE t ADD a INT, ALGORITHM=INSTANT").says_how);
        assert!(!read("ALTER TABLE t ADD a INT").says_how);
    }

    proptest! {
        #[test]
        fn never_panics(text in "(ALTER TABLE|CREATE|DROP|RENAME TABLE)[ a-zA-Z`'(),.=0-9]{0,60}") {
            for statement in split(&text).unwrap_or_default() {
                let _ = Reading::of(&statement);
            }
        }
    }
}
