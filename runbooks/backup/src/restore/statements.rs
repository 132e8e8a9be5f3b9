//! Rows as `INSERT` statements, for servers that do not allow `LOAD DATA LOCAL`.

use crate::{schema::Table, server::quote};

/// A statement may be about so long: all servers take that, and longer ones are not faster.
const LENGTH: usize = 1 << 20;

/// Makes statements of the text of rows, as it comes.
pub(crate) struct Statements {
    head: String,
    /// Around each value.
    around: Vec<(&'static str, &'static str)>,
    /// The beginning of a line whose end has not come.
    rest: Vec<u8>,
    statement: Vec<u8>,
}

impl Statements {
    pub(crate) fn new(table: &Table) -> Self {
        let names: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
        let around = |column: &crate::schema::Column| {
            if column.write(0).1.is_some() { ("CONVERT(_binary'", "' USING utf8mb4)") } else { ("_binary'", "'") }
        };
        Self {
            head: format!("INSERT INTO {} ({}) VALUES ", quote(&table.name), names.join(", ")),
            around: table.columns.iter().map(around).collect(),
            rest: Vec::new(),
            statement: Vec::new(),
        }
    }

    /// Takes text, and gives the statements that are full.
    pub(crate) fn add(&mut self, text: &[u8]) -> Vec<Vec<u8>> {
        let mut full = Vec::new();
        let mut text = text;
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let mut line = std::mem::take(&mut self.rest);
            line.extend_from_slice(&text[..end]);
            text = &text[end + 1..];
            self.row(&line);
            if self.statement.len() >= LENGTH {
                full.extend(self.finish());
            }
        }
        self.rest.extend_from_slice(text);
        full
    }

    /// The last statement, if there is something left.
    pub(crate) fn finish(&mut self) -> Option<Vec<u8>> {
        let statement = std::mem::take(&mut self.statement);
        (!statement.is_empty()).then_some(statement)
    }

    fn row(&mut self, line: &[u8]) {
        let statement = &mut self.statement;
        statement.extend_from_slice(if statement.is_empty() { self.head.as_bytes() } else { b"," });
        for (place, (value, (before, after))) in line.split(|byte| *byte == b'\t').zip(&self.around).enumerate() {
            statement.push(if place == 0 { b'(' } else { b',' });
            if value == b"\\N" {
                statement.extend_from_slice(b"NULL");
                continue;
            }
            statement.extend_from_slice(before.as_bytes());
            // What is escaped there is escaped here in the same way; only the quote is not.
            for part in value.split_inclusive(|byte| *byte == b'\'') {
                match part.strip_suffix(b"'") {
                    Some(plain) => statement.extend([plain, b"\\'"].concat()),
                    None => statement.extend_from_slice(part),
                }
            }
            statement.extend_from_slice(after.as_bytes());
        }
        statement.push(b')');
    }
}
