//! Profiles and addresses: as they are stored and shown, and the rules they have to keep.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::FieldError;

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Profile {
    /// The id in the user pool.
    pub(crate) subject: String,
    /// The verified e-mail address, when the token says it: ID tokens do.
    pub(crate) email: Option<String>,
    /// Whether the token is an administrator's.
    pub(crate) admin: bool,
    #[serde(flatten)]
    pub(crate) details: ProfileDetails,
}

/// What people tell of themselves. What is not sent is forgotten.
#[derive(Debug, Clone, Default, Deserialize, Serialize, FromRow, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProfileDetails {
    #[schema(min_length = 1, max_length = 200, example = "Mei Tan")]
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// With the country's code.
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$", example = "+6561234567")]
    #[serde(default)]
    pub(crate) phone: Option<String>,
    /// The language to write in.
    #[schema(pattern = "^[a-z]{2,3}(-[A-Z]{2})?$", example = "en-SG")]
    #[serde(default)]
    pub(crate) language: Option<String>,
}

/// An address of the address book.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedAddress {
    pub(crate) id: Uuid,
    #[serde(flatten)]
    pub(crate) details: AddressDetails,
}

/// Where things can be sent to.
#[derive(Debug, Clone, Deserialize, Serialize, FromRow, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AddressDetails {
    /// What its owner calls it.
    #[schema(max_length = 60, example = "Office")]
    #[serde(default)]
    pub(crate) label: String,
    /// Who receives things there.
    #[schema(min_length = 1, max_length = 200, example = "Mei Tan")]
    pub(crate) name: String,
    /// For whoever delivers, with the country's code.
    #[schema(pattern = r"^\+[1-9][0-9]{6,14}$", example = "+6561234567")]
    #[serde(default)]
    pub(crate) phone: Option<String>,
    #[schema(min_length = 1, max_length = 200, example = "10 Anson Road")]
    pub(crate) line1: String,
    #[schema(min_length = 1, max_length = 200)]
    #[serde(default)]
    pub(crate) line2: Option<String>,
    #[schema(min_length = 1, max_length = 120, example = "Singapore")]
    pub(crate) city: String,
    #[schema(min_length = 1, max_length = 120)]
    #[serde(default)]
    pub(crate) region: Option<String>,
    #[schema(pattern = "^[A-Za-z0-9](?:[A-Za-z0-9 -]{0,14}[A-Za-z0-9])?$", example = "079903")]
    #[serde(default)]
    pub(crate) postal_code: Option<String>,
    /// ISO 3166-1.
    #[schema(pattern = "^[A-Z]{2}$", example = "SG")]
    pub(crate) country: String,
}

/// An address book.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Addresses {
    /// The oldest first.
    pub(crate) items: Vec<SavedAddress>,
}

/// What was erased, and what was not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Erasure {
    /// How many addresses were erased with the profile.
    pub(crate) addresses: u64,
    /// How many orders were kept.
    pub(crate) kept_orders: i64,
    /// Why, in words for the one who asked.
    pub(crate) note: &'static str,
}

impl ProfileDetails {
    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut rules = Rules(Vec::new());
        rules.optional_line("name", self.name.as_deref(), 200);
        rules.phone(self.phone.as_deref());
        let is_language = self.language.as_deref().is_none_or(is_language);
        rules.require("language", is_language, "must be a language such as en or en-SG");
        rules.0
    }
}

impl AddressDetails {
    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut rules = Rules(Vec::new());
        rules.optional_line("label", Some(self.label.as_str()).filter(|label| !label.is_empty()), 60);
        rules.optional_line("name", Some(&self.name), 200);
        rules.phone(self.phone.as_deref());
        rules.optional_line("line1", Some(&self.line1), 200);
        rules.optional_line("line2", self.line2.as_deref(), 200);
        rules.optional_line("city", Some(&self.city), 120);
        rules.optional_line("region", self.region.as_deref(), 120);
        let is_code = self.postal_code.as_deref().is_none_or(is_postal_code);
        rules.require("postal_code", is_code, "must be letters, digits, spaces and hyphens, at most 16 characters");
        let is_country = self.country.len() == 2 && self.country.bytes().all(|byte| byte.is_ascii_uppercase());
        rules.require("country", is_country, "must be two capital letters (ISO 3166-1)");
        rules.0
    }
}

struct Rules(Vec<FieldError>);

impl Rules {
    fn require(&mut self, field: &str, holds: bool, message: &str) {
        if !holds {
            self.0.push(FieldError::new(field, message));
        }
    }

    fn optional_line(&mut self, field: &str, text: Option<&str>, most: usize) {
        let is_line = text.is_none_or(|text| {
            (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
        });
        self.require(field, is_line, &format!("must be one line of 1 to {most} characters"));
    }

    fn phone(&mut self, phone: Option<&str>) {
        let is_phone = phone.is_none_or(|phone| {
            phone.strip_prefix('+').is_some_and(|digits| {
                (7..=15).contains(&digits.len())
                    && !digits.starts_with('0')
                    && digits.bytes().all(|byte| byte.is_ascii_digit())
            })
        });
        self.require("phone", is_phone, "must be + and 7 to 15 digits, with the country's code");
    }
}

fn is_language(text: &str) -> bool {
    let (language, country) =
        text.split_once('-').map_or((text, None), |(language, country)| (language, Some(country)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_lowercase())
        && country.is_none_or(|country| country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn is_postal_code(text: &str) -> bool {
    (1..=16).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b' ' || byte == b'-')
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn fields(problems: Vec<FieldError>) -> Vec<String> {
        problems.into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn every_rule_of_a_profile_names_its_field() {
        let check = |value: Value| fields(serde_json::from_value::<ProfileDetails>(value).unwrap().problems());
        assert!(check(json!({})).is_empty());
        assert!(check(json!({"name": "Zoë", "phone": "+6561234567", "language": "en-SG"})).is_empty());
        assert_eq!(check(json!({"name": "", "phone": "61234567", "language": "EN"})), ["name", "phone", "language"]);
        for phone in ["+", "+0123456789", "+12345", "+1234567890123456", "+65 6123", "+٦٥١٢٣٤٥٦٧"] {
            assert_eq!(check(json!({"phone": phone})), ["phone"], "{phone}");
        }
        for language in ["e", "en-", "en-sg", "en_SG", "engl"] {
            assert_eq!(check(json!({"language": language})), ["language"], "{language}");
        }
    }

    #[test]
    fn every_rule_of_an_address_names_its_field() {
        let good = json!({"name": "Mei", "line1": "10 Anson Road", "city": "Singapore", "country": "SG"});
        let check = |field: &str, value: Value| {
            let mut address = good.clone();
            address[field] = value;
            fields(serde_json::from_value::<AddressDetails>(address).unwrap().problems())
        };
        assert!(check("postal_code", "SW1A 1AA".into()).is_empty());
        assert!(check("label", "".into()).is_empty());
        for (field, value) in [
            ("label", "a".repeat(61)),
            ("name", String::new()),
            ("line1", " x".into()),
            ("line2", String::new()),
            ("city", "a\nb".into()),
            ("region", "a".repeat(121)),
            ("postal_code", "-1".into()),
            ("postal_code", "1".repeat(17)),
            ("country", "sg".into()),
            ("country", "SGP".into()),
            ("phone", "999".into()),
        ] {
            assert_eq!(check(field, value.clone().into()), [field], "{value}");
        }
    }
}
