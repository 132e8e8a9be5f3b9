//! Turns a TOML error into one that points at the line and the key, and suggests the right one.

use std::fmt::Write as _;
use std::ops::Range;
use std::path::Path;

use crate::exit::Exit;
use crate::failure::Failure;

/// What is wrong with the file: the line, the place in it, and a suggestion where one is near.
pub(super) fn explain(path: &Path, text: &str, error: &toml::de::Error) -> Failure {
    let message = error.message();
    let unknown = unknown_key(message);
    let headline = unknown.as_ref().map_or_else(|| message.to_owned(), |(key, _)| format!("unknown key `{key}`"));
    let hint = unknown.map_or_else(
        || format!("every key and its type is explained by `jewelctl init --dry-run`; mend `{}`", path.display()),
        |(key, known)| nearest(&key, &known),
    );
    point_at(path, text, error.span(), &headline).hint(hint)
}

/// A usage failure that shows the line.
pub(super) fn point_at(path: &Path, text: &str, span: Option<Range<usize>>, message: &str) -> Failure {
    let Some(span) = span else {
        return Failure::new(Exit::Usage, format!("`{}`: {message}", path.display()));
    };
    let start = span.start.min(text.len());
    let before = &text[..start];
    let number = before.matches('\n').count() + 1;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = text[line_start..].lines().next().unwrap_or_default();
    let column = text[line_start..start].chars().count();
    let width = text.get(start..span.end.min(line_start + line.len())).map_or(1, |under| under.chars().count().max(1));
    let mut shown = format!("`{}`, line {number}: {message}\n", path.display());
    let gutter = number.to_string();
    let _ = writeln!(shown, "  {gutter} | {line}");
    let _ = write!(shown, "  {} | {}{}", " ".repeat(gutter.len()), " ".repeat(column), "^".repeat(width));
    Failure::new(Exit::Usage, shown)
}

/// serde's "unknown field `a`, expected one of `b`, `c`" as values.
fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field ")?;
    let mut quoted = rest.split('`').skip(1).step_by(2).map(str::to_owned);
    let key = quoted.next()?;
    Some((key, quoted.collect()))
}

/// What was probably meant, else all there is.
pub(super) fn nearest(key: &str, known: &[String]) -> String {
    let near = known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(key, candidate), candidate))
        .min()
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3);
    match near {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None => format!("There are {}.", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> String {
        super::super::environments::read(Path::new("jewel.toml"), text, None).unwrap_err().render()
    }

    #[test]
    fn a_misspelt_key_is_shown_with_the_right_one() {
        insta::assert_snapshot!(failure("project = \"shop\"\n\n[api]\nbundel = \"small_3_0\"\n"), @r#"
        error: `jewel.toml`, line 4: unknown key `bundel`
          4 | bundel = "small_3_0"
            | ^^^^^^

        hint: did you mean `bundle`?
        "#);
    }

    #[test]
    fn a_wrong_type_is_shown_where_it_stands() {
        insta::assert_snapshot!(failure("project = \"shop\"\n[budget]\nmonthly_usd = \"lots\"\n"));
    }

    #[test]
    fn a_missing_project_is_named() {
        insta::assert_snapshot!(failure("env = \"prod\"\n"));
    }

    #[test]
    fn broken_toml_is_shown_where_it_breaks() {
        insta::assert_snapshot!(failure("project = \"shop\nenv = 1"));
    }
}
