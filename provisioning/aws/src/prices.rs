//! Fixed monthly prices, with where and when they were read.

use jewel_engine::Price;

/// The price of a Lightsail instance bundle, if it is known.
pub(crate) fn instance(bundle: &str) -> Option<Price> {
    let (cents, confirmed) = match bundle {
        "nano_3_0" => (500, false),
        "micro_3_0" => (700, false),
        "small_3_0" => (1_200, true),
        "medium_3_0" => (2_400, true),
        "large_3_0" => (4_400, false),
        "xlarge_3_0" => (8_400, false),
        _ => return None,
    };
    Some(price(format!("Lightsail instance {bundle}"), cents, confirmed))
}

/// The price of a Lightsail database bundle, if it is known.
pub(crate) fn database(bundle: &str) -> Option<Price> {
    let (cents, confirmed) = match bundle {
        "micro_2_0" => (1_500, true),
        "micro_ha_2_0" => (3_000, true),
        "small_2_0" => (3_000, false),
        "small_ha_2_0" => (6_000, false),
        "medium_2_0" => (6_000, false),
        "medium_ha_2_0" => (12_000, false),
        "large_2_0" => (11_500, false),
        "large_ha_2_0" => (23_000, false),
        _ => return None,
    };
    Some(price(format!("Lightsail database {bundle}"), cents, confirmed))
}

/// The price of one secret in Secrets Manager.
pub(crate) fn secret() -> Price {
    Price { as_of: "2026-09-11".to_owned(), ..price("Secrets Manager secret".to_owned(), 40, true) }
}

/// The price of one hosted zone, without queries.
pub(crate) fn hosted_zone() -> Price {
    Price { as_of: "2026-09-11".to_owned(), ..price("Route 53 hosted zone".to_owned(), 50, true) }
}

/// The price of a web ACL with so many rules.
pub(crate) fn firewall(rules: usize) -> Price {
    let cents = 500 + 100 * u64::try_from(rules).unwrap_or(u64::MAX / 100);
    Price { as_of: "2026-09-14".to_owned(), ..price(format!("WAF web ACL with {rules} rules"), cents, true) }
}

/// The price of the distribution's eight additional metrics.
pub(crate) fn distribution_metrics() -> Price {
    let source = "USD 0.30 for each of eight, not seen at first hand".to_owned();
    let item = "CloudFront additional metrics".to_owned();
    Price { item, monthly_cents: 240, source, as_of: "2026-11-22".to_owned(), confirmed: false }
}

/// Something that costs nothing as long as `why` holds.
pub(crate) fn free(item: &str, why: &str, as_of: &str) -> Price {
    let source = format!("AWS price page: {why}");
    Price { item: item.to_owned(), monthly_cents: 0, source, as_of: as_of.to_owned(), confirmed: true }
}

fn price(item: String, monthly_cents: u64, confirmed: bool) -> Price {
    let source = if confirmed { "AWS Price List, ap-southeast-1" } else { "AWS list price of another Region" };
    Price { item, monthly_cents, source: source.to_owned(), as_of: "2026-09-15".to_owned(), confirmed }
}
