//! What a buyer sends to place an order, and the rules it has to keep.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PaymentMethod, ShippingMethod};
use crate::error::FieldError;

/// An order to place. What is bought is in the cart.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Checkout {
    /// Where the confirmation goes.
    #[schema(max_length = 254, example = "ada@example.com")]
    pub(crate) email: String,
    /// Where the goods go.
    pub(crate) address: Address,
    /// How they travel.
    pub(crate) shipping_method: ShippingMethod,
    /// How they are paid.
    pub(crate) payment_method: PaymentMethod,
    /// The total that the buyer was shown, in minor units. When it is not that any more, the order is refused.
    #[schema(minimum = 1, example = 129_000)]
    pub(crate) expected_total_minor: i64,
}

/// Where the goods go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Address {
    /// Whose door it is.
    #[schema(min_length = 1, max_length = 120, example = "Ada Tan")]
    pub(crate) name: String,
    /// Street and number.
    #[schema(min_length = 1, max_length = 120, example = "10 Anson Road")]
    pub(crate) line1: String,
    /// Building, floor, unit.
    #[schema(min_length = 1, max_length = 120, example = "#12-03")]
    #[serde(default)]
    pub(crate) line2: Option<String>,
    /// City or town.
    #[schema(min_length = 1, max_length = 80, example = "Singapore")]
    pub(crate) city: String,
    /// State or province, where there are such.
    #[schema(min_length = 1, max_length = 80)]
    #[serde(default)]
    pub(crate) region: Option<String>,
    /// Postal code.
    #[schema(min_length = 1, max_length = 16, example = "079903")]
    pub(crate) postal_code: String,
    /// ISO 3166-1, two letters.
    #[schema(pattern = "^[A-Z]{2}$", example = "SG")]
    pub(crate) country: String,
    /// For the carrier.
    #[schema(min_length = 1, max_length = 32, example = "+65 6123 4567")]
    #[serde(default)]
    pub(crate) phone: Option<String>,
}

impl Checkout {
    /// Everything that is wrong with it; empty when nothing is.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        if !is_email(&self.email) {
            problems.push(FieldError::new("email", "must be an e-mail address of at most 254 characters"));
        }
        self.address.check(&mut problems);
        if self.expected_total_minor < 1 {
            problems.push(FieldError::new("expected_total_minor", "must be at least 1"));
        }
        problems
    }
}

impl Address {
    fn check(&self, problems: &mut Vec<FieldError>) {
        let mut line = |field: &str, value: Option<&str>, most: usize| {
            if !value.is_none_or(|value| is_line(value, most)) {
                let message = format!("must be one line of 1 to {most} characters");
                problems.push(FieldError::new(format!("address.{field}"), message));
            }
        };
        line("name", Some(&self.name), 120);
        line("line1", Some(&self.line1), 120);
        line("line2", self.line2.as_deref(), 120);
        line("city", Some(&self.city), 80);
        line("region", self.region.as_deref(), 80);
        line("postal_code", Some(&self.postal_code), 16);
        line("phone", self.phone.as_deref(), 32);
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            problems.push(FieldError::new("address.country", "must be two capital letters (ISO 3166-1)"));
        }
    }
}

/// One line of text without surprises in it: no control characters, no spaces around it.
pub(crate) fn is_line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}

/// Whether mail could be sent there: one `@`, something before it, a domain with a dot after it. Only a mail tells more.
fn is_email(text: &str) -> bool {
    let is_plain =
        text.len() <= 254 && !text.chars().any(|c| c.is_control() || c.is_whitespace() || "<>\"\\,;:()".contains(c));
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_domain = domain.contains('.')
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
                && !label.starts_with('-')
        });
    is_plain && (1..=64).contains(&local.len()) && is_domain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checkout(pointer: &str, value: serde_json::Value) -> Checkout {
        let mut whole = serde_json::json!({
            "email": "ada@example.com", "shipping_method": "standard", "payment_method": "card",
            "expected_total_minor": 129_000,
            "address": {"name": "Ada Tan", "line1": "10 Anson Road", "line2": null, "city": "Singapore",
                "postal_code": "079903", "country": "SG"},
        });
        if let Some(place) = whole.pointer_mut(pointer) {
            *place = value;
        }
        serde_json::from_value(whole).unwrap()
    }

    #[test]
    fn every_rule_names_its_field() {
        assert_eq!(checkout("/nowhere", serde_json::Value::Null).problems(), []);
        for (pointer, value, field) in [
            ("/email", "ada".into(), "email"),
            ("/email", "a@b".into(), "email"),
            ("/email", "a@b@c.d".into(), "email"),
            ("/email", "a@b.c\r\nBcc: d@e.f".into(), "email"),
            ("/email", format!("{}@example.com", "a".repeat(65)).into(), "email"),
            ("/expected_total_minor", 0.into(), "expected_total_minor"),
            ("/expected_total_minor", (-129_000).into(), "expected_total_minor"),
            ("/address/name", "".into(), "address.name"),
            ("/address/name", "a\u{0}b".into(), "address.name"),
            ("/address/line1", "a".repeat(121).into(), "address.line1"),
            ("/address/line2", " ".into(), "address.line2"),
            ("/address/city", "\n".into(), "address.city"),
            ("/address/postal_code", "1".repeat(17).into(), "address.postal_code"),
            ("/address/country", "sg".into(), "address.country"),
            ("/address/country", "SGP".into(), "address.country"),
        ] as [(&str, serde_json::Value, &str); 15]
        {
            let problems = checkout(pointer, value.clone()).problems();
            let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
            assert_eq!(fields, [field], "{pointer} = {value}");
        }
    }
}
