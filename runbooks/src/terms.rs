//! What an order costs beside its items, as an operator wants it.

use jewel_host::Environment;
use serde::{Deserialize, Serialize};

/// What a way of shipping costs, in minor units of the shop's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShippingRate {
    /// What it costs, tax included.
    pub price_minor: u32,
    /// Free when the items cost this much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_from_minor: Option<u32>,
}

/// The terms of a shop.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Standard shipping.
    pub standard: ShippingRate,
    /// Express shipping.
    pub express: ShippingRate,
    /// What the tax is called that prices include.
    pub tax_name: &'a str,
    /// Its rate in percent, with at most two decimals.
    pub tax_percent: f64,
}

impl Terms<'_> {
    /// What the API is told.
    pub(crate) fn tell(&self, environment: &mut Environment) {
        environment.set("JEWEL_SHIPPING_STANDARD", rate(self.standard));
        environment.set("JEWEL_SHIPPING_EXPRESS", rate(self.express));
        environment.set("JEWEL_TAX_NAME", self.tax_name);
        environment.set("JEWEL_TAX_PERCENT", format!("{:.2}", self.tax_percent));
    }
}

/// As the API takes it.
fn rate(rate: ShippingRate) -> String {
    let ShippingRate { price_minor, free_from_minor } = rate;
    free_from_minor.map_or_else(|| price_minor.to_string(), |from| format!("{price_minor}:{from}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_may_have_no_end() {
        assert_eq!(rate(ShippingRate { price_minor: 800, free_from_minor: Some(20_000) }), "800:20000");
        assert_eq!(rate(ShippingRate { price_minor: 2500, free_from_minor: None }), "2500");
    }
}
