//! `[shipping]` and `[tax]`: what an order costs beside its items.

use jewel_runbooks::ShippingRate;
use serde::{Deserialize, Serialize};

use super::file::File;
use super::validate::Problem;

/// As long as the API lets it be.
const LONGEST_NAME: usize = 32;

/// `[shipping]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Shipping {
    /// What standard shipping costs.
    pub standard: ShippingRate,
    /// What express shipping costs.
    pub express: ShippingRate,
}

impl Default for Shipping {
    fn default() -> Self {
        Self {
            standard: ShippingRate { price_minor: 800, free_from_minor: Some(20_000) },
            express: ShippingRate { price_minor: 2_500, free_from_minor: None },
        }
    }
}

/// `[tax]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Tax {
    /// What it is called.
    pub name: String,
    /// Its rate.
    pub percent: f64,
}

impl Default for Tax {
    fn default() -> Self {
        Self { name: "GST".into(), percent: 9.0 }
    }
}

/// What could not work.
pub(super) fn problems(file: &File) -> Vec<Problem> {
    vec![
        ("tax", "name", name_problem(&file.tax.name), "for instance `GST`"),
        ("tax", "percent", percent_problem(file.tax.percent), "for instance 9 or 8.25; 0 for none"),
    ]
}

fn name_problem(name: &str) -> Option<String> {
    let ok = !name.trim().is_empty() && name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    (!ok).then(|| format!("is not one line of 1 to {LONGEST_NAME} characters"))
}

fn percent_problem(percent: f64) -> Option<String> {
    let hundredths = percent * 100.0;
    let ok = (0.0..10_000.0).contains(&hundredths) && (hundredths - hundredths.round()).abs() < 1e-6;
    (!ok).then(|| format!("is {percent}, not a percentage below 100 with at most two decimals"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_of_tax() {
        for good in [0.0, 9.0, 8.25, 7.5, 99.99, 0.07] {
            assert_eq!(percent_problem(good), None, "{good}");
        }
        for bad in [-1.0, 100.0, 8.125, f64::NAN, f64::INFINITY] {
            assert!(percent_problem(bad).is_some(), "{bad} passed");
        }
        assert_eq!(name_problem("GST"), None);
        assert!(name_problem(" ").is_some() && name_problem(&"x".repeat(33)).is_some());
    }

    #[test]
    fn a_rate_without_an_end_is_never_free() {
        let text = "project = 'shop'\n[shipping]\nstandard = { price_minor = 500 }";
        let file: File = toml::from_str(text).unwrap();
        assert_eq!(file.shipping.standard, ShippingRate { price_minor: 500, free_from_minor: None });
        assert_eq!(file.shipping.express, Shipping::default().express);
        assert!(toml::from_str::<File>("project = 'shop'\n[shipping]\nstandard = { price_minor = -5 }").is_err());
    }
}
