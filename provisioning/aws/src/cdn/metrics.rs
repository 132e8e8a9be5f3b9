//! The distribution's additional figures: the cache hit rate, the origin's latency, errors by status.

use async_trait::async_trait;
use aws_sdk_cloudfront::{
    Client,
    types::{MonitoringSubscription, RealtimeMetricsSubscriptionConfig, RealtimeMetricsSubscriptionStatus},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use crate::{Clients, address, classify, failure::optional, prices};

/// The monitoring subscription of the distribution.
pub(crate) struct Metrics {
    client: Client,
}

impl Metrics {
    pub(crate) fn new(clients: &Clients) -> Self {
        Self { client: clients.cloudfront.clone() }
    }
}

#[async_trait]
impl Resource for Metrics {
    fn title(&self) -> String {
        "additional metrics of the distribution".to_owned()
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::DISTRIBUTION.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::DISTRIBUTION.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::distribution_metrics())
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("status", RealtimeMetricsSubscriptionStatus::Enabled.as_str())
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(id) = cx.inputs.text(address::DISTRIBUTION, "id") else { return Ok(None) };
        let sent = self.client.get_monitoring_subscription().distribution_id(id).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read the {}", self.title()), error)))?;
        let Some(subscription) = answer.and_then(|answer| answer.monitoring_subscription) else { return Ok(None) };
        let status = subscription.realtime_metrics_subscription_config();
        let status = status.map(|config| config.realtime_metrics_subscription_status().as_str().to_owned());
        Ok(Some(Found::new().attribute("status", status).output("distribution", id)))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("switch on the {}", self.title());
        let config = RealtimeMetricsSubscriptionConfig::builder()
            .realtime_metrics_subscription_status(RealtimeMetricsSubscriptionStatus::Enabled)
            .build()
            .map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let subscription = MonitoringSubscription::builder().realtime_metrics_subscription_config(config).build();
        let create = self.client.create_monitoring_subscription().monitoring_subscription(subscription);
        let sent = create.distribution_id(cx.inputs.require(address::DISTRIBUTION, "id")?).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let delete = self.client.delete_monitoring_subscription().distribution_id(found.text("distribution")?);
        let sent = delete.send().await;
        sent.map(drop).map_err(|error| classify(format!("switch off the {}", self.title()), error))
    }
}
