//! `[env.NAME]`: what one environment has otherwise. Its tables are laid over the file's own, key by key, before anything
//! is typed, so that whatever is wrong still stands on a line of its own.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use serde::Deserialize as _;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::diagnostic::{explain, nearest, point_at};
use super::file::{DEFAULT_ENV, File};
use super::{bundles, validate};
use crate::exit::Exit;
use crate::failure::Failure;

/// Reads the file as `env` (or as the environment it names itself) has it.
///
/// Every environment that the file declares is checked, whichever is asked for.
///
/// # Errors
/// Exit 2, pointing at the line; or naming the environments there are when `env` is none of them.
pub(super) fn read(path: &Path, text: &str, env: Option<&str>) -> Result<File, Failure> {
    let mut table = DeTable::parse(text).map_err(|error| explain(path, text, &error))?;
    let declared = declared(path, text, table.get_mut())?;
    let named = table.get_ref().get("env").and_then(|value| value.get_ref().as_str()).map(str::to_owned);
    let chosen = env.map_or_else(|| named.unwrap_or_else(|| DEFAULT_ENV.to_owned()), str::to_owned);
    for (name, overrides) in &declared {
        if *name != chosen {
            typed(path, text, with(table.clone(), name, Some(overrides)))?;
        }
    }
    let overrides = declared.get(&chosen);
    if overrides.is_none() && !declared.is_empty() && chosen != DEFAULT_ENV {
        let known: Vec<String> = declared.keys().cloned().chain([DEFAULT_ENV.to_owned()]).collect();
        return Err(Failure::new(Exit::Usage, format!("`{}` has no environment `{chosen}`", path.display()))
            .hint(format!("{} A new one begins with the line `[env.{chosen}]`", nearest(&chosen, &known))));
    }
    typed(path, text, with(table, &chosen, overrides))
}

/// An environment's own tables, with the place where it begins.
type Overrides<'t> = (Range<usize>, DeTable<'t>);

/// Takes the tables `[env.NAME]` out of the file.
fn declared<'t>(path: &Path, text: &str, table: &mut DeTable<'t>) -> Result<BTreeMap<String, Overrides<'t>>, Failure> {
    if table.get("env").is_none_or(|env| !env.get_ref().is_table()) {
        return Ok(BTreeMap::new());
    }
    let mut all = BTreeMap::new();
    let Some(DeValue::Table(environments)) = table.remove("env").map(Spanned::into_inner) else { return Ok(all) };
    for (name, value) in environments {
        let place = name.span();
        let DeValue::Table(overrides) = value.into_inner() else {
            let message = format!("`env.{}` is not a table", name.get_ref());
            return Err(point_at(path, text, Some(place), &message)
                .hint(format!("an environment is declared by `[env.{}]`", name.get_ref())));
        };
        if let Some((key, _)) = overrides.get_key_value("env") {
            return Err(point_at(path, text, Some(key.span()), "an environment cannot name another")
                .hint("its name is the one in `[env.NAME]`"));
        }
        all.insert(name.get_ref().to_string(), (place, overrides));
    }
    Ok(all)
}

/// The file's table with an environment's laid over it, and with the environment's name in it.
fn with<'t>(mut table: Spanned<DeTable<'t>>, name: &str, overrides: Option<&Overrides<'t>>) -> Spanned<DeTable<'t>> {
    let named = table.get_mut().remove_entry("env").map(|(_, value)| value.span());
    if let Some((_, overrides)) = overrides {
        lay_over(table.get_mut(), overrides.clone());
    }
    let place = overrides.map(|(place, _)| place.clone()).or(named).unwrap_or(0..0);
    let value = Spanned::new(place.clone(), DeValue::String(name.to_owned().into()));
    table.get_mut().insert(Spanned::new(place, "env".into()), value);
    table
}

fn lay_over<'t>(below: &mut DeTable<'t>, above: DeTable<'t>) {
    for (key, value) in above {
        match below.get_mut(key.get_ref().as_ref()).map(Spanned::get_mut) {
            Some(DeValue::Table(under)) if value.get_ref().is_table() => {
                if let DeValue::Table(over) = value.into_inner() {
                    lay_over(under, over);
                }
            }
            _ => {
                // The key goes too: its place is part of what an error shows.
                below.remove(key.get_ref().as_ref());
                below.insert(key, value);
            }
        }
    }
}

fn typed(path: &Path, text: &str, table: Spanned<DeTable<'_>>) -> Result<File, Failure> {
    let places = table.get_ref().clone();
    let file = File::deserialize(Deserializer::from(table)).map_err(|error| explain(path, text, &error))?;
    let place = |section: &str, key: &str| place(&places, section, key);
    validate::check(path, text, &file, &place)?;
    bundles::check(path, text, &file, &place)?;
    Ok(file)
}

/// Where the value of a key stands, when the file says it; a flag may have.
fn place(table: &DeTable<'_>, section: &str, key: &str) -> Option<Range<usize>> {
    let table = if section.is_empty() { table } else { table.get(section)?.get_ref().as_table()? };
    Some(table.get(key)?.span()).filter(|span| !span.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
project = \"shop\"

[api]
bundle = \"small_3_0\"
throttle_burst = 300

[env.staging]
account_id = \"210987654321\"
api.bundle = \"nano_3_0\"

[env.staging.database]
bundle = \"micro_2_0\"
backup_window = \"10:00-10:30\"

[env.review]
";

    fn file(env: Option<&str>) -> File {
        read(Path::new("jewel.toml"), FILE, env).unwrap()
    }

    fn failure(text: &str, env: Option<&str>) -> String {
        read(Path::new("jewel.toml"), text, env).unwrap_err().render()
    }

    #[test]
    fn an_environment_has_its_own_keys_and_all_others_of_the_file() {
        let (prod, staging) = (file(None), file(Some("staging")));
        assert_eq!((prod.env.as_str(), prod.api.bundle.as_str(), prod.account_id), ("prod", "small_3_0", None));
        assert_eq!((staging.env.as_str(), staging.api.bundle.as_str()), ("staging", "nano_3_0"));
        assert_eq!((staging.api.throttle_burst, staging.database.backup_window.as_str()), (300, "10:00-10:30"));
        assert_eq!(staging.account_id.as_deref(), Some("210987654321"));
        assert_eq!(file(Some("review")), File { env: "review".into(), ..file(None) });
    }

    #[test]
    fn a_misspelt_environment_is_none() {
        let text = failure(FILE, Some("stagin"));
        assert!(text.contains("`jewel.toml` has no environment `stagin`"), "{text}");
        assert!(text.contains("did you mean `staging`? A new one begins with the line `[env.stagin]`"), "{text}");
        let plain = "project = \"shop\"\n";
        assert_eq!(read(Path::new("jewel.toml"), plain, Some("anything")).unwrap().env, "anything");
    }

    #[test]
    fn what_is_wrong_in_an_environment_is_shown_there_whichever_is_asked_for() {
        for (text, says) in [
            (FILE.replace("10:00-10:30", "10:00-10:10"), "line 13: `database.backup_window` is `10:00-10:10`"),
            (FILE.replace("api.bundle", "api.bundel"), "line 9: unknown key `bundel`"),
            (FILE.replace("[env.review]", "[env.Review]"), "line 15: `env` is `Review`"),
            ("project = \"shop\"\n[env]\nstaging = 1\n".to_owned(), "line 3: `env.staging` is not a table"),
            ("project = \"shop\"\n[env.a]\nenv = \"x\"\n".to_owned(), "line 3: an environment cannot name another"),
        ] {
            let found = failure(&text, None);
            assert!(found.contains(says), "{found}");
        }
    }
}
