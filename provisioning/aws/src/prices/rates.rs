//! Every price the stack can meet, as AWS states it: the unit, the Region, where it was read and when.
//!
//! Sources: `PRICE_LIST` is AWS's own price list (the offer files), `DOCUMENTED` AWS's own documentation. What only others
//! report of AWS, or AWS says of another Region only, is unconfirmed.

use jewel_engine::{Covered, Price, Usd};
use serde::Serialize;

/// One price of AWS.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rate {
    /// What is paid for.
    pub item: &'static str,
    /// What one is; a month of it where it is a thing.
    pub unit: &'static str,
    /// The price of one, before tax.
    pub usd: Usd,
    /// How many a month cost nothing.
    pub free: f64,
    /// The Region, or `global`.
    pub region: &'static str,
    /// Where it was read.
    pub source: &'static str,
    /// The day of the source, `YYYY-MM-DD`.
    pub as_of: &'static str,
    /// Whether AWS itself says so, of this Region.
    pub confirmed: bool,
}

const SINGAPORE: &str = "ap-southeast-1";
const GLOBAL: &str = "global";
const PRICE_LIST: &str = "AWS Price List";
const DOCUMENTED: &str = "AWS documentation";
const ELSEWHERE: &str = "AWS list price of another Region";
const REPORTED: &str = "AWS's price page as others quote it";

const fn rate(item: &'static str, unit: &'static str, micros: u64, region: &'static str, as_of: &'static str) -> Rate {
    let usd = Usd::micros(micros);
    Rate { item, unit, usd, free: 0.0, region, source: PRICE_LIST, as_of, confirmed: true }
}

impl Rate {
    const fn free(self, free: f64) -> Self {
        Self { free, ..self }
    }

    const fn from(self, source: &'static str) -> Self {
        Self { source, ..self }
    }

    const fn unconfirmed(self, source: &'static str) -> Self {
        Self { source, confirmed: false, ..self }
    }

    /// So many of it, however much they are used.
    pub(crate) fn fixed(self, quantity: f64) -> Price {
        Price {
            item: self.item.to_owned(),
            quantity,
            unit: self.unit.to_owned(),
            unit_usd: self.usd,
            free: self.free,
            covered: Covered::Nothing,
            assumption: None,
            region: self.region.to_owned(),
            source: self.source.to_owned(),
            as_of: self.as_of.to_owned(),
            confirmed: self.confirmed,
        }
    }

    /// So many of it, because of what is assumed.
    pub(crate) fn used(self, quantity: f64, assumption: &str) -> Price {
        Price { assumption: Some(assumption.to_owned()), ..self.fixed(quantity) }
    }
}

const fn instance(item: &'static str, dollars: u64) -> Rate {
    rate(item, "month", dollars * 1_000_000, SINGAPORE, "2026-09-15")
}

const OLD: &str = "2026-09-17";

/// Bundles are found by their names.
pub(crate) const BUNDLES: &[Rate] = &[
    Rate { as_of: OLD, ..instance("Lightsail instance nano_3_0", 5).unconfirmed(ELSEWHERE) },
    Rate { as_of: OLD, ..instance("Lightsail instance micro_3_0", 7).unconfirmed(ELSEWHERE) },
    instance("Lightsail instance small_3_0", 12),
    instance("Lightsail instance medium_3_0", 24),
    Rate { as_of: OLD, ..instance("Lightsail instance large_3_0", 44).unconfirmed(ELSEWHERE) },
    Rate { as_of: OLD, ..instance("Lightsail instance xlarge_3_0", 84).unconfirmed(ELSEWHERE) },
    instance("Lightsail database micro_2_0", 15),
    instance("Lightsail database micro_ha_2_0", 30),
    instance("Lightsail database small_2_0", 30).unconfirmed(ELSEWHERE),
    instance("Lightsail database small_ha_2_0", 60).unconfirmed(ELSEWHERE),
    instance("Lightsail database medium_2_0", 60).unconfirmed(ELSEWHERE),
    instance("Lightsail database medium_ha_2_0", 120).unconfirmed(ELSEWHERE),
    instance("Lightsail database large_2_0", 115).unconfirmed(ELSEWHERE),
    instance("Lightsail database large_ha_2_0", 230).unconfirmed(ELSEWHERE),
];

/// A load balancer of Lightsail, USD 0.0242 an hour.
pub(crate) const LOAD_BALANCER: Rate = instance("Lightsail load balancer", 18);
/// What snapshots of instances, disks and databases hold.
pub(crate) const SNAPSHOT: Rate =
    rate("Lightsail snapshots", "GB", 50_000, SINGAPORE, "2026-11-22").unconfirmed(REPORTED);

/// What lies in buckets.
pub(crate) const STORAGE: Rate = rate("S3 Standard storage", "GB", 25_000, SINGAPORE, "2026-09-18");
/// The trail's files in their bucket.
pub(crate) const TRAIL_STORAGE: Rate = rate("CloudTrail files in S3", "GB", 25_000, SINGAPORE, "2026-09-18");
/// What was written to buckets or listed in them.
pub(crate) const STORAGE_WRITES: Rate = rate("S3 writes", "thousand", 5_000, SINGAPORE, "2026-07-01");
/// What was read from buckets.
pub(crate) const STORAGE_READS: Rate = rate("S3 reads", "thousand", 400, SINGAPORE, "2026-07-01");
/// What lies in the archive.
pub(crate) const ARCHIVE: Rate =
    rate("S3 Glacier Deep Archive", "GB", 2_000, SINGAPORE, "2026-11-22").unconfirmed(ELSEWHERE);
/// What AWS Backup keeps of buckets.
pub(crate) const BACKUP: Rate = rate("AWS Backup of S3", "GB", 60_000, SINGAPORE, "2026-11-22").unconfirmed(ELSEWHERE);

/// What visitors ask of the distribution.
pub(crate) const EDGE_REQUESTS: Rate =
    rate("CloudFront requests", "million", 1_200_000, GLOBAL, "2026-09-05").free(10.0).unconfirmed(REPORTED);
/// What visitors get from the distribution.
pub(crate) const EDGE_TRANSFER: Rate =
    rate("CloudFront transfer out", "GB", 120_000, GLOBAL, "2026-09-05").free(1_024.0).unconfirmed(REPORTED);
/// Runs of the distribution's function.
pub(crate) const EDGE_FUNCTION: Rate =
    rate("CloudFront function runs", "million", 100_000, GLOBAL, "2026-09-05").free(2.0).unconfirmed(REPORTED);
/// The distribution's flat-rate plan.
pub(crate) const FREE_PLAN: Rate = rate("CloudFront Free plan", "plan", 0, GLOBAL, "2026-09-11");
const PRO_PLAN: Rate = rate("CloudFront Pro plan", "plan", 15_000_000, GLOBAL, "2026-09-11");
const BUSINESS_PLAN: Rate = rate("CloudFront Business plan", "plan", 200_000_000, GLOBAL, "2026-09-11");
const PREMIUM_PLAN: Rate = rate("CloudFront Premium plan", "plan", 1_000_000_000, GLOBAL, "2026-09-11");

// Rows of regional web ACLs; those of distributions were not seen.
/// A web ACL.
pub(crate) const FIREWALL: Rate = rate("WAF web ACL", "ACL", 5_000_000, GLOBAL, "2026-09-14").unconfirmed(ELSEWHERE);
/// A rule in it; a managed group is one.
pub(crate) const FIREWALL_RULE: Rate = rate("WAF rule", "rule", 1_000_000, GLOBAL, "2026-09-14").unconfirmed(ELSEWHERE);
/// What it looks at.
pub(crate) const FIREWALL_REQUESTS: Rate =
    rate("WAF requests", "million", 600_000, GLOBAL, "2026-09-14").unconfirmed(ELSEWHERE);

/// A hosted zone.
pub(crate) const ZONE: Rate = rate("Route 53 hosted zone", "zone", 500_000, GLOBAL, "2026-09-11");
/// What is asked of it, but for the aliases to a distribution.
pub(crate) const ZONE_QUERIES: Rate = rate("Route 53 queries", "million", 400_000, GLOBAL, "2026-09-11");

/// Requests to the gateway.
pub(crate) const GATEWAY: Rate = rate("API Gateway HTTP API", "million", 1_250_000, SINGAPORE, "2026-09-21");
/// People who sign in.
pub(crate) const USERS: Rate =
    rate("Cognito Essentials", "user", 15_000, SINGAPORE, "2026-09-11").free(10_000.0).unconfirmed(REPORTED);
const USERS_PLUS: Rate = rate("Cognito Plus", "user", 20_000, SINGAPORE, "2026-09-11");
/// A secret.
pub(crate) const SECRET: Rate = rate("Secrets Manager secret", "secret", 400_000, SINGAPORE, "2026-09-11");
const SECRET_CALLS: Rate =
    rate("Secrets Manager calls", "thousand", 5_000, SINGAPORE, "2026-11-22").unconfirmed(REPORTED);
const KEY: Rate = rate("KMS customer key", "key", 1_000_000, SINGAPORE, "2026-09-11");

/// An alarm of CloudWatch.
pub(crate) const ALARM: Rate = rate("CloudWatch alarm", "alarm", 100_000, SINGAPORE, "2026-09-22").free(10.0);
/// A metric that AWS does not send by itself.
pub(crate) const METRIC: Rate = rate("CloudWatch custom metric", "metric", 300_000, SINGAPORE, "2026-09-22").free(10.0);
/// A dashboard.
pub(crate) const DASHBOARD: Rate =
    rate("CloudWatch dashboard", "dashboard", 3_000_000, SINGAPORE, "2026-09-22").free(3.0);
/// Log lines sent.
pub(crate) const LOGS: Rate = rate("CloudWatch Logs, sent", "GB", 700_000, SINGAPORE, "2026-09-22").free(5.0);
const LOGS_KEPT: Rate = rate("CloudWatch Logs, kept", "GB", 30_000, SINGAPORE, "2026-09-22");
/// Mails about alarms.
pub(crate) const MAILS: Rate =
    rate("SNS mails", "thousand", 20_000, SINGAPORE, "2026-11-22").free(1.0).unconfirmed(REPORTED);
/// Questions to Cost Explorer.
pub(crate) const COST_EXPLORER: Rate =
    rate("Cost Explorer calls", "call", 10_000, GLOBAL, "2026-08-20").from(DOCUMENTED);
const TRANSFER: Rate = rate("Lightsail transfer over the allowance", "GB", 120_000, SINGAPORE, "2026-09-15");
const LOOSE_ADDRESS: Rate =
    rate("Lightsail static IP, not attached", "hour", 5_000, SINGAPORE, "2026-11-22").unconfirmed(REPORTED);

/// The whole table, for people who check it.
pub fn rates() -> Vec<Rate> {
    let rest = [
        LOAD_BALANCER,
        SNAPSHOT,
        LOOSE_ADDRESS,
        TRANSFER,
        STORAGE,
        TRAIL_STORAGE,
        STORAGE_WRITES,
        STORAGE_READS,
        ARCHIVE,
        BACKUP,
        EDGE_REQUESTS,
        EDGE_TRANSFER,
        EDGE_FUNCTION,
        FREE_PLAN,
        PRO_PLAN,
        BUSINESS_PLAN,
        PREMIUM_PLAN,
        FIREWALL,
        FIREWALL_RULE,
        FIREWALL_REQUESTS,
        ZONE,
        ZONE_QUERIES,
        GATEWAY,
        USERS,
        USERS_PLUS,
        SECRET,
        SECRET_CALLS,
        KEY,
        ALARM,
        METRIC,
        DASHBOARD,
        LOGS,
        LOGS_KEPT,
        MAILS,
        COST_EXPLORER,
    ];
    BUNDLES.iter().copied().chain(rest).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_price_says_of_what_when_and_where() {
        let rates = super::rates();
        let items: BTreeSet<_> = rates.iter().map(|rate| rate.item).collect();
        assert_eq!(items.len(), rates.len(), "two prices of one item");
        for rate in rates {
            assert!(rate.as_of.parse::<jiff::civil::Date>().is_ok(), "{rate:?}");
            assert!(!rate.source.is_empty() && !rate.unit.is_empty(), "{rate:?}");
        }
    }
}
