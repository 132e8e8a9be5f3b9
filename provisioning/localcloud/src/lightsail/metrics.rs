//! Metrics: what machines and servers really use, measured by [`sampler`] and kept in [`series`].
//!
//! Measured are computing time, network traffic, status checks, burst capacity (a model: [`burst`]), a server's
//! connections, memory and storage. For the other metrics (`Disk*`, `MetadataNoToken`) there are no data points, as on AWS
//! for what does not report. Figures live in memory: a daemon that starts begins to measure anew.
//!
//! AWS measures each minute. Here a sample is taken at each minute times the time factor, and at most every second, so
//! that alarms can be seen to work without waiting; the times of data points are real.

pub(crate) mod burst;
pub(crate) mod sampler;
pub(crate) mod series;

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use self::series::Statistics;
use super::{databases, delays, fault::Fault, operations, service::Service};

/// How often AWS measures.
const EVERY: Duration = Duration::from_secs(60);

/// However much time is shortened, measuring must not become the load it measures.
const EVERY_AT_LEAST: Duration = Duration::from_secs(1);

/// How many data points one answer holds, as in CloudWatch.
const POINTS_AT_MOST: i64 = 1440;

/// The time between two samples.
pub(crate) fn interval(time_factor: f64) -> Duration {
    delays::scaled(EVERY, time_factor).max(EVERY_AT_LEAST)
}

/// What has metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Instance,
    RelationalDatabase,
}

impl Kind {
    /// As the model's `ResourceType` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instance => "Instance",
            Self::RelationalDatabase => "RelationalDatabase",
        }
    }
}

/// How the samples of a period become one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statistic {
    Average,
    Maximum,
    Sum,
}

impl Statistic {
    /// As the model's `MetricStatistic` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Average => "Average",
            Self::Maximum => "Maximum",
            Self::Sum => "Sum",
        }
    }

    /// This one of a period's figures.
    pub(crate) fn of(self, figures: &Statistics) -> f64 {
        match self {
            Self::Average => figures.average(),
            Self::Maximum => figures.maximum,
            Self::Sum => figures.sum,
        }
    }
}

/// A metric as AWS publishes it.
pub(crate) struct Metric {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    /// Its published unit; a request for another finds nothing.
    pub(crate) unit: &'static str,
    /// What alarms on it look at: the model's documentation calls it the most useful one.
    pub(crate) statistic: Statistic,
    /// Whether alarms can be put on it, by the documentation of `PutAlarm`.
    pub(crate) takes_alarms: bool,
}

#[rustfmt::skip]
const METRICS: [Metric; 24] = {
    use Kind::{Instance as I, RelationalDatabase as D};
    use Statistic::{Average, Maximum, Sum};
    const fn metric(kind: Kind, name: &'static str, unit: &'static str, statistic: Statistic, takes_alarms: bool) -> Metric {
        Metric { kind, name, unit, statistic, takes_alarms }
    }
    [
        metric(I, "BurstCapacityPercentage", "Percent", Average, true),
        metric(I, "BurstCapacityTime", "Seconds", Average, true),
        metric(I, "CPUUtilization", "Percent", Average, true),
        metric(I, "NetworkIn", "Bytes", Sum, true),
        metric(I, "NetworkOut", "Bytes", Sum, true),
        metric(I, "StatusCheckFailed", "Count", Maximum, true),
        metric(I, "StatusCheckFailed_Instance", "Count", Maximum, true),
        metric(I, "StatusCheckFailed_System", "Count", Maximum, true),
        metric(I, "MetadataNoToken", "Count", Sum, false),
        metric(I, "DiskReadOps", "Count", Sum, false),
        metric(I, "DiskWriteOps", "Count", Sum, false),
        metric(I, "DiskReadBytes", "Bytes", Sum, false),
        metric(I, "DiskWriteBytes", "Bytes", Sum, false),
        metric(I, "DiskTotalReadTime", "Seconds", Sum, false),
        metric(I, "DiskTotalWriteTime", "Seconds", Sum, false),
        metric(I, "DiskQueueLength", "Count", Average, false),
        metric(D, "CPUUtilization", "Percent", Average, true),
        metric(D, "DatabaseConnections", "Count", Average, true),
        metric(D, "DiskQueueDepth", "Count", Average, true),
        metric(D, "FreeStorageSpace", "Bytes", Average, true),
        metric(D, "NetworkReceiveThroughput", "Bytes/Second", Average, true),
        metric(D, "NetworkTransmitThroughput", "Bytes/Second", Average, true),
        metric(D, "FreeableMemory", "Bytes", Average, false),
        metric(D, "SwapUsage", "Bytes", Average, false),
    ]
};

/// The metric `name` of a kind of resource.
pub(crate) fn find(kind: Kind, name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.kind == kind && metric.name == name)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Range {
    metric_name: String,
    period: i64,
    start_time: f64,
    end_time: f64,
    unit: String,
    statistics: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfInstance {
    instance_name: String,
    #[serde(flatten)]
    range: Range,
}

pub(crate) async fn of_instance(service: &Arc<Service>, request: OfInstance) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.instance_name;
    let instance = state.instances.get(name).ok_or_else(|| Fault::no_such("Instance", name))?;
    answer(service, Kind::Instance, &instance.id, &request.range)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OfDatabase {
    relational_database_name: String,
    #[serde(flatten)]
    range: Range,
}

pub(crate) async fn of_database(service: &Arc<Service>, request: OfDatabase) -> Result<Value, Fault> {
    let state = service.store.now();
    let database = databases::found(&state, &request.relational_database_name)?;
    answer(service, Kind::RelationalDatabase, &database.id, &request.range)
}

fn answer(service: &Service, kind: Kind, id: &str, range: &Range) -> Result<Value, Fault> {
    let name = &range.metric_name;
    let metric = find(kind, name).ok_or_else(|| Fault::invalid(format!("The metric is not valid: {name}")))?;
    if range.period % 60 != 0 {
        return Err(Fault::invalid("The period must be a multiple of 60."));
    }
    let time = |seconds: f64| {
        Timestamp::from_millisecond((seconds * 1000.0) as i64)
            .map_err(|_| Fault::invalid("The start time or the end time is not valid."))
    };
    let (start, end) = (time(range.start_time)?, time(range.end_time)?);
    if start >= end {
        return Err(Fault::invalid("The start time must be before the end time."));
    }
    if end.duration_since(start).as_secs() / range.period > POINTS_AT_MOST {
        return Err(Fault::invalid(format!("The answer would have more than {POINTS_AT_MOST} data points.")));
    }
    let period = Duration::from_secs(range.period.unsigned_abs());
    let periods = service.metrics.periods(id, metric.name, start, end, period);
    let wanted = |name: &str, value: f64| range.statistics.iter().any(|wanted| wanted == name).then_some(value);
    let periods = periods.into_iter().filter(|_| range.unit == metric.unit);
    let points = periods.filter_map(|(index, figures)| {
        let time = start.checked_add(period * index).ok()?;
        Some(json!({
            "timestamp": operations::epoch(time),
            "unit": metric.unit,
            "average": wanted("Average", figures.average()),
            "maximum": wanted("Maximum", figures.maximum),
            "minimum": wanted("Minimum", figures.minimum),
            "sum": wanted("Sum", figures.sum),
            "sampleCount": wanted("SampleCount", figures.count as f64),
        }))
    });
    Ok(json!({ "metricName": metric.name, "metricData": points.collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_a_minute_and_at_most_one_a_second() {
        assert_eq!(interval(1.0), Duration::from_secs(60));
        assert_eq!(interval(0.5), Duration::from_secs(30));
        assert_eq!(interval(0.0), Duration::from_secs(1));
    }
}
