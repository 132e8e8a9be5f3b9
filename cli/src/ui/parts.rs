//! Many resources in few lines: by part of the shop, by kind, by name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use jewel_aws::Part;
use jewel_engine::{Address, Step};

/// No wider than the narrowest terminal in use, so that a pipe, a log and a screen show the same.
const WIDTH: usize = 80;

/// Nine parts of two lines leave room for the rest of a plan on a screen of 24.
const LINES_A_PART: usize = 2;

/// One entry for each part that has any of the steps: its name, how many they are, and their names by kind.
///
/// Names that find no place are cut: whoever wants all of them asks for everything.
pub(super) fn parts<'a>(glyph: &str, steps: impl IntoIterator<Item = &'a Step>) -> String {
    let mut parts: BTreeMap<(bool, Option<Part>), Vec<&Address>> = BTreeMap::new();
    for step in steps {
        let part = Part::of(&step.address);
        // What the table does not know comes last.
        parts.entry((part.is_none(), part)).or_default().push(&step.address);
    }
    let mut text = String::new();
    for ((_, part), addresses) in parts {
        let title = part.map_or("other", Part::title);
        let head = format!("{title:11} {:>2}  ", addresses.len());
        let lines = wrap(&by_kind(&addresses).join("; "), WIDTH - 2 - head.len(), LINES_A_PART);
        for (number, line) in lines.iter().enumerate() {
            if number == 0 {
                let _ = writeln!(text, "{glyph} {head}{line}");
            } else {
                let _ = writeln!(text, "{:indent$}{line}", "", indent = 2 + head.len());
            }
        }
    }
    text
}

/// `bucket media, site`, `bucket-policy media`.
fn by_kind(addresses: &[&Address]) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for address in addresses {
        let name = address.as_str().split_once('.').map_or("", |(_, name)| name);
        kinds.entry(address.kind()).or_default().push(name);
    }
    kinds
        .into_iter()
        .map(|(kind, mut names)| {
            names.sort_unstable();
            format!("{kind} {}", names.join(", "))
        })
        .collect()
}

/// The whole text in lines that leave room for an indent.
pub(super) fn wrapped(text: &str, indent: usize) -> Vec<String> {
    wrap(text, WIDTH - indent, usize::MAX)
}

/// The text in at most so many lines; what finds no place is cut, and a mark says so.
fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() == most;
        let Some(line) = lines.last_mut() else { break };
        let room = if last { width - " …".chars().count() } else { width };
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= room {
            line.push(' ');
            line.push_str(word);
        } else if last {
            line.push_str(" …");
            break;
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
