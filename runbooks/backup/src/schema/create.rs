//! `CREATE TABLE` as servers print it, taken apart just so far that keys can be added after the rows.

/// A statement in its parts.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Create {
    /// Up to the opening parenthesis.
    head: String,
    /// Columns, keys and constraints.
    items: Vec<String>,
    /// From the closing parenthesis on: the table's options.
    tail: String,
}

impl Create {
    /// From what `SHOW CREATE TABLE` prints.
    pub(crate) fn parse(text: &str) -> Self {
        let (mut items, mut start, mut end, mut depth) = (Vec::new(), 0, text.len(), 0);
        let mut head = 0;
        for (at, byte) in plain(text) {
            match byte {
                b'(' => {
                    depth += 1;
                    if depth == 1 && items.is_empty() && head == 0 {
                        (head, start) = (at + 1, at + 1);
                    }
                }
                b')' => {
                    depth -= 1;
                    if depth == 0 {
                        end = at;
                        break;
                    }
                }
                b',' if depth == 1 => {
                    items.push(text[start..at].trim().to_owned());
                    start = at + 1;
                }
                _ => {}
            }
        }
        items.push(text[start..end].trim().to_owned());
        Self { head: text[..head].to_owned(), items, tail: text[end..].to_owned() }
    }

    fn print(&self, items: &[&str], tail: &str) -> String {
        format!("{}\n  {}\n{tail}", self.head, items.join(",\n  "))
    }

    fn all(&self) -> Vec<&str> {
        self.items.iter().map(String::as_str).collect()
    }

    /// The whole statement without `AUTO_INCREMENT=…` among its options.
    pub(crate) fn without_counter(&self) -> String {
        const WORD: &[u8] = b" AUTO_INCREMENT=";
        let bytes = self.tail.as_bytes();
        let found = plain(&self.tail).find(|(at, _)| bytes[*at..].starts_with(WORD));
        let tail = found.map_or_else(
            || self.tail.clone(),
            |(at, _)| {
                let after = &self.tail[at + WORD.len()..];
                format!("{}{}", &self.tail[..at], after.trim_start_matches(|digit: char| digit.is_ascii_digit()))
            },
        );
        self.print(&self.all(), &tail)
    }

    /// What makes the table with only what must be there before its rows.
    pub(crate) fn bare(&self) -> String {
        let kept: Vec<&str> =
            self.all().into_iter().filter(|item| !self.later_key(item) && !is_foreign_key(item)).collect();
        self.print(&kept, &self.tail).replacen("CREATE TABLE ", "CREATE TABLE IF NOT EXISTS ", 1)
    }

    /// The keys that are faster made of all rows at once than row by row.
    pub(crate) fn keys(&self) -> Vec<&str> {
        self.all().into_iter().filter(|item| self.later_key(item)).collect()
    }

    /// The foreign keys, which need the other tables.
    pub(crate) fn foreign_keys(&self) -> Vec<&str> {
        self.all().into_iter().filter(|item| is_foreign_key(item)).collect()
    }

    fn later_key(&self, item: &str) -> bool {
        is_key(item) && self.has_primary_key() && !self.keys_stay()
    }

    fn has_primary_key(&self) -> bool {
        self.items.iter().any(|item| item.starts_with("PRIMARY KEY"))
    }

    /// Without a primary key a unique one may be what rows are ordered by; a counter needs its key from the beginning;
    /// and of full-text keys servers add only one at a time. Such tables keep all their keys, in their order.
    fn keys_stay(&self) -> bool {
        let counts = |item: &&String| plain(item).any(|(at, _)| item[at..].starts_with(" AUTO_INCREMENT"));
        let counter = self.items.iter().find(counts).and_then(|item| name(item));
        let primary = self.items.iter().find(|item| item.starts_with("PRIMARY KEY")).and_then(|item| name(item));
        (counter.is_some() && counter != primary) || self.items.iter().any(|item| item.starts_with("FULLTEXT KEY"))
    }
}

fn is_key(item: &str) -> bool {
    ["KEY ", "UNIQUE KEY ", "SPATIAL KEY "].iter().any(|word| item.starts_with(word))
}

fn is_foreign_key(item: &str) -> bool {
    item.starts_with("CONSTRAINT ") && name_end(item).is_some_and(|end| item[end..].starts_with(" FOREIGN KEY "))
}

/// The first name in backticks.
pub(crate) fn name(item: &str) -> Option<&str> {
    let start = item.find('`')?;
    name_end(item).map(|end| &item[start..end])
}

fn name_end(item: &str) -> Option<usize> {
    let mut at = item.find('`')? + 1;
    loop {
        at += item[at..].find('`')? + 1;
        if !item[at..].starts_with('`') {
            return Some(at);
        }
        at += 1;
    }
}

/// The bytes that stand outside of quotes, with their places.
fn plain(text: &str) -> impl Iterator<Item = (usize, u8)> + '_ {
    let mut quote = None;
    let mut escaped = false;
    text.bytes().enumerate().filter(move |(_, byte)| {
        if std::mem::take(&mut escaped) {
            return false;
        }
        match quote {
            // A doubled quote ends one text and begins the next, which comes to the same.
            Some(end) => {
                escaped = *byte == b'\\' && end != b'`';
                if *byte == end {
                    quote = None;
                }
                false
            }
            None => {
                if matches!(byte, b'\'' | b'"' | b'`') {
                    quote = Some(*byte);
                }
                quote.is_none()
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "CREATE TABLE `a(b` (
  `id` bigint NOT NULL AUTO_INCREMENT COMMENT 'it''s, (a \\' AUTO_INCREMENT=5',
  `k``ey` decimal(10,2) DEFAULT '1,5',
  `up` int GENERATED ALWAYS AS (`id` + 1) VIRTUAL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `u` (`k``ey`,`id`),
  KEY `k` (`up`) COMMENT ' FOREIGN KEY ',
  CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `o` (`id`) ON DELETE CASCADE,
  CONSTRAINT `c FOREIGN KEY ` CHECK (`id` > 0)
) ENGINE=InnoDB AUTO_INCREMENT=77 DEFAULT CHARSET=utf8mb4 COMMENT=' AUTO_INCREMENT=8'";

    #[test]
    fn keys_come_after_the_rows_and_quotes_are_respected() {
        let create = Create::parse(PRINTED);
        assert_eq!(create.print(&create.all(), &create.tail), PRINTED);
        assert_eq!(create.keys(), ["UNIQUE KEY `u` (`k``ey`,`id`)", "KEY `k` (`up`) COMMENT ' FOREIGN KEY '"]);
        assert_eq!(
            create.foreign_keys(),
            ["CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `o` (`id`) ON DELETE CASCADE"]
        );
        assert_eq!(create.without_counter(), PRINTED.replace(" AUTO_INCREMENT=77", ""));
        insta::assert_snapshot!(create.bare());
    }

    #[test]
    fn what_needs_its_keys_from_the_beginning_keeps_them() {
        for keeps in [
            PRINTED.replace("PRIMARY KEY (`id`)", "KEY `p` (`id`)"),
            PRINTED.replace("PRIMARY KEY (`id`)", "PRIMARY KEY (`up`,`id`)"),
            PRINTED.replace("KEY `k`", "FULLTEXT KEY `k`"),
        ] {
            assert!(Create::parse(&keeps).keys().is_empty(), "{keeps}");
        }
    }
}
