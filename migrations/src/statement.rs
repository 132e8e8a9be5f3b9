//! Splits a migration file into statements, the way the server's own lexer would.
//!
//! Knows quotes, backslash escapes, doubled quotes, the three kinds of comments and executable comments (`/*! */`). There
//! is no `DELIMITER`: that is a command of the mysql client, not SQL, and a file that needs it is refused.

use serde::Serialize;
use sha2::{Digest, Sha256};

/// One statement of a migration file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Statement {
    /// The statement as written, without the terminating `;` and the comments before it.
    pub sql: String,
    /// The statement with comments dropped and white space outside quotes collapsed: what the hash is taken of, so that
    /// a comment, an indentation or a CRLF may change in a file that was already applied.
    pub canonical: String,
    /// The line its first word stands on, counted from 1.
    pub line: usize,
    /// Why it is safe although [`lint`](crate::lint) would refuse it: the reason after `-- jewel: safe because` in the
    /// comments directly before it. Empty when the file gives none.
    pub safe_because: Option<String>,
}

impl Statement {
    /// SHA-256 of [`canonical`](Self::canonical), in hexadecimal.
    pub fn hash(&self) -> String {
        hex::encode(Sha256::digest(self.canonical.as_bytes()))
    }

    /// The first characters of the statement, for events and errors.
    pub fn summary(&self) -> String {
        const LONGEST: usize = 72;
        let mut summary: String = self.canonical.chars().take(LONGEST).collect();
        if self.canonical.chars().nth(LONGEST).is_some() {
            summary.push('…');
        }
        summary
    }

    /// Whether the statement takes part in a transaction, so that its progress can be committed together with it.
    /// Everything else commits by itself.
    pub(crate) fn is_transactional(&self) -> bool {
        ["INSERT", "UPDATE", "DELETE", "REPLACE"].contains(&self.verb().as_str())
    }

    /// The first word in capitals.
    pub(crate) fn verb(&self) -> String {
        self.canonical.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default().to_ascii_uppercase()
    }
}

/// Why a file cannot be split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// A quote or comment is still open at the end of the file.
    #[error("{what} opened on line {line} is never closed")]
    Unterminated {
        /// What was opened.
        what: &'static str,
        /// Where, counted from 1.
        line: usize,
    },
    /// The file uses the mysql client's `DELIMITER` command.
    #[error("line {line} uses DELIMITER, which is a command of the mysql client and not SQL")]
    Delimiter {
        /// Where, counted from 1.
        line: usize,
    },
}

/// Splits the text of a migration file. Empty statements are dropped.
pub fn split(text: &str) -> Result<Vec<Statement>, SplitError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let mut splitter = Splitter { rest: &text, line: 1, current: Draft::default(), done: Vec::new() };
    while let Some(next) = splitter.rest.chars().next() {
        splitter.step(next)?;
    }
    splitter.finish_statement();
    match splitter.done.iter().find(|statement| statement.verb() == "DELIMITER") {
        Some(statement) => Err(SplitError::Delimiter { line: statement.line }),
        None => Ok(splitter.done),
    }
}

struct Splitter<'a> {
    rest: &'a str,
    line: usize,
    current: Draft,
    done: Vec<Statement>,
}

#[derive(Default)]
struct Draft {
    sql: String,
    canonical: String,
    line: usize,
    gap: bool,
    safe_because: Option<String>,
}

impl Splitter<'_> {
    fn step(&mut self, next: char) -> Result<(), SplitError> {
        match next {
            '\'' => self.quoted("a ' quote"),
            '"' => self.quoted("a \" quote"),
            '`' => self.quoted("a ` quote"),
            '#' => {
                self.line_comment();
                Ok(())
            }
            // The server wants white space after the dashes, otherwise `5--3` would be a comment.
            '-' if self.rest.starts_with("--")
                && self.rest[2..].chars().next().is_none_or(|c| c.is_whitespace() || c.is_control()) =>
            {
                self.line_comment();
                Ok(())
            }
            '/' if self.rest.starts_with("/*") => self.block_comment(),
            ';' => {
                self.skip(1);
                self.finish_statement();
                Ok(())
            }
            _ if next.is_whitespace() => {
                let taken = self.take(next.len_utf8());
                self.gap(&taken);
                Ok(())
            }
            _ => {
                let taken = self.take(next.len_utf8());
                self.code(&taken);
                Ok(())
            }
        }
    }

    fn quoted(&mut self, what: &'static str) -> Result<(), SplitError> {
        let quote = self.rest.as_bytes()[0];
        let bytes = self.rest.as_bytes();
        let mut at = 1;
        loop {
            match bytes.get(at) {
                None => return Err(SplitError::Unterminated { what, line: self.line }),
                Some(b'\\') if quote != b'`' => at += 2,
                Some(byte) if *byte == quote && bytes.get(at + 1) == Some(&quote) => at += 2,
                Some(byte) if *byte == quote => break,
                Some(_) => at += 1,
            }
        }
        let start = self.line;
        let taken = self.take(at + 1);
        self.current.start(start);
        self.current.push_code(&taken);
        Ok(())
    }

    fn line_comment(&mut self) {
        let length = self.rest.find('\n').unwrap_or(self.rest.len());
        let taken = self.take(length);
        if !self.current.started() {
            self.current.note(taken.trim_start_matches(['-', '#']).trim());
        }
        self.gap(&taken);
    }

    fn block_comment(&mut self) -> Result<(), SplitError> {
        let Some(length) = self.rest[2..].find("*/").map(|end| end + 4) else {
            return Err(SplitError::Unterminated { what: "a comment", line: self.line });
        };
        let start = self.line;
        let taken = self.take(length);
        // `/*! */`, `/*M! */` and `/*+ */` are executed or obeyed: they are code.
        if ["/*!", "/*M!", "/*+"].iter().any(|opening| taken.starts_with(opening)) {
            self.current.start(start);
            self.current.push_code(&taken);
        } else {
            self.gap(&taken);
        }
        Ok(())
    }

    fn gap(&mut self, text: &str) {
        if self.current.started() {
            self.current.sql.push_str(text);
            self.current.gap = true;
        }
    }

    fn code(&mut self, text: &str) {
        self.current.start(self.line);
        self.current.push_code(text);
    }

    fn take(&mut self, bytes: usize) -> String {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        self.line += taken.matches('\n').count();
        taken.to_owned()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    fn finish_statement(&mut self) {
        let draft = std::mem::take(&mut self.current);
        if draft.started() {
            self.done.push(Statement {
                sql: draft.sql.trim_end().to_owned(),
                canonical: draft.canonical,
                line: draft.line,
                safe_because: draft.safe_because,
            });
        }
    }
}

impl Draft {
    /// Reads a comment before the statement: a reason begins on one line and may go on over the next ones.
    fn note(&mut self, comment: &str) {
        if let Some(directive) = comment.strip_prefix("jewel:") {
            let reason = directive.trim_start().strip_prefix("safe because").unwrap_or_default();
            self.safe_because = Some(reason.trim().to_owned());
        } else if let Some(reason) = &mut self.safe_because {
            *reason = format!("{reason} {comment}").trim().to_owned();
        }
    }

    fn started(&self) -> bool {
        !self.canonical.is_empty()
    }

    fn start(&mut self, line: usize) {
        if !self.started() {
            self.line = line;
        }
    }

    fn push_code(&mut self, text: &str) {
        if std::mem::take(&mut self.gap) {
            self.canonical.push(' ');
        }
        self.sql.push_str(text);
        self.canonical.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sqls(text: &str) -> Vec<String> {
        split(text).unwrap().into_iter().map(|statement| statement.sql).collect()
    }

    #[test]
    fn semicolons_in_quotes_and_comments_do_not_split() {
        let text = "INSERT INTO a VALUES ('x;''y\\';', \";\", `b;c`); -- one; two\n# three;\n/* four; */ SELECT 5--3;";
        assert_eq!(sqls(text), ["INSERT INTO a VALUES ('x;''y\\';', \";\", `b;c`)", "SELECT 5--3"]);
    }

    #[test]
    fn comments_white_space_and_line_ends_do_not_change_the_hash() {
        let plain = &split("CREATE TABLE a (b INT);").unwrap()[0];
        let dressed = &split("-- why\r\nCREATE   TABLE a\r\n -- what\r\n (b /* how */ INT)\r\n;\r\n").unwrap()[0];
        assert_eq!(plain.hash(), dressed.hash());
        assert_eq!(dressed.line, 2);
    }

    #[test]
    fn text_in_quotes_and_executable_comments_change_the_hash() {
        for (one, other) in [
            ("INSERT INTO a VALUES ('b c')", "INSERT INTO a VALUES ('b  c')"),
            ("CREATE TABLE a (b INT) /*!80000 COMMENT='x' */", "CREATE TABLE a (b INT)"),
        ] {
            assert_ne!(split(one).unwrap()[0].hash(), split(other).unwrap()[0].hash());
        }
    }

    #[test]
    fn what_is_left_open_is_an_error_with_its_line() {
        assert_eq!(split("SELECT 1;\nSELECT 'a"), Err(SplitError::Unterminated { what: "a ' quote", line: 2 }));
        assert_eq!(split("/* a"), Err(SplitError::Unterminated { what: "a comment", line: 1 }));
        assert_eq!(split("SELECT 'a\\"), Err(SplitError::Unterminated { what: "a ' quote", line: 1 }));
        assert_eq!(split("SELECT 1;\nDELIMITER //\n"), Err(SplitError::Delimiter { line: 2 }));
    }

    #[test]
    fn a_reason_belongs_to_the_statement_it_stands_before() {
        let text = "-- About a.\n-- jewel: safe because nobody\n-- reads b.\nDROP TABLE b; DROP TABLE c;\n\
                    # jewel: safe because\nDROP TABLE d; DROP TABLE e -- jewel: safe because it is late\n;";
        let reasons: Vec<_> = split(text).unwrap().into_iter().map(|statement| statement.safe_because).collect();
        assert_eq!(reasons, [Some("nobody reads b.".into()), None, Some(String::new()), None]);
    }

    #[test]
    fn nothing_but_comments_is_no_statement() {
        assert!(split("\u{feff}-- a\n/* b */ ;;\n#c").unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let _ = split(&text);
        }

        #[test]
        fn statements_come_back_whatever_stands_between(
            words in proptest::collection::vec("[A-Z]{1,8}( '[a-z;]{0,6}')?", 1..6),
            gap in proptest::sample::select(vec!["", "\n", "-- x;\n", "/* ; */", "\r\n# '\r\n"]),
        ) {
            prop_assume!(words.iter().all(|word| !word.starts_with("DELIMITE")));
            let text: String = words.iter().map(|word| format!("{gap}{word};{gap}")).collect();
            prop_assert_eq!(sqls(&text), words);
        }
    }
}
