//! An alarm of CloudWatch. What is watched, and why, say [`super::watches`].

use async_trait::async_trait;
use aws_sdk_cloudwatch::{
    Client,
    types::{ComparisonOperator, Dimension, MetricAlarm, Statistic, Tag},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use super::watches::{Place, Watch, own_namespace, watches};
use crate::{Clients, Names, StackSpec, classify, clients::GLOBAL_REGION, prices, tags::Tags};

/// One alarm.
pub(crate) struct Alarm {
    client: Client,
    name: String,
    arn: String,
    watch: Watch,
    tags: Tags,
    /// Whether the figure exists only because the API sends it.
    sent_by_us: bool,
}

impl Alarm {
    /// All alarms of the shop, each by the address it is found at.
    pub(crate) fn all(spec: &StackSpec, clients: &Clients) -> Vec<(Address, Self)> {
        let alarm = |watch: Watch| (Address::new("alarm", watch.role), Self::new(spec, clients, watch));
        watches(spec).into_iter().map(alarm).collect()
    }

    fn new(spec: &StackSpec, clients: &Clients, watch: Watch) -> Self {
        let client = match watch.place {
            Place::Here => clients.cloudwatch.clone(),
            Place::Global => clients.cloudwatch_global.clone(),
        };
        Self {
            client,
            name: Names::new(spec).role(watch.role),
            arn: arn(spec, &watch),
            tags: Tags::new(spec, watch.role),
            sent_by_us: watch.namespace == own_namespace(spec),
            watch,
        }
    }

    /// The dimensions, once the value of the one that names the watched resource is known.
    fn dimensions(&self, value: &str) -> Vec<Dimension> {
        let of = self.watch.of.iter().map(|(name, _, _)| (*name, value));
        let all = of.chain(self.watch.fixed.iter().copied());
        all.map(|(name, value)| Dimension::builder().name(name).value(value).build()).collect()
    }

    fn tag_set(&self) -> Vec<Tag> {
        self.tags.pairs().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
    }

    async fn put(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let (watch, action) = (&self.watch, format!("set {}", self.title()));
        let topic = cx.inputs.require(watch.place.topic(), "arn")?;
        let value = watch.of.map(|(_, address, output)| cx.inputs.require(address, output)).transpose()?;
        let (statistic, percentile) = match percentile(watch.statistic) {
            true => (None, Some(watch.statistic.to_owned())),
            false => (Some(Statistic::from(watch.statistic)), None),
        };
        let put = self
            .client
            .put_metric_alarm()
            .alarm_name(&self.name)
            .alarm_description(watch.description)
            .actions_enabled(true)
            .alarm_actions(topic)
            .ok_actions(topic)
            .namespace(&watch.namespace)
            .metric_name(watch.metric)
            .set_dimensions(Some(self.dimensions(value.unwrap_or_default())))
            .set_statistic(statistic)
            .set_extended_statistic(percentile)
            .period(watch.period)
            .evaluation_periods(watch.periods)
            .datapoints_to_alarm(watch.periods)
            .threshold(watch.threshold)
            .comparison_operator(watch.comparison.clone())
            .treat_missing_data(watch.silence)
            // Counts only at creation; the call that changes an alarm ignores them.
            .set_tags(Some(self.tag_set()));
        put.send().await.map(drop).map_err(|error| classify(action, error))
    }
}

/// The ARN of an alarm follows from its name.
fn arn(spec: &StackSpec, watch: &Watch) -> String {
    let region = match watch.place {
        Place::Here => &spec.region,
        Place::Global => GLOBAL_REGION,
    };
    format!("arn:aws:cloudwatch:{region}:{}:alarm:{}", spec.account_id, Names::new(spec).role(watch.role))
}

/// The ARNs of all alarms of the shop.
pub(super) fn arns(spec: &StackSpec) -> Vec<String> {
    watches(spec).iter().map(|watch| arn(spec, watch)).collect()
}

/// Whether it is a percentile, which AWS takes in another field.
fn percentile(statistic: &str) -> bool {
    statistic.strip_prefix('p').is_some_and(|number| number.parse::<f64>().is_ok())
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
    // Only one of the two is ever set on AWS; another cloud fills in `Average` beside a percentile.
    let statistic = alarm.extended_statistic().or(alarm.statistic().map(Statistic::as_str));
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
        let of = self.watch.of.map(|(_, address, _)| address.into());
        of.into_iter().chain([self.watch.place.topic().into()]).collect()
    }

    fn price(&self) -> Option<Price> {
        Some(prices::alarm())
    }

    fn usage(&self) -> Vec<Price> {
        self.sent_by_us.then(prices::metric).into_iter().collect()
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let actions = |arn: &str| json!({ "alarm": [arn], "ok": [arn] });
        let dimensions = match self.watch.of {
            Some((_, address, output)) => {
                inputs.value(address, output).map_text(|value| render_dimensions(&self.dimensions(value)))
            }
            None => render_dimensions(&self.dimensions("")).into(),
        };
        Desired::new()
            .set("actions", inputs.value(self.watch.place.topic(), "arn").map_text(actions))
            .set("actions_enabled", true)
            .set("comparison", self.watch.comparison.as_str())
            .set("datapoints", self.watch.periods)
            .set("description", self.watch.description)
            .set("dimensions", dimensions)
            .set("metric", format!("{}/{}", self.watch.namespace, self.watch.metric))
            .set("missing_data", self.watch.silence)
            .set("period_s", self.watch.period)
            .set("periods", self.watch.periods)
            .set("statistic", self.watch.statistic)
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
