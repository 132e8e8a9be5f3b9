//! One page that shows how the shop does.

use async_trait::async_trait;
use aws_sdk_cloudwatch::Client;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource, Value};
use serde_json::{Value as Json, json};

use super::{alarm, watches::own_namespace};
use crate::{Clients, Names, StackSpec, address, classify, clients::GLOBAL_REGION, failure::optional, prices};

/// The shop's dashboard. It can carry no tags; its name is all that says whose it is.
pub(crate) struct Dashboard {
    client: Client,
    name: String,
    region: String,
    firewall: String,
    /// The namespace of the API's own figures.
    own: String,
    alarms: Vec<String>,
}

impl Dashboard {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.cloudwatch.clone(),
            name: Names::new(spec).stack().to_owned(),
            region: spec.region.clone(),
            firewall: Names::new(spec).role("firewall"),
            own: own_namespace(spec),
            alarms: alarm::arns(spec),
        }
    }

    fn body(&self, api: &str, distribution: &str) -> Json {
        let gateway = |metric: &str, stat: &str| json!(["AWS/ApiGateway", metric, "ApiId", api, { "stat": stat }]);
        let edge = |metric: &str, stat: &str| json!(["AWS/CloudFront", metric, "DistributionId", distribution, "Region", "Global", { "stat": stat }]);
        let widget = |place: u32, title: &str, region: &str, metrics: Vec<Json>| {
            json!({
                "type": "metric",
                "x": place % 2 * 12, "y": place / 2 * 6, "width": 12, "height": 6,
                "properties": {
                    "title": title, "region": region, "view": "timeSeries", "period": 300, "metrics": metrics,
                },
            })
        };
        let waf =
            |metric: &str| json!(["AWS/WAFV2", metric, "WebACL", self.firewall, "Rule", "ALL", { "stat": "Sum" }]);
        let own = |metric: &str, stat: &str| json!([self.own, metric, { "stat": stat }]);
        let here = self.region.as_str();
        json!({
            "widgets": [
                widget(0, "Visitors", GLOBAL_REGION, vec![edge("Requests", "Sum"), edge("BytesDownloaded", "Sum")]),
                widget(1, "Errors visitors see, percent", GLOBAL_REGION, vec![
                    edge("4xxErrorRate", "Average"),
                    edge("5xxErrorRate", "Average"),
                ]),
                widget(2, "API requests and errors", here, vec![
                    gateway("Count", "Sum"),
                    gateway("4xx", "Sum"),
                    gateway("5xx", "Sum"),
                ]),
                widget(3, "API latency, ms", here, vec![
                    gateway("IntegrationLatency", "p50"),
                    gateway("IntegrationLatency", "p95"),
                    gateway("Latency", "p95"),
                ]),
                widget(4, "Answers from the cache, percent", GLOBAL_REGION, vec![edge("CacheHitRate", "Average")]),
                widget(5, "Origin latency, ms", GLOBAL_REGION, vec![
                    edge("OriginLatency", "p50"),
                    edge("OriginLatency", "p95"),
                ]),
                widget(6, "Firewall", GLOBAL_REGION, vec![waf("AllowedRequests"), waf("BlockedRequests")]),
                widget(7, "The API about itself", here, vec![
                    own("JournalLagSeconds", "Maximum"),
                    own("Ready", "Minimum"),
                ]),
                {
                    "type": "alarm",
                    "x": 0, "y": 24, "width": 24, "height": 4,
                    "properties": { "title": "Alarms", "alarms": self.alarms },
                },
            ],
        })
    }
}

#[async_trait]
impl Resource for Dashboard {
    fn title(&self) -> String {
        format!("dashboard {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::API.into(), address::DISTRIBUTION.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::dashboard())
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let (api, distribution) = (inputs.text(address::API, "id"), inputs.text(address::DISTRIBUTION, "id"));
        let body = api.zip(distribution).map(|(api, distribution)| self.body(api, distribution));
        Desired::new().set("body", body.map_or(Value::Unknown, Value::Known))
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.client.get_dashboard().dashboard_name(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let Some(text) = answer.and_then(|answer| answer.dashboard_body) else { return Ok(None) };
        Ok(Some(Found::new().attribute("body", serde_json::from_str(&text).unwrap_or(Json::String(text)))))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let api = cx.inputs.require(address::API, "id")?;
        let body = self.body(api, cx.inputs.require(address::DISTRIBUTION, "id")?).to_string();
        let sent = self.client.put_dashboard().dashboard_name(&self.name).dashboard_body(body).send().await;
        sent.map(drop).map_err(|error| classify(format!("set {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_dashboards().dashboard_names(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
