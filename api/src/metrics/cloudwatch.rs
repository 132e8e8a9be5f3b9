//! The figures that alarms watch, to CloudWatch, once a minute.

use std::time::Duration;

use aws_sdk_cloudwatch::{
    Client,
    types::{MetricDatum, StandardUnit},
};
use tokio::time::MissedTickBehavior;

use super::figures::Figures;
use crate::{app::App, config::AwsConfig, storage};

/// How often. The alarms look at each minute.
const INTERVAL: Duration = Duration::from_secs(60);

/// Where figures go.
pub(crate) struct Reporter {
    client: Client,
    /// The only one that the API's key may write to.
    namespace: String,
}

impl Reporter {
    pub(crate) fn new(aws: &AwsConfig, namespace: &str) -> Self {
        Self { client: Client::new(&storage::shared(aws)), namespace: namespace.to_owned() }
    }

    /// Reports for ever. What could not be sent is missing there, and the next minute's figures are sent again.
    pub(crate) async fn run(&self, app: &App) {
        let mut minutes = tokio::time::interval(INTERVAL);
        minutes.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            minutes.tick().await;
            let figures = Figures::read(app).await;
            let data = data(&figures, app.metrics().take_totals());
            let sent = self.client.put_metric_data().namespace(&self.namespace).set_metric_data(Some(data)).send();
            if let Err(error) = sent.await {
                tracing::warn!(error = %crate::error::chain(&error), "could not send figures to CloudWatch");
            }
        }
    }
}

/// Alarms are made for these names: `provisioning/aws/src/watching` knows them too.
fn data(figures: &Figures, (answers, failures): (u64, u64)) -> Vec<MetricDatum> {
    let datum = |name: &str, unit: StandardUnit, value: f64| {
        MetricDatum::builder().metric_name(name).unit(unit).value(value).build()
    };
    let mut data = vec![
        datum("Ready", StandardUnit::Count, f64::from(u8::from(figures.ready))),
        datum("Requests", StandardUnit::Count, count(answers)),
        datum("Failures", StandardUnit::Count, count(failures)),
    ];
    if let Some(outbox) = &figures.outbox {
        data.push(datum("JournalLagSeconds", StandardUnit::Seconds, outbox.lag_seconds));
    }
    data
}

/// As CloudWatch takes numbers; nobody answers more in a minute than an integer of 32 bits holds.
fn count(number: u64) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}
