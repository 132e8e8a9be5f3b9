//! The sign of life of whoever does the shop's daily work.

use aws_sdk_cloudwatch::types::{MetricDatum, StandardUnit};
use jewel_engine::Failure;

use super::watches::{SCHEDULE_METRIC, own_namespace};
use crate::{Clients, StackSpec, classify};

/// Says that the daily work is done. A day without it rings the alarm `schedule`.
///
/// # Errors
/// When CloudWatch refuses or cannot be reached.
pub async fn daily_work_is_done(spec: &StackSpec, clients: &Clients) -> Result<(), Failure> {
    let figure = MetricDatum::builder().metric_name(SCHEDULE_METRIC).value(1.0).unit(StandardUnit::Count).build();
    let put = clients.cloudwatch.put_metric_data().namespace(own_namespace(spec)).metric_data(figure);
    put.send().await.map(drop).map_err(|error| classify("say that the daily work is done", error))
}
