//! The environment of a service as systemd's `EnvironmentFile=` wants it. Values may be secrets and stay inside
//! [`SecretString`]; only a digest of the whole is ever compared or shown.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Variables by name, in a stable order.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, SecretString>,
}

impl Environment {
    /// Sets a variable.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<SecretString>) {
        self.variables.insert(name.into(), value.into());
    }

    /// The names of the variables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.variables.keys().map(String::as_str)
    }

    /// The file's content. The same variables always give the same bytes.
    ///
    /// Values are double-quoted with `\`, `"`, `$` and backquote escaped, as systemd.exec(5) describes.
    ///
    /// # Errors
    /// [`Error::Environment`] for a name that is none, or a value with a line break or another control character.
    pub fn render(&self) -> Result<SecretString, Error> {
        let mut text = String::new();
        for (name, value) in &self.variables {
            let bad = |reason| Error::Environment { name: name.clone(), reason };
            let mut letters = name.chars();
            let starts_well = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
            if !starts_well || !letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return Err(bad("the name has other characters than letters, digits and underscores"));
            }
            text.push_str(name);
            text.push_str("=\"");
            for c in value.expose_secret().chars() {
                if c.is_control() {
                    return Err(bad("the value has a line break or another control character"));
                }
                if matches!(c, '\\' | '"' | '$' | '`') {
                    text.push('\\');
                }
                text.push(c);
            }
            text.push_str("\"\n");
        }
        Ok(SecretString::from(text))
    }

    /// SHA-256 of the rendered file in hex, for comparing it with what is on the instance.
    ///
    /// # Errors
    /// As [`Environment::render`].
    pub fn digest(&self) -> Result<String, Error> {
        Ok(hex::encode(Sha256::digest(self.render()?.expose_secret())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(name: &str, value: &str) -> Result<String, Error> {
        let mut environment = Environment::default();
        environment.set(name, value);
        environment.render().map(|text| text.expose_secret().to_owned())
    }

    #[test]
    fn values_are_quoted_for_systemd() {
        assert_eq!(rendered("KEY", r#"a b"c\d$e`f'g#h"#).unwrap(), "KEY=\"a b\\\"c\\\\d\\$e\\`f'g#h\"\n");
        assert_eq!(rendered("KEY", "").unwrap(), "KEY=\"\"\n");
    }

    #[test]
    fn what_cannot_be_written_is_refused_without_showing_the_value() {
        for (name, value) in [("KEY", "two\nlines"), ("A B", "x"), ("", "x"), ("1A", "x")] {
            let text = rendered(name, value).expect_err("must be refused").to_string();
            assert!(!text.contains("two"), "{text}");
        }
    }

    #[test]
    fn the_order_of_setting_does_not_matter() {
        let (mut one, mut two) = (Environment::default(), Environment::default());
        one.set("A", "1");
        one.set("B", "2");
        two.set("B", "2");
        two.set("A", "1");
        assert_eq!(one.digest().unwrap(), two.digest().unwrap());
    }
}
