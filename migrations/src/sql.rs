//! The words of a statement: just enough of a lexer to tell what a DDL statement changes.
//!
//! It reads the canonical text that [`split`](crate::split) makes, so comments are gone already. What it does not
//! know it passes on as a symbol; who reads the words decides what may not be understood.

/// One word of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    /// A keyword, an unquoted name or a number.
    Word(String),
    /// A name in backticks, without them.
    Name(String),
    /// A text in quotes, with them.
    Text(String),
    /// An executable comment, whose words the server obeys or not, depending on its version.
    Executable,
    /// Any other character.
    Symbol(char),
}

/// The words of a statement's canonical text.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let length = match next {
            '\'' | '"' | '`' => {
                let length = quoted_length(rest, next);
                let inside = &rest[..length];
                tokens.push(match next {
                    '`' => Token::Name(inside.trim_matches('`').replace("``", "`")),
                    _ => Token::Text(inside.to_owned()),
                });
                length
            }
            _ if rest.starts_with("/*") => {
                tokens.push(Token::Executable);
                rest.find("*/").map_or(rest.len(), |end| end + 2)
            }
            _ if is_word(next) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(Token::Word(rest[..length].to_owned()));
                length
            }
            _ => {
                if !next.is_whitespace() {
                    tokens.push(Token::Symbol(next));
                }
                next.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn quoted_length(text: &str, quote: char) -> usize {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == '\\' && quote != '`' {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Reads words one after the other.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [Token],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tokens: &'a [Token]) -> Self {
        Self { rest: tokens }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [Token] {
        self.rest
    }

    /// The next word in capitals, without taking it; empty when it is none.
    pub(crate) fn peek(&self) -> String {
        match self.rest.first() {
            Some(Token::Word(word)) => word.to_ascii_uppercase(),
            _ => String::new(),
        }
    }

    /// Takes the next word and gives it in capitals; empty, and nothing taken, when it is none.
    pub(crate) fn word(&mut self) -> String {
        let word = self.peek();
        if !word.is_empty() {
            self.skip();
        }
        word
    }

    /// Takes these words when they are next, and else none of them.
    pub(crate) fn eat(&mut self, words: &str) -> bool {
        let mut ahead = self.clone();
        let eaten = words.split(' ').all(|word| ahead.word() == word);
        if eaten {
            *self = ahead;
        }
        eaten
    }

    /// Takes the first of these that is next.
    pub(crate) fn eat_any(&mut self, alternatives: &[&str]) -> bool {
        alternatives.iter().any(|words| self.eat(words))
    }

    pub(crate) fn symbol(&mut self, symbol: char) -> bool {
        let is_next = self.rest.first() == Some(&Token::Symbol(symbol));
        if is_next {
            self.skip();
        }
        is_next
    }

    /// A name, quoted or not.
    pub(crate) fn name(&mut self) -> Option<String> {
        let name = match self.rest.first()? {
            Token::Word(name) | Token::Name(name) => name.clone(),
            _ => return None,
        };
        self.skip();
        Some(name)
    }

    /// What stands between the parentheses that open here; `None`, and nothing taken, when none do.
    pub(crate) fn parentheses(&mut self) -> Option<&'a [Token]> {
        if self.rest.first() != Some(&Token::Symbol('(')) {
            return None;
        }
        let mut depth = 0_usize;
        for (at, token) in self.rest.iter().enumerate() {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                let inside = &self.rest[1..at];
                self.rest = &self.rest[at + 1..];
                return Some(inside);
            }
        }
        None
    }

    pub(crate) fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Whether one of these words is among what is left, outside parentheses.
    pub(crate) fn has(&self, words: &[&str]) -> bool {
        let mut ahead = self.clone();
        while !ahead.is_empty() {
            if ahead.parentheses().is_some() {
                continue;
            }
            if words.contains(&ahead.peek().as_str()) {
                return true;
            }
            ahead.skip();
        }
        false
    }
}

/// Parts what is separated by commas outside parentheses.
pub(crate) fn list(tokens: &[Token]) -> Vec<&[Token]> {
    let mut depth = 0_usize;
    tokens
        .split(|token| {
            match token {
                Token::Symbol('(') => depth += 1,
                Token::Symbol(')') => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && *token == Token::Symbol(',')
        })
        .filter(|part| !part.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_texts_and_lists_are_told_apart() {
        let words = tokens("ADD `a``b` INT DEFAULT 'x,''y\\'(', ADD (c INT, d INT)");
        assert_eq!(words[1], Token::Name("a`b".into()));
        assert_eq!(words[4], Token::Text("'x,''y\\'('".into()));
        let parts = list(&words);
        assert_eq!(parts.len(), 2);
        let mut reader = Reader::new(parts[1]);
        assert!(reader.eat("ADD") && !reader.eat("COLUMN"));
        assert_eq!(list(reader.parentheses().unwrap()).len(), 2);
        assert!(reader.is_empty());
    }

    proptest! {
        #[test]
        fn never_panics(text in any::<String>()) {
            let words = tokens(&text);
            let _ = list(&words);
            let mut reader = Reader::new(&words);
            while !reader.is_empty() {
                if reader.parentheses().is_none() {
                    reader.skip();
                }
            }
        }
    }
}
