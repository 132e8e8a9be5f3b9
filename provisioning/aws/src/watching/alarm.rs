//! Alarms on what AWS measures of the gateway and of the distribution.

use async_trait::async_trait;
use aws_sdk_cloudwatch::{
    Client,
    types::{ComparisonOperator, Dimension, MetricAlarm, Statistic, Tag},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource, Value};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, address, classify, clients::GLOBAL_REGION, prices, tags::Tags};

/// Seconds that one figure sums up.
const PERIOD: i32 = 300;

/// What an alarm watches.
#[derive(Debug, Clone)]
struct Watch {
    role: &'static str,
    description: &'static str,
    namespace: &'static str,
    metric: &'static str,
    statistic: Statistic,
    threshold: f64,
    /// So many periods in a row.
    periods: i32,
    /// The resource it watches, and the dimension that names it.
    of: &'static str,
    dimension: &'static str,
    /// Dimensions beside that one.
    fixed: &'static [(&'static str, &'static str)],
    topic: &'static str,
}

const API_ERRORS: Watch = Watch {
    role: "api-errors",
    description: "The API failed five times within five minutes",
    namespace: "AWS/ApiGateway",
    metric: "5xx",
    statistic: Statistic::Sum,
    threshold: 5.0,
    periods: 1,
    of: address::API,
    dimension: "ApiId",
    fixed: &[],
    topic: address::TOPIC,
};

const API_LATENCY: Watch = Watch {
    role: "api-latency",
    description: "The API took longer than a second on the average for a quarter of an hour",
    metric: "IntegrationLatency",
    statistic: Statistic::Average,
    threshold: 1_000.0,
    periods: 3,
    ..API_ERRORS
};

const EDGE_ERRORS: Watch = Watch {
    role: "edge-errors",
    description: "One in twenty visitors saw an error for a quarter of an hour",
    namespace: "AWS/CloudFront",
    metric: "5xxErrorRate",
    statistic: Statistic::Average,
    threshold: 5.0,
    periods: 3,
    of: address::DISTRIBUTION,
    dimension: "DistributionId",
    fixed: &[("Region", "Global")],
    topic: address::EDGE_TOPIC,
};

/// One alarm.
pub(crate) struct Alarm {
    client: Client,
    name: String,
    arn: String,
    watch: Watch,
    tags: Tags,
}

impl Alarm {
    /// The API answers with errors.
    pub(crate) fn api_errors(spec: &StackSpec, clients: &Clients) -> Self {
        Self::new(spec, clients.cloudwatch.clone(), &spec.region, API_ERRORS)
    }

    /// The API is slow.
    pub(crate) fn api_latency(spec: &StackSpec, clients: &Clients) -> Self {
        Self::new(spec, clients.cloudwatch.clone(), &spec.region, API_LATENCY)
    }

    /// Visitors see errors.
    pub(crate) fn edge_errors(spec: &StackSpec, clients: &Clients) -> Self {
        Self::new(spec, clients.cloudwatch_global.clone(), GLOBAL_REGION, EDGE_ERRORS)
    }

    fn new(spec: &StackSpec, client: Client, region: &str, watch: Watch) -> Self {
        let name = Names::new(spec).role(watch.role);
        Self {
            client,
            arn: format!("arn:aws:cloudwatch:{region}:{}:alarm:{name}", spec.account_id),
            name,
            tags: Tags::new(spec, watch.role),
            watch,
        }
    }

    fn dimensions(&self, id: &str) -> Vec<Dimension> {
        let of = Dimension::builder().name(self.watch.dimension).value(id).build();
        let fixed = self.watch.fixed.iter().map(|(name, value)| Dimension::builder().name(*name).value(*value).build());
        std::iter::once(of).chain(fixed).collect()
    }

    fn tag_set(&self) -> Vec<Tag> {
        self.tags.pairs().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
    }

    async fn put(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let (watch, action) = (self.watch.clone(), format!("set {}", self.title()));
        let put = self
            .client
            .put_metric_alarm()
            .alarm_name(&self.name)
            .alarm_description(watch.description)
            .actions_enabled(true)
            .alarm_actions(cx.inputs.require(watch.topic, "arn")?)
            .ok_actions(cx.inputs.require(watch.topic, "arn")?)
            .namespace(watch.namespace)
            .metric_name(watch.metric)
            .set_dimensions(Some(self.dimensions(cx.inputs.require(watch.of, "id")?)))
            .statistic(watch.statistic)
            .period(PERIOD)
            .evaluation_periods(watch.periods)
            .datapoints_to_alarm(watch.periods)
            .threshold(watch.threshold)
            .comparison_operator(ComparisonOperator::GreaterThanOrEqualToThreshold)
            .treat_missing_data("notBreaching")
            // Counts only at creation; the call that changes an alarm ignores them.
            .set_tags(Some(self.tag_set()));
        put.send().await.map(drop).map_err(|error| classify(action, error))
    }
}

fn render_dimensions(dimensions: &[Dimension]) -> Json {
    let mut all: Vec<String> = dimensions
        .iter()
        .map(|one| format!("{}={}", one.name().unwrap_or_default(), one.value().unwrap_or_default()))
        .collect();
    all.sort_unstable();
    all.into()
}

fn render(alarm: &MetricAlarm) -> Found {
    let statistic = alarm.statistic().map(Statistic::as_str).or(alarm.extended_statistic());
    Found::new()
        .attribute("actions", json!({ "alarm": alarm.alarm_actions(), "ok": alarm.ok_actions() }))
        .attribute("actions_enabled", alarm.actions_enabled())
        .attribute("comparison", alarm.comparison_operator().map(ComparisonOperator::as_str))
        .attribute("datapoints", alarm.datapoints_to_alarm())
        .attribute("description", alarm.alarm_description())
        .attribute("dimensions", render_dimensions(alarm.dimensions()))
        .attribute("metric", format!("{}/{}", alarm.namespace().unwrap_or("?"), alarm.metric_name().unwrap_or("?")))
        .attribute("missing_data", alarm.treat_missing_data())
        .attribute("period_s", alarm.period())
        .attribute("periods", alarm.evaluation_periods())
        .attribute("statistic", statistic)
        .attribute("threshold", alarm.threshold())
}

#[async_trait]
impl Resource for Alarm {
    fn title(&self) -> String {
        format!("alarm {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![self.watch.of.into(), self.watch.topic.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudWatch alarm", "ten alarms are free, then USD 0.10 each", "2026-09-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let actions = |arn: &str| json!({ "alarm": [arn], "ok": [arn] });
        let dimensions = |id: &str| render_dimensions(&self.dimensions(id));
        let metric: Value = format!("{}/{}", self.watch.namespace, self.watch.metric).into();
        Desired::new()
            .set("actions", inputs.value(self.watch.topic, "arn").map_text(actions))
            .set("actions_enabled", true)
            .set("comparison", ComparisonOperator::GreaterThanOrEqualToThreshold.as_str())
            .set("datapoints", self.watch.periods)
            .set("description", self.watch.description)
            .set("dimensions", inputs.value(self.watch.of, "id").map_text(dimensions))
            .set("metric", metric)
            .set("missing_data", "notBreaching")
            .set("period_s", PERIOD)
            .set("periods", self.watch.periods)
            .set("statistic", self.watch.statistic.as_str())
            .set("threshold", self.watch.threshold)
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.describe_alarms().alarm_names(&self.name).send().await;
        let answer = sent.map_err(|error| classify(&action, error))?;
        let Some(alarm) = answer.metric_alarms().first() else { return Ok(None) };
        let tags = self.client.list_tags_for_resource().resource_arn(&self.arn).send().await;
        let tags = tags.map_err(|error| classify(&action, error))?;
        let tags = tags.tags().iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()));
        Ok(Some(render(alarm).owned(self.tags.ownership(tags)).output("arn", self.arn.as_str())))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        self.put(cx).await
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.put(cx).await
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.tag_resource().resource_arn(&self.arn).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_alarms().alarm_names(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
