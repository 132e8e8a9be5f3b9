//! What the parts of the stack cost: the prices of AWS ([`rates`]) times what is wanted and what is assumed.

mod rates;
#[cfg(test)]
mod sums;
mod traffic;

use jewel_engine::{Bill, Covered, OutputMap, Price, Stack, Subscription};

pub(crate) use rates::SNAPSHOT;
pub use rates::{Rate, rates};
pub use traffic::Traffic;

use crate::{EdgePlan, StackSpec, address};

/// GB in buckets that the Free plan pays for.
const FREE_PLAN_STORAGE_GB: f64 = 5.0;

/// What the stack costs by the month. A price of another Region than the stack's is an unconfirmed one.
pub fn bill(spec: &StackSpec, stack: &Stack) -> Bill {
    let mut bill = stack.bill();
    for line in &mut bill.lines {
        line.price.confirmed &= line.price.region == "global" || line.price.region == spec.region;
    }
    bill
}

/// Whether the distribution's flat-rate plan pays its part, as far as the outputs of what was read say.
pub fn subscription(spec: &StackSpec, outputs: &OutputMap) -> Subscription {
    let found = outputs.get(address::PRICING_PLAN).and_then(|outputs| outputs.get("plan")?.as_str());
    match (found, spec.edge_plan) {
        (Some("free"), _) => Subscription::Active,
        (None, EdgePlan::Free) => Subscription::Possible,
        // Refused, or not asked for.
        _ => Subscription::None,
    }
}

/// The price of a Lightsail instance bundle, if it is known.
pub(crate) fn instance(bundle: &str) -> Option<Price> {
    bundled(&format!("Lightsail instance {bundle}"))
}

/// The price of a Lightsail database bundle, if it is known.
pub(crate) fn database(bundle: &str) -> Option<Price> {
    bundled(&format!("Lightsail database {bundle}"))
}

fn bundled(item: &str) -> Option<Price> {
    rates::BUNDLES.iter().find(|rate| rate.item == item).map(|rate| rate.fixed(1.0))
}

/// The price of a load balancer of Lightsail.
pub(crate) fn load_balancer() -> Price {
    rates::LOAD_BALANCER.fixed(1.0)
}

/// The snapshots of one instance.
pub(crate) fn snapshots(traffic: &Traffic) -> Price {
    rates::SNAPSHOT.used(traffic.snapshot_gb, "traffic.snapshot_gb")
}

/// What lies in the shop's buckets, and the requests to them.
pub(crate) fn storage(traffic: &Traffic) -> Vec<Price> {
    let storage = rates::STORAGE.used(traffic.storage_gb, "traffic.storage_gb");
    vec![
        Price { covered: Covered::Units(FREE_PLAN_STORAGE_GB), ..storage },
        rates::STORAGE_WRITES.used(traffic.storage_writes as f64 / 1e3, "traffic.storage_writes"),
        rates::STORAGE_READS.used(traffic.storage_reads as f64 / 1e3, "traffic.storage_reads"),
    ]
}

/// Dumps in the archive.
pub(crate) fn archive(traffic: &Traffic) -> Price {
    rates::ARCHIVE.used(traffic.archive_gb, "traffic.archive_gb")
}

/// The trail's files.
pub(crate) fn trail(traffic: &Traffic) -> Price {
    rates::TRAIL_STORAGE.used(traffic.trail_gb, "traffic.trail_gb")
}

/// What AWS Backup keeps.
pub(crate) fn backups(traffic: &Traffic) -> Price {
    rates::BACKUP.used(traffic.backup_gb, "traffic.backup_gb")
}

/// What visitors ask of the distribution and get from it.
pub(crate) fn edge(traffic: &Traffic) -> Vec<Price> {
    let covered = |price| Price { covered: Covered::Everything, ..price };
    vec![
        covered(rates::EDGE_REQUESTS.used(millions(traffic.requests), "traffic.requests")),
        covered(rates::EDGE_TRANSFER.used(traffic.transfer_gb, "traffic.transfer_gb")),
    ]
}

/// Runs of the distribution's function, one for each request.
pub(crate) fn edge_function(traffic: &Traffic) -> Price {
    let price = rates::EDGE_FUNCTION.used(millions(traffic.requests), "traffic.requests");
    Price { covered: Covered::Everything, ..price }
}

/// A web ACL with so many rules.
pub(crate) fn firewall(rules: usize) -> Price {
    let usd = rates::FIREWALL.usd + rates::FIREWALL_RULE.usd.times(rules as f64);
    let item = format!("WAF web ACL with {rules} rules");
    Price { item, unit_usd: usd, covered: Covered::Everything, ..rates::FIREWALL.fixed(1.0) }
}

/// What a web ACL looks at.
pub(crate) fn firewall_requests(traffic: &Traffic) -> Price {
    let price = rates::FIREWALL_REQUESTS.used(millions(traffic.requests), "traffic.requests");
    Price { covered: Covered::Everything, ..price }
}

/// A zone of our own.
pub(crate) fn zone() -> Price {
    Price { covered: Covered::Everything, ..rates::ZONE.fixed(1.0) }
}

/// What is asked of a zone.
pub(crate) fn zone_queries(traffic: &Traffic) -> Price {
    let price = rates::ZONE_QUERIES.used(millions(traffic.dns_queries), "traffic.dns_queries");
    Price { covered: Covered::Everything, ..price }
}

/// The distribution's eight additional metrics. That they are priced as custom metrics, nobody confirms.
pub(crate) fn distribution_metrics() -> Price {
    Price { confirmed: false, ..rates::METRIC.fixed(8.0) }
}

/// A figure that the API sends by itself.
pub(crate) fn metric() -> Price {
    rates::METRIC.fixed(1.0)
}

/// Requests to the gateway.
pub(crate) fn gateway(traffic: &Traffic) -> Price {
    rates::GATEWAY.used(millions(traffic.requests), "traffic.requests")
}

/// People who sign in.
pub(crate) fn users(traffic: &Traffic) -> Price {
    rates::USERS.used(traffic.users as f64, "traffic.users")
}

/// One secret.
pub(crate) fn secret() -> Price {
    rates::SECRET.fixed(1.0)
}

/// One alarm.
pub(crate) fn alarm() -> Price {
    rates::ALARM.fixed(1.0)
}

/// One dashboard.
pub(crate) fn dashboard() -> Price {
    rates::DASHBOARD.fixed(1.0)
}

/// Log lines.
pub(crate) fn logs(traffic: &Traffic) -> Price {
    rates::LOGS.used(traffic.log_gb, "traffic.log_gb")
}

/// Mails about alarms.
pub(crate) fn mails(traffic: &Traffic) -> Price {
    rates::MAILS.used(traffic.mails as f64 / 1e3, "traffic.mails")
}

/// Questions about the real bill.
pub(crate) fn cost_explorer(traffic: &Traffic) -> Price {
    rates::COST_EXPLORER.used(traffic.cost_explorer_calls as f64, "traffic.cost_explorer_calls")
}

/// Something that costs nothing by itself, because of `why`.
pub(crate) fn free(item: &str, why: &str, as_of: &str) -> Price {
    Price {
        item: item.to_owned(),
        source: format!("AWS documentation: {why}"),
        as_of: as_of.to_owned(),
        unit: "piece".to_owned(),
        region: "global".to_owned(),
        ..rates::FREE_PLAN.fixed(1.0)
    }
}

fn millions(count: u64) -> f64 {
    count as f64 / 1e6
}
