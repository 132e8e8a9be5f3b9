//! The pages for 3 a.m.: found by what one sees, read by a person, and run step by step by the program.
//!
//! A page is Markdown with a head of TOML between two lines of `+++`. A fenced block whose first line is `sh step=NAME`
//! is a step. Pages without a head are for reference and have no steps.

use include_dir::{Dir, include_dir};
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
use serde::{Deserialize, Serialize};

static PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/pages");

const FENCE: &str = "+++";

/// What the head of a page says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// What it is about.
    pub title: String,
    /// What one sees when it is needed, in the words of somebody who sees it.
    pub symptoms: Vec<String>,
    /// How long it takes on AWS, as a rule.
    pub minutes: u32,
    /// The drill that rehearses it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<String>,
}

/// Commands that are run together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PageStep {
    /// Its name on the page.
    pub name: String,
    /// Lines for a shell.
    pub script: String,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page {
    /// What it is called: its file's name without the ending.
    pub name: String,
    /// Its head; pages for reference have none.
    pub head: Option<Head>,
    /// Its text, without the head.
    #[serde(skip)]
    pub text: String,
    /// Its steps, in order.
    pub steps: Vec<PageStep>,
}

/// Why a page is not fit to be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Its head does not end.
    #[error("the head of page {0} does not end")]
    Endless(String),
    /// Its head is not what it should be.
    #[error("the head of page {page} is not understood")]
    Head {
        /// Which.
        page: String,
        /// Why.
        #[source]
        source: toml::de::Error,
    },
    /// Two steps have one name.
    #[error("page {page} has two steps `{step}`")]
    Twice {
        /// Which.
        page: String,
        /// The name.
        step: String,
    },
}

/// All pages, by name.
///
/// # Errors
/// [`PageError`]; a test of this crate reads every page.
pub fn pages() -> Result<Vec<Page>, PageError> {
    let mut pages: Vec<Page> = PAGES
        .files()
        .filter(|file| file.path().extension().is_some_and(|ending| ending == "md"))
        .filter_map(|file| Some((file.path().file_stem()?.to_str()?, file.contents_utf8()?)))
        .map(|(name, text)| Page::parse(name, text))
        .collect::<Result<_, _>>()?;
    pages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(pages)
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// [`PageError`].
    pub fn parse(name: &str, text: &str) -> Result<Self, PageError> {
        let (head, text) = match text.strip_prefix(FENCE) {
            None => (None, text),
            Some(rest) => {
                let end = format!("\n{FENCE}\n");
                let (head, text) = rest.split_once(end.as_str()).ok_or_else(|| PageError::Endless(name.to_owned()))?;
                let head = toml::from_str(head).map_err(|source| PageError::Head { page: name.to_owned(), source })?;
                (Some(head), text)
            }
        };
        let steps = steps(text);
        for (number, step) in steps.iter().enumerate() {
            if steps[..number].iter().any(|before| before.name == step.name) {
                return Err(PageError::Twice { page: name.to_owned(), step: step.name.clone() });
            }
        }
        Ok(Self { name: name.to_owned(), head, text: text.trim_start().to_owned(), steps })
    }

    /// How well it fits what somebody sees: how many of the words are in its name, title or symptoms. All words of up to
    /// three letters say nothing.
    #[must_use]
    pub fn fits(&self, seen: &str) -> usize {
        let Some(head) = &self.head else { return 0 };
        let own = format!("{} {} {}", self.name, head.title, head.symptoms.join(" ")).to_lowercase();
        let words = seen.to_lowercase();
        let words = words.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2 || *word == "db");
        words.filter(|word| own.contains(stem(word))).count()
    }
}

/// A word without what its end adds: "deleted", "deletes" and "deleting" are looked for alike.
fn stem(word: &str) -> &str {
    let ending =
        ["ing", "ed", "es", "s"].into_iter().find(|ending| word.len() > ending.len() + 3 && word.ends_with(ending));
    ending.map_or(word, |ending| &word[..word.len() - ending.len()])
}

fn steps(text: &str) -> Vec<PageStep> {
    let mut steps = Vec::new();
    let mut open: Option<PageStep> = None;
    for event in Parser::new(text) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                let name = info.strip_prefix("sh ").and_then(|rest| rest.trim().strip_prefix("step="));
                open = name.map(|name| PageStep { name: name.to_owned(), script: String::new() });
            }
            Event::Text(lines) => {
                if let Some(step) = &mut open {
                    step.script.push_str(&lines);
                }
            }
            Event::End(TagEnd::CodeBlock) => steps.extend(open.take()),
            _ => {}
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "+++\ntitle = \"It is gone\"\nsymptoms = [\"the database is gone\"]\nminutes = 20\n+++\n\n# Gone\n\n\
        Look:\n\n```sh step=look\njewelctl status\n```\n\n```sh\nnot a step\n```\n\n```sh step=mend\njewelctl up\n\
        jewelctl check\n```\n";

    #[test]
    fn steps_are_the_named_blocks() {
        let page = Page::parse("gone", PAGE).unwrap();
        let scripts: Vec<(&str, &str)> =
            page.steps.iter().map(|step| (step.name.as_str(), step.script.as_str())).collect();
        assert_eq!(scripts, [("look", "jewelctl status\n"), ("mend", "jewelctl up\njewelctl check\n")]);
        assert!(page.text.starts_with("# Gone"));
        assert!(Page::parse("gone", &PAGE.replace("=mend", "=look")).is_err());
        assert!(Page::parse("gone", &PAGE.replace("+++\n\n#", "\n#")).is_err());
        assert!(Page::parse("gone", &PAGE.replace("minutes", "hours")).is_err());
    }

    #[test]
    fn a_page_is_found_by_what_one_sees() {
        let all = pages().unwrap();
        let best = |seen: &str| {
            all.iter().max_by_key(|page| page.fits(seen)).filter(|page| page.fits(seen) > 0).map(|page| &*page.name)
        };
        for (seen, page) in [
            ("the site answers 5xx", "site-down"),
            ("the database is gone", "database-gone"),
            ("a key leaked", "key-leaked"),
            ("traffic surges", "traffic-surge"),
            ("the bill jumps", "bill-jumps"),
            ("a deploy broke checkout", "bad-deploy"),
            ("certificate about to expire", "certificate-expiring"),
            ("somebody dropped a table", "tables-dropped"),
            ("pictures are missing", "pictures-gone"),
            ("the instance is lost", "instance-lost"),
            ("the restore was cut off", "restore-cut-off"),
            ("orders are refused with 503", "journal-away"),
        ] {
            assert_eq!(best(seen), Some(page), "{seen}");
        }
        assert_eq!(best("zebra"), None);
    }

    #[test]
    fn every_page_for_3_am_says_what_it_must() {
        for page in pages().unwrap().iter().filter(|page| page.head.is_some()) {
            for section in
                ["How to notice", "How bad", "What to type", "How long", "What can go wrong", "How to know it is over"]
            {
                assert!(page.text.contains(&format!("## {section}\n")), "{} has no section `{section}`", page.name);
            }
            assert!(!page.steps.is_empty(), "{} has no step", page.name);
        }
    }
}
