//! What is added to the price of things: shipping, and the tax that all prices include.

use super::Reader;

/// No sum of an order is larger, in minor units.
const LARGEST: i64 = 1_000_000_000_000;

/// What an order costs beside its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermsConfig {
    /// The tax that prices include.
    pub tax: TaxConfig,
    /// Standard shipping.
    pub standard: ShippingRate,
    /// Express shipping.
    pub express: ShippingRate,
}

/// The tax that prices include.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxConfig {
    /// What it is called on an order.
    pub name: String,
    /// Its rate in hundredths of a percent.
    pub basis_points: u16,
}

/// What a way of shipping costs, in minor units of the shop's currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingRate {
    /// What it costs, tax included.
    pub price_minor: i64,
    /// Free when the items cost this much.
    pub free_from_minor: Option<i64>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    pub(super) fn terms(&mut self) -> TermsConfig {
        TermsConfig {
            tax: TaxConfig { name: self.tax_name(), basis_points: self.tax_rate() },
            standard: self.shipping_rate("JEWEL_SHIPPING_STANDARD", "800:20000"),
            express: self.shipping_rate("JEWEL_SHIPPING_EXPRESS", "2500"),
        }
    }

    fn tax_name(&mut self) -> String {
        let name = self.or("JEWEL_TAX_NAME", "GST");
        if name.chars().count() > 32 || name.chars().any(char::is_control) {
            self.problem("JEWEL_TAX_NAME", "is not one line of at most 32 characters");
        }
        name
    }

    /// Percent with at most two decimals, as hundredths of a percent.
    fn tax_rate(&mut self) -> u16 {
        let text = self.or("JEWEL_TAX_PERCENT", "9");
        let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
        let digits = |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole, 2) || !digits(part, 2) {
            self.problem("JEWEL_TAX_PERCENT", "is not a percentage below 100 such as 9 or 8.25");
            return 0;
        }
        format!("{whole}{part:0<2}").parse().unwrap_or_default()
    }

    /// `PRICE` or `PRICE:FREE_FROM`.
    fn shipping_rate(&mut self, variable: &'static str, default: &str) -> ShippingRate {
        let text = self.or(variable, default);
        let (price, free_from) =
            text.split_once(':').map_or((text.as_str(), None), |(price, from)| (price, Some(from)));
        let amount = |text: &str| text.parse().ok().filter(|amount| (0..=LARGEST).contains(amount));
        match (amount(price), free_from.map(amount)) {
            (Some(price_minor), None) => ShippingRate { price_minor, free_from_minor: None },
            (Some(price_minor), Some(Some(from))) => ShippingRate { price_minor, free_from_minor: Some(from) },
            _ => {
                self.problem(variable, "is not an amount in minor units such as 800, nor two such as 800:20000");
                ShippingRate { price_minor: 0, free_from_minor: None }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{problems, read};

    #[test]
    fn a_tax_rate_has_at_most_two_decimals() {
        assert_eq!(read(&[]).unwrap().terms.tax, TaxConfig { name: "GST".to_owned(), basis_points: 900 });
        for (text, expected) in [("9", 900), ("8.25", 825), ("7.5", 750), ("0", 0), ("99.99", 9999)] {
            assert_eq!(read(&[("JEWEL_TAX_PERCENT", text)]).unwrap().terms.tax.basis_points, expected, "{text}");
        }
        for text in ["-1", "100", "9.", ".5", "1.234", "nine", "1.2.3"] {
            let wrong = problems(&[("JEWEL_TAX_PERCENT", text)]);
            assert_eq!(wrong, "JEWEL_TAX_PERCENT is not a percentage below 100 such as 9 or 8.25", "{text}");
        }
    }

    #[test]
    fn shipping_costs_an_amount_and_may_be_free_from_another() {
        let rate = |text: &str| read(&[("JEWEL_SHIPPING_EXPRESS", text)]).unwrap().terms.express;
        let of = |price_minor, free_from_minor| ShippingRate { price_minor, free_from_minor };
        assert_eq!(read(&[]).unwrap().terms.standard, of(800, Some(20_000)));
        assert_eq!((rate("1500"), rate("0"), rate("1500:0")), (of(1500, None), of(0, None), of(1500, Some(0))));
        for text in ["-1", "8.00", "800:", ":800", "800:1:2", "eight", "99999999999999"] {
            let wrong = problems(&[("JEWEL_SHIPPING_EXPRESS", text)]);
            assert!(wrong.starts_with("JEWEL_SHIPPING_EXPRESS is not an amount in minor units"), "{text}: {wrong}");
        }
    }
}
