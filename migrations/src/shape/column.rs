//! A column's definition, and whether another one holds all that it held.

use crate::sql::{Reader, Token};

/// A column as a statement defines it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Column {
    /// In small letters: servers do not tell column names apart by case.
    pub(crate) name: String,
    /// The type's name in capitals, its synonyms made one.
    kind: String,
    /// What stands in parentheses after the type.
    arguments: Vec<Token>,
    unsigned: bool,
    /// Character set and collation, as written.
    charset: Option<String>,
    pub(crate) not_null: bool,
    /// The server can fill it where an INSERT does not name it.
    pub(crate) fills_itself: bool,
    pub(crate) unique: bool,
    pub(crate) primary: bool,
    pub(crate) auto_increment: bool,
    /// Computed, and kept in the row.
    pub(crate) stored: bool,
    pub(crate) checked: bool,
}

/// What a change of type does to values that are there and to those the old release writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    /// All old values fit, and rows stay as they are.
    Wider,
    /// All old values fit, and every row is written anew.
    WiderByCopy,
    /// Not every old value fits, or its meaning changes.
    Narrower,
}

impl Column {
    /// Reads `name TYPE …`; `None` for a key or a constraint, which stand in the same lists.
    pub(crate) fn read(tokens: &[Token]) -> Option<Self> {
        const NOT_A_COLUMN: [&str; 9] =
            ["PRIMARY", "UNIQUE", "KEY", "INDEX", "FULLTEXT", "SPATIAL", "CONSTRAINT", "FOREIGN", "CHECK"];
        let mut reader = Reader::new(tokens);
        if NOT_A_COLUMN.contains(&reader.peek().as_str()) {
            return None;
        }
        let name = reader.name()?.to_lowercase();
        let written = reader.word();
        let (kind, synonym_unsigned) = synonym(&written, &mut reader)?;
        let arguments = reader.parentheses().unwrap_or_default().to_vec();
        let mut column = Self {
            name,
            kind,
            arguments,
            unsigned: synonym_unsigned,
            charset: None,
            not_null: false,
            fills_itself: false,
            unique: false,
            primary: false,
            auto_increment: false,
            stored: false,
            checked: false,
        };
        column.attributes(reader);
        if written == "SERIAL" {
            (column.not_null, column.unique, column.auto_increment, column.fills_itself) = (true, true, true, true);
        }
        Some(column)
    }

    fn attributes(&mut self, mut reader: Reader<'_>) {
        let mut charset = Vec::new();
        while !reader.is_empty() {
            if reader.parentheses().is_some() {
                continue;
            }
            if reader.eat("NOT NULL") {
                self.not_null = true;
                continue;
            }
            match reader.word().as_str() {
                "UNSIGNED" => self.unsigned = true,
                "DEFAULT" => {
                    // `DEFAULT NULL` fills a column only when it may be NULL, and then it is no news.
                    self.fills_itself |= !reader.eat("NULL");
                }
                "AUTO_INCREMENT" => (self.auto_increment, self.fills_itself) = (true, true),
                "AS" => self.fills_itself = true,
                "STORED" | "PERSISTENT" => self.stored = true,
                "UNIQUE" => self.unique = true,
                "PRIMARY" => (self.primary, self.not_null) = (true, true),
                "CHECK" => self.checked = true,
                "COLLATE" | "CHARSET" => charset.push(reader.name().unwrap_or_default().to_lowercase()),
                "CHARACTER" => {
                    reader.eat("SET");
                    charset.push(reader.name().unwrap_or_default().to_lowercase());
                }
                "" => reader.skip(),
                _ => {}
            }
        }
        self.charset = (!charset.is_empty()).then(|| charset.join(" "));
    }

    /// What becoming `new` means for what is there.
    pub(crate) fn change_to(&self, new: &Self) -> Change {
        if self.charset != new.charset {
            return Change::Narrower;
        }
        if self.kind == new.kind && self.unsigned == new.unsigned && self.arguments == new.arguments {
            return if self.stored == new.stored { Change::None } else { Change::WiderByCopy };
        }
        if let (Some(old), Some(wide)) = (self.integer_bytes(), new.integer_bytes()) {
            // The display width in parentheses is no limit.
            return match wide.cmp(&old) {
                _ if self.unsigned != new.unsigned => Change::Narrower,
                std::cmp::Ordering::Equal => Change::None,
                std::cmp::Ordering::Greater => Change::WiderByCopy,
                std::cmp::Ordering::Less => Change::Narrower,
            };
        }
        if let (Some(old), Some(wide)) = (self.text_rank(), new.text_rank()) {
            return if wide >= old { Change::WiderByCopy } else { Change::Narrower };
        }
        if self.kind != new.kind || self.unsigned != new.unsigned {
            return Change::Narrower;
        }
        match self.kind.as_str() {
            "VARCHAR" | "VARBINARY" => match (self.number(0), new.number(0)) {
                (Some(old), Some(wide)) if wide < old => Change::Narrower,
                // The row keeps a length of one byte up to 255 bytes; four bytes a character is utf8mb4's most.
                (Some(old), Some(wide)) if (old * self.bytes() > 255) == (wide * new.bytes() > 255) => Change::Wider,
                _ => Change::WiderByCopy,
            },
            "CHAR" | "BINARY" | "DATETIME" | "TIMESTAMP" | "TIME" => {
                if new.number(0) >= self.number(0) {
                    Change::WiderByCopy
                } else {
                    Change::Narrower
                }
            }
            "DECIMAL" => {
                let whole =
                    |column: &Self| column.number(0).unwrap_or(10).saturating_sub(column.number(1).unwrap_or(0));
                let (fraction, wide) = (self.number(1).unwrap_or(0), new.number(1).unwrap_or(0));
                if whole(new) >= whole(self) && wide >= fraction { Change::WiderByCopy } else { Change::Narrower }
            }
            // A value at the end of the list leaves the numbers of the others as they were.
            "ENUM" | "SET" if new.arguments.starts_with(&self.arguments) => Change::Wider,
            _ => Change::Narrower,
        }
    }

    fn bytes(&self) -> u64 {
        if self.kind == "VARCHAR" { 4 } else { 1 }
    }

    fn number(&self, at: usize) -> Option<u64> {
        let mut numbers = self.arguments.iter().filter_map(|token| match token {
            Token::Word(word) => word.parse().ok(),
            _ => None,
        });
        numbers.nth(at)
    }

    fn integer_bytes(&self) -> Option<u8> {
        let sizes = [("TINYINT", 1), ("SMALLINT", 2), ("MEDIUMINT", 3), ("INT", 4), ("BIGINT", 8)];
        sizes.iter().find(|(kind, _)| *kind == self.kind).map(|(_, bytes)| *bytes)
    }

    /// How much a text type without a length holds; texts and bytes apart.
    fn text_rank(&self) -> Option<(bool, u8)> {
        let text = ["TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT"].iter().position(|kind| *kind == self.kind);
        text.and_then(|rank| u8::try_from(rank).ok()).map(|rank| (true, rank))
    }
}

/// One name for the types that have several, and whether the name means UNSIGNED. `None` when there is no type.
fn synonym(written: &str, reader: &mut Reader<'_>) -> Option<(String, bool)> {
    let kind = match written {
        "" => return None,
        "INTEGER" => "INT",
        "BOOL" | "BOOLEAN" => "TINYINT",
        "DEC" | "NUMERIC" | "FIXED" => "DECIMAL",
        "SERIAL" => return Some(("BIGINT".to_owned(), true)),
        "CHARACTER" | "NCHAR" if reader.eat("VARYING") => "VARCHAR",
        "CHARACTER" | "NCHAR" => "CHAR",
        "DOUBLE" => {
            reader.eat("PRECISION");
            "DOUBLE"
        }
        other => other,
    };
    Some((kind.to_owned(), false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::tokens;

    fn column(text: &str) -> Column {
        Column::read(&tokens(text)).unwrap()
    }

    #[test]
    fn attributes_are_read_wherever_they_stand() {
        let plain = column("A INT NOT NULL COMMENT 'NULL DEFAULT 5'");
        assert!(plain.name == "a" && plain.not_null && !plain.fills_itself);
        assert!(column("a INT UNSIGNED DEFAULT (1 + 2) NOT NULL").fills_itself);
        assert!(!column("a INT NULL DEFAULT NULL").fills_itself);
        assert!(column("a INT GENERATED ALWAYS AS (b * 2) STORED NOT NULL").stored);
        assert!(column("a INT NOT NULL CHECK (a > 0)").checked);
        assert!(Column::read(&tokens("UNIQUE KEY a (b)")).is_none());
    }

    #[test]
    fn wider_is_wider_and_narrower_is_not() {
        for (old, new, change) in [
            ("a INT", "a INTEGER(11)", Change::None),
            ("a INT", "a BIGINT", Change::WiderByCopy),
            ("a INT", "a INT UNSIGNED", Change::Narrower),
            ("a BIGINT", "a INT", Change::Narrower),
            ("a VARCHAR(20)", "a VARCHAR(60)", Change::Wider),
            ("a VARCHAR(60)", "a VARCHAR(80)", Change::WiderByCopy),
            ("a VARCHAR(80)", "a VARCHAR(200)", Change::Wider),
            ("a VARCHAR(80)", "a VARCHAR(79)", Change::Narrower),
            ("a VARCHAR(80)", "a TEXT", Change::Narrower),
            ("a TEXT", "a MEDIUMTEXT", Change::WiderByCopy),
            ("a MEDIUMTEXT", "a TEXT", Change::Narrower),
            ("a DECIMAL(10,2)", "a DECIMAL(12,2)", Change::WiderByCopy),
            ("a DECIMAL(10,2)", "a DECIMAL(10,4)", Change::Narrower),
            ("a ENUM('x','y')", "a ENUM('x','y','z')", Change::Wider),
            ("a ENUM('x','y')", "a ENUM('y','x')", Change::Narrower),
            ("a VARCHAR(9) COLLATE utf8mb4_bin", "a VARCHAR(9)", Change::Narrower),
        ] {
            assert_eq!(column(old).change_to(&column(new)), change, "{old} to {new}");
        }
    }
}
