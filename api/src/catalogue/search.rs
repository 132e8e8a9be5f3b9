//! What people type, as a full-text query: every word must be there, as the beginning of a word.

/// The stop words that InnoDB does not index (`INFORMATION_SCHEMA.INNODB_FT_DEFAULT_STOPWORD`, the same in MySQL and
/// MariaDB). Asking for one of them would find nothing.
const STOP_WORDS: [&str; 36] = [
    "a", "about", "an", "are", "as", "at", "be", "by", "com", "de", "en", "for", "from", "how", "i", "in", "is", "it",
    "la", "of", "on", "or", "that", "the", "this", "to", "und", "was", "what", "when", "where", "who", "will", "with",
    "www", "",
];

/// `innodb_ft_min_token_size`, which Lightsail leaves at its default.
const SHORTEST_INDEXED: usize = 3;

/// More words than this are ignored: nobody types them, and each costs an index lookup.
const MOST_WORDS: usize = 8;

/// The words searched for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Terms(Vec<String>);

impl Terms {
    pub(crate) fn new(text: &str) -> Self {
        let words = text
            .split(|c: char| !c.is_alphanumeric())
            .map(str::to_lowercase)
            .filter(|word| !STOP_WORDS.contains(&word.as_str()))
            .take(MOST_WORDS)
            .collect();
        Self(words)
    }

    /// The query in boolean mode; `None` when no word is left, which matches nothing.
    ///
    /// Words too short to be indexed could only match as the beginning of longer ones, so next to longer words they are
    /// welcome but not required.
    pub(crate) fn boolean_query(&self) -> Option<String> {
        let is_indexed = |word: &String| word.chars().count() >= SHORTEST_INDEXED;
        let all_short = !self.0.iter().any(is_indexed);
        let term = |word: &String| if all_short || is_indexed(word) { format!("+{word}*") } else { format!("{word}*") };
        let terms: Vec<String> = self.0.iter().map(term).collect();
        if terms.is_empty() { None } else { Some(terms.join(" ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn query(text: &str) -> Option<String> {
        Terms::new(text).boolean_query()
    }

    #[test]
    fn every_word_is_required_as_a_beginning() {
        assert_eq!(query("Gold ring").as_deref(), Some("+gold* +ring*"));
        assert_eq!(query("the ring of Éclat!").as_deref(), Some("+ring* +éclat*"));
        assert_eq!(query("45 cm pearls").as_deref(), Some("45* cm* +pearls*"));
        assert_eq!(query("18").as_deref(), Some("+18*"));
        assert_eq!(query("of the"), None);
        assert_eq!(query("  "), None);
    }

    proptest! {
        #[test]
        fn operators_never_get_through(text in any::<String>()) {
            if let Some(query) = query(&text) {
                for term in query.split(' ') {
                    prop_assert!(term.ends_with('*'), "{}", query);
                    let word = term.trim_start_matches('+').trim_end_matches('*');
                    prop_assert_eq!(term.len() - word.len(), if term.starts_with('+') { 2 } else { 1 });
                    prop_assert!(!word.contains(['+', '-', '<', '>', '(', ')', '~', '*', '"', '@']), "{}", query);
                }
            }
        }
    }
}
