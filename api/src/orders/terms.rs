//! What an order costs: its items, shipping, and the tax within.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{ShippingRate, TermsConfig};

/// How an order travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ShippingMethod {
    Standard,
    Express,
}

impl ShippingMethod {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Standard, Self::Express];

    /// As it is in the database and in answers.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Express => "express",
        }
    }
}

/// What sending items of this sum costs.
fn price(rate: ShippingRate, items_minor: i64) -> i64 {
    if rate.free_from_minor.is_some_and(|from| items_minor >= from) { 0 } else { rate.price_minor }
}

/// The shop's terms.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    config: TermsConfig,
}

/// An order's sums. Prices include tax: `tax_minor` is a part of the total and not added to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) items_minor: i64,
    pub(crate) shipping_minor: i64,
    pub(crate) total_minor: i64,
    pub(crate) tax_name: String,
    pub(crate) tax_basis_points: i32,
    pub(crate) tax_minor: i64,
}

impl Terms {
    pub(crate) fn new(config: &TermsConfig) -> Self {
        Self { config: config.clone() }
    }

    /// What items of this sum cost with this way of shipping.
    pub(crate) fn totals(&self, items_minor: i64, shipping: ShippingMethod) -> Totals {
        let TermsConfig { tax, standard, express } = &self.config;
        let rate = match shipping {
            ShippingMethod::Standard => standard,
            ShippingMethod::Express => express,
        };
        let shipping_minor = price(*rate, items_minor);
        let total_minor = items_minor + shipping_minor;
        Totals {
            items_minor,
            shipping_minor,
            total_minor,
            tax_name: tax.name.clone(),
            tax_basis_points: tax.basis_points.into(),
            tax_minor: tax_within(total_minor, tax.basis_points),
        }
    }
}

/// The tax in a gross amount, rounded half up.
fn tax_within(gross_minor: i64, basis_points: u16) -> i64 {
    let rate = i128::from(basis_points);
    let (gross, whole) = (i128::from(gross_minor), 10_000 + rate);
    i64::try_from((gross * rate * 2 + whole) / (whole * 2)).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TaxConfig;
    use proptest::prelude::*;

    #[test]
    fn shipping_is_free_above_a_sum() {
        let terms = Terms::new(&TermsConfig {
            tax: TaxConfig { name: "GST".to_owned(), basis_points: 900 },
            standard: ShippingRate { price_minor: 800, free_from_minor: Some(20_000) },
            express: ShippingRate { price_minor: 2_500, free_from_minor: None },
        });
        let sums = |items, method| {
            let totals = terms.totals(items, method);
            (totals.shipping_minor, totals.total_minor, totals.tax_minor)
        };
        assert_eq!(sums(18_500, ShippingMethod::Standard), (800, 19_300, 1_594));
        assert_eq!(sums(19_999, ShippingMethod::Standard), (800, 20_799, 1_717));
        assert_eq!(sums(20_000, ShippingMethod::Standard), (0, 20_000, 1_651));
        assert_eq!(sums(20_000, ShippingMethod::Express), (2_500, 22_500, 1_858));
    }

    proptest! {
        /// Net and tax make the gross, and the tax is that of the net to the nearest unit.
        #[test]
        fn tax_is_exact_to_half_a_unit(gross in 0..1_000_000_000_000_i64, rate in 0..10_000_u16) {
            let tax = tax_within(gross, rate);
            prop_assert!(tax >= 0 && tax <= gross);
            let off = (i128::from(tax) * (10_000 + i128::from(rate)) - i128::from(gross) * i128::from(rate)).abs();
            prop_assert!(off * 2 <= 10_000 + i128::from(rate));
        }
    }
}
