//! Lightsail's alarms on the machine and on the database: what Lightsail measures, only Lightsail can watch.
//!
//! Thresholds that depend on a size take it from what Lightsail says of the machine and the database in use, so they
//! follow a resize. Metrics are those `PutAlarm` documents for the kind of resource; each takes two alarms at most.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_lightsail::{
    Client,
    types::{Alarm as Described, AlarmState, ComparisonOperator, ContactProtocol, MetricName, TreatMissingData},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource, Value};
use serde_json::{Value as Json, json};

use super::{Machine, tag_list, tag_pairs};
use crate::{Clients, Names, StackSpec, address, classify, prices, tags::Tags};

const GIB: f64 = 1_073_741_824.0;
/// Each period of an alarm is five minutes long, says `PutAlarm`: so many are in a month of thirty days.
const PERIODS_IN_A_MONTH: f64 = 30.0 * 24.0 * 12.0;
/// MySQL on RDS, which Lightsail's databases are, allows one connection for so many bytes of memory.
const BYTES_PER_CONNECTION: f64 = 12_582_880.0;

/// What an alarm watches.
#[derive(Debug, Clone)]
struct Watch {
    /// The last part of its name, and its address.
    role: &'static str,
    metric: MetricName,
    rings: ComparisonOperator,
    at: Threshold,
    /// So many periods in a row.
    periods: i32,
}

#[derive(Debug, Clone, Copy)]
enum Threshold {
    Fixed(f64),
    /// So many for each unit of an output of the resource.
    Per(&'static str, f64),
}

/// The alarms on the machine.
static MACHINE: [Watch; 4] = [
    // Customers wait when the processors are busy; a deploy or a snapshot is over in less than a quarter of an hour.
    watch("cpu", MetricName::CpuUtilization, OVER, Threshold::Fixed(80.0), 3),
    // At nothing the machine falls to its baseline, a fifth of its processors with the default bundle. At a fifth of the
    // capacity, that is about an hour of full load away.
    watch("burst", MetricName::BurstCapacityPercentage, UNDER, Threshold::Fixed(20.0), 3),
    // Six hours on end faster than the monthly allowance lasts. What goes beyond it is paid by the gigabyte.
    watch("network", MetricName::NetworkOut, OVER, Threshold::Per("transfer_gb", 1e9 / PERIODS_IN_A_MONTH), 72),
    // Once may be a restart.
    watch("status", MetricName::StatusCheckFailed, OVER, Threshold::Fixed(1.0), 2),
];

/// The alarms on the database.
static DATABASE: [Watch; 3] = [
    watch("cpu", MetricName::CpuUtilization, OVER, Threshold::Fixed(80.0), 3),
    // A Lightsail database cannot be given more storage, only be restored to a larger bundle: a fifth leaves time.
    watch("storage", MetricName::FreeStorageSpace, UNDER, Threshold::Per("disk_gb", 0.2 * GIB), 1),
    // Three in five of what the memory allows: the rest is for a second release during a deploy, and for operators.
    watch(
        "connections",
        MetricName::DatabaseConnections,
        OVER,
        Threshold::Per("ram_gb", 0.6 * GIB / BYTES_PER_CONNECTION),
        3,
    ),
];

const OVER: ComparisonOperator = ComparisonOperator::GreaterThanOrEqualToThreshold;
const UNDER: ComparisonOperator = ComparisonOperator::LessThanOrEqualToThreshold;

const fn watch(
    role: &'static str,
    metric: MetricName,
    rings: ComparisonOperator,
    at: Threshold,
    periods: i32,
) -> Watch {
    Watch { role, metric, rings, at, periods }
}

/// One alarm. It watches whichever machine or database plays the role now.
pub(crate) struct Alarm {
    client: Client,
    name: String,
    role: String,
    of: Address,
    watch: Watch,
    /// Whether there is anybody to tell. Without, the alarm rings in the console only.
    notifies: bool,
    tags: Tags,
}

impl Alarm {
    /// All alarms on one machine.
    pub(crate) fn on_machine(spec: &StackSpec, clients: &Clients, machine: &Machine) -> impl Iterator<Item = Self> {
        MACHINE.iter().map(|watch| Self::new(spec, clients, machine.role(), &machine.instance(), watch))
    }

    /// All alarms on the database.
    pub(crate) fn on_database(spec: &StackSpec, clients: &Clients) -> impl Iterator<Item = Self> {
        DATABASE.iter().map(|watch| Self::new(spec, clients, "db", &address::DATABASE.into(), watch))
    }

    fn new(spec: &StackSpec, clients: &Clients, whose: &str, of: &Address, watch: &Watch) -> Self {
        let role = format!("{whose}-{}", watch.role);
        Self {
            client: clients.lightsail.clone(),
            name: Names::new(spec).role(&role),
            notifies: !spec.alerts.emails.is_empty(),
            tags: Tags::new(spec, &role),
            of: of.clone(),
            watch: watch.clone(),
            role,
        }
    }

    /// Where it is found.
    pub(crate) fn address(&self) -> Address {
        Address::new("alarm", &self.role)
    }

    fn threshold(&self, inputs: &Inputs) -> Option<f64> {
        match self.watch.at {
            Threshold::Fixed(at) => Some(at),
            // Whole numbers, so that what is read is what was written.
            Threshold::Per(output, each) => Some((inputs.get(self.of.as_str(), output)?.as_f64()? * each).round()),
        }
    }

    fn notice(&self) -> Json {
        let protocols: &[&str] = if self.notifies { &[ContactProtocol::Email.as_str()] } else { &[] };
        json!({ "by": protocols, "enabled": self.notifies, "when": [AlarmState::Alarm.as_str()] })
    }
}

/// All of the Region's alarms by name, asked once in a pass: one call for seven of ours.
pub(super) async fn all(client: &Client, memo: &Memo) -> Result<Arc<BTreeMap<String, Described>>, Failure> {
    memo.once("lightsail alarms", async {
        let (mut alarms, mut token) = (BTreeMap::new(), None);
        loop {
            let sent = client.get_alarms().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the Lightsail alarms", error))?;
            token = page.next_page_token().filter(|token| !token.is_empty()).map(ToOwned::to_owned);
            alarms.extend(page.alarms.unwrap_or_default().into_iter().filter_map(|one| Some((one.name.clone()?, one))));
            if token.is_none() {
                return Ok(alarms);
            }
        }
    })
    .await
}

#[async_trait]
impl Resource for Alarm {
    fn title(&self) -> String {
        format!("Lightsail alarm {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        let told = self.notifies.then(|| address::CONTACT.into());
        std::iter::once(self.of.clone()).chain(told).collect()
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail alarm", "Lightsail's own metrics and alarms are included", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new()
            .set("comparison", self.watch.rings.as_str())
            .set("datapoints", self.watch.periods)
            .set("metric", self.watch.metric.as_str())
            .set("missing_data", TreatMissingData::Missing.as_str())
            .set("notice", self.notice())
            .set("periods", self.watch.periods)
            .set("resource", inputs.value(self.of.as_str(), "name"))
            // Known by its name alone, a machine made anew under the same name would go unwatched.
            .set("resource_arn", inputs.value(self.of.as_str(), "arn"))
            .set("threshold", self.threshold(inputs).map_or(Value::Unknown, Value::from))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let alarms = all(&self.client, cx.memo).await?;
        let Some(alarm) = alarms.get(&self.name) else { return Ok(None) };
        let by: Vec<&str> = alarm.contact_protocols().iter().map(ContactProtocol::as_str).collect();
        let when: Vec<&str> = alarm.notification_triggers().iter().map(AlarmState::as_str).collect();
        let enabled = alarm.notification_enabled().unwrap_or_default();
        let watched = alarm.monitored_resource_info();
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tag_pairs(alarm.tags())))
                .attribute("comparison", alarm.comparison_operator().map(ComparisonOperator::as_str))
                .attribute("datapoints", alarm.datapoints_to_alarm())
                .attribute("metric", alarm.metric_name().map(MetricName::as_str))
                .attribute("missing_data", alarm.treat_missing_data().map(TreatMissingData::as_str))
                .attribute("notice", json!({ "by": by, "enabled": enabled, "when": when }))
                .attribute("periods", alarm.evaluation_periods())
                .attribute("resource", watched.and_then(|one| one.name()))
                .attribute("resource_arn", watched.and_then(|one| one.arn()))
                .attribute("threshold", alarm.threshold()),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("set {}", self.title());
        let threshold = self.threshold(&cx.inputs);
        let threshold =
            threshold.ok_or_else(|| Failure::permanent(&action, "the size of what it watches is unknown"))?;
        let put = self
            .client
            .put_alarm()
            .alarm_name(&self.name)
            .metric_name(self.watch.metric.clone())
            .monitored_resource_name(cx.inputs.require(self.of.as_str(), "name")?)
            .comparison_operator(self.watch.rings.clone())
            .threshold(threshold)
            .evaluation_periods(self.watch.periods)
            .datapoints_to_alarm(self.watch.periods)
            .treat_missing_data(TreatMissingData::Missing)
            .set_contact_protocols(self.notifies.then(|| vec![ContactProtocol::Email]))
            .notification_triggers(AlarmState::Alarm)
            .notification_enabled(self.notifies)
            // Counts only at creation.
            .set_tags(Some(tag_list(&self.tags)));
        put.send().await.map(drop).map_err(|error| classify(action, error))
    }

    // The same call overwrites an alarm whole.
    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_name(&self.name).set_tags(Some(tag_list(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_alarm().alarm_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_follow_from_sizes() {
        let at = |watch: &Watch, size: f64| match watch.at {
            Threshold::Fixed(at) => at,
            Threshold::Per(_, each) => (size * each).round(),
        };
        // 3 TB in a month are 347 MB in five minutes; a fifth of 40 GB; three in five of 85 connections.
        assert_eq!(at(&MACHINE[2], 3_072.0), 355_555_556.0);
        assert_eq!(at(&DATABASE[1], 40.0), 8_589_934_592.0);
        assert_eq!(at(&DATABASE[2], 1.0), 51.0);
    }

    #[test]
    fn no_metric_has_more_alarms_than_lightsail_allows() {
        for watches in [&MACHINE[..], &DATABASE[..]] {
            for one in watches {
                let same = watches.iter().filter(|other| other.metric == one.metric).count();
                assert!(same <= 2 && (1..=288).contains(&one.periods), "{}", one.role);
            }
        }
    }
}
