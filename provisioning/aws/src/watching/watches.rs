//! What is worth waking somebody for, each with its threshold and the reason for it.
//!
//! Three of these are beyond the ten alarms that are free. The disk, the load and the transfer of the instance and the
//! database are watched by Lightsail itself, whose alarms cost nothing.

use aws_sdk_cloudwatch::types::ComparisonOperator;

use crate::{StackSpec, access, address};

/// What an alarm watches.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    pub(super) role: &'static str,
    /// What is wrong when it rings, and where to look first.
    pub(super) description: &'static str,
    pub(super) namespace: String,
    pub(super) metric: &'static str,
    /// `Sum`, `Average` and so on, or a percentile such as `p95`.
    pub(super) statistic: &'static str,
    pub(super) comparison: ComparisonOperator,
    pub(super) threshold: f64,
    /// Seconds that one figure sums up.
    pub(super) period: i32,
    /// So many periods in a row.
    pub(super) periods: i32,
    /// The dimension that names the resource it watches, that resource, and the output with its value.
    pub(super) of: Option<(&'static str, &'static str, &'static str)>,
    /// Dimensions beside that one.
    pub(super) fixed: &'static [(&'static str, &'static str)],
    /// What it means that there is no figure, in CloudWatch's word: `notBreaching` or `breaching`.
    pub(super) silence: &'static str,
    /// Where AWS keeps the figures.
    pub(super) place: Place,
}

/// Where figures are kept; an alarm and its topic must be there too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The shop's Region.
    Here,
    /// us-east-1, where AWS measures what has no Region.
    Global,
}

impl Place {
    /// The topic there.
    pub(super) const fn topic(self) -> &'static str {
        match self {
            Self::Here => address::TOPIC,
            Self::Global => address::EDGE_TOPIC,
        }
    }
}

const FIVE_MINUTES: i32 = 300;

/// The namespace of the figures that the API sends itself.
pub(super) fn own_namespace(spec: &StackSpec) -> String {
    access::metrics_namespace(spec)
}

fn gateway(role: &'static str, metric: &'static str, statistic: &'static str, threshold: f64) -> Watch {
    Watch {
        role,
        description: "",
        namespace: "AWS/ApiGateway".to_owned(),
        metric,
        statistic,
        comparison: ComparisonOperator::GreaterThanOrEqualToThreshold,
        threshold,
        period: FIVE_MINUTES,
        periods: 1,
        of: Some(("ApiId", address::API, "id")),
        fixed: &[],
        silence: "notBreaching",
        place: Place::Here,
    }
}

fn edge(role: &'static str, metric: &'static str, statistic: &'static str, threshold: f64) -> Watch {
    Watch {
        namespace: "AWS/CloudFront".to_owned(),
        of: Some(("DistributionId", address::DISTRIBUTION, "id")),
        fixed: &[("Region", "Global")],
        place: Place::Global,
        ..gateway(role, metric, statistic, threshold)
    }
}

fn own(spec: &StackSpec, role: &'static str, metric: &'static str, statistic: &'static str, threshold: f64) -> Watch {
    Watch { namespace: own_namespace(spec), of: None, period: 60, ..gateway(role, metric, statistic, threshold) }
}

/// What whoever does the daily work counts in the shop's namespace.
pub(super) const SCHEDULE_METRIC: &str = "DailyWorkDone";

/// All of them. Missing figures ring only the one that waits for them: without visitors there are none, and an API that
/// is silent shows as errors.
pub(super) fn watches(spec: &StackSpec) -> Vec<Watch> {
    vec![
        Watch {
            description: "The API failed five times within five minutes: look at its log",
            ..gateway("api-errors", "5xx", "Sum", 5.0)
        },
        Watch {
            description: "For a quarter of an hour one request in twenty took longer than 350 ms: look at the load of \
                          instance and database",
            periods: 3,
            ..gateway("api-latency", "Latency", "p95", 350.0)
        },
        Watch {
            description: "The API refused 500 requests within five minutes: a page that asks wrongly since a deploy, or \
                          somebody who guesses passwords",
            ..gateway("api-refusals", "4xx", "Sum", 500.0)
        },
        Watch {
            // The gateway turns requests away at its own rate; half of that, for ten minutes, is time to look.
            description: "For ten minutes the API got half of all the requests the gateway lets through: success, or an \
                          attack that costs money",
            threshold: (spec.api.throttle_rate * f64::from(FIVE_MINUTES) / 2.0).round(),
            periods: 2,
            ..gateway("api-surge", "Count", "Sum", 0.0)
        },
        Watch {
            description: "For three minutes the API said that it is not ready: look at the database",
            comparison: ComparisonOperator::LessThanThreshold,
            periods: 3,
            ..own(spec, "api-ready", "Ready", "Minimum", 1.0)
        },
        Watch {
            // An answer waits for the journal, so seconds here are seconds that every buyer waits.
            description: "For three minutes the journal was more than five seconds behind: orders wait for it",
            periods: 3,
            ..own(spec, "journal-lag", "JournalLagSeconds", "Maximum", 5.0)
        },
        Watch {
            description: "AWS Backup failed to copy a bucket: there is no copy of today",
            namespace: "AWS/Backup".to_owned(),
            of: Some(("BackupVaultName", address::BACKUP_VAULT, "name")),
            period: 3_600,
            ..gateway("backup-failed", "NumberOfBackupJobsFailed", "Sum", 1.0)
        },
        Watch {
            // The dead man's switch: who does the work says so, and it is the silence that rings.
            description: "For a day nobody did the daily work: no backup was made and none was read back; look at where \
                          `jewelctl schedule run` should run",
            comparison: ComparisonOperator::LessThanThreshold,
            period: 86_400,
            silence: "breaching",
            ..own(spec, "schedule", SCHEDULE_METRIC, "Sum", 1.0)
        },
        Watch {
            description: "For a quarter of an hour one visitor in twenty saw an error",
            periods: 3,
            ..edge("edge-errors", "5xxErrorRate", "Average", 5.0)
        },
        Watch {
            description: "For a quarter of an hour one answer in twenty took the origin longer than a second, as \
                          visitors far away see it",
            periods: 3,
            ..edge("edge-latency", "OriginLatency", "p95", 1_000.0)
        },
        Watch {
            // Within an hour a deploy or a quiet night is over; what lasts three is a mistake in what is cached.
            description: "For three hours fewer than seven in ten answers came from the cache: look at what the last \
                          deploy changed in caching",
            comparison: ComparisonOperator::LessThanThreshold,
            period: 3_600,
            periods: 3,
            ..edge("edge-cache", "CacheHitRate", "Average", 70.0)
        },
        Watch {
            description: "The firewall blocked a thousand requests within five minutes: an attack, or a rule that hits \
                          buyers",
            namespace: "AWS/WAFV2".to_owned(),
            of: Some(("WebACL", address::FIREWALL, "name")),
            fixed: &[("Rule", "ALL")],
            ..edge("edge-attack", "BlockedRequests", "Sum", 1_000.0)
        },
        Watch {
            // AWS computes this a few times a day, and only where the account has billing alerts switched on.
            description: "What the account will be charged this month is over the budget",
            namespace: "AWS/Billing".to_owned(),
            comparison: ComparisonOperator::GreaterThanThreshold,
            of: None,
            fixed: &[("Currency", "USD")],
            period: 21_600,
            ..edge("bill", "EstimatedCharges", "Maximum", spec.alerts.monthly_usd)
        },
    ]
}
