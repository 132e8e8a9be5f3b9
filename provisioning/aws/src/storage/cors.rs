//! Which pages may send files to a bucket from a browser, with addresses that the API signs for them.
//!
//! A resource of its own because the shop's own address is the distribution's, which needs the bucket.

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    types::{CorsConfiguration, CorsRule},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, address, classify, failure::optional, prices};

/// How long a browser may remember the answer, in seconds.
const MAX_AGE: i32 = 3_600;

/// The upload grant of one bucket.
pub(crate) struct BucketCors {
    s3: Client,
    bucket: String,
    bucket_address: &'static str,
    origins: Vec<String>,
}

impl BucketCors {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, role: &str, bucket_address: &'static str) -> Self {
        Self {
            s3: clients.s3.clone(),
            bucket: Names::new(spec).bucket(role),
            bucket_address,
            origins: spec.api.cors_origins.clone(),
        }
    }

    fn rules(&self, domain: &str) -> Vec<CorsRule> {
        let rule = CorsRule::builder()
            .id("uploads")
            .allowed_origins(format!("https://{domain}"))
            .set_allowed_methods(Some(vec!["POST".to_owned(), "PUT".to_owned()]))
            .allowed_headers("*")
            .expose_headers("ETag")
            .max_age_seconds(MAX_AGE);
        let rule = self.origins.iter().fold(rule, |rule, origin| rule.allowed_origins(origin));
        // Building fails only without origins or methods, and both are there.
        rule.build().into_iter().collect()
    }
}

fn render(rules: &[CorsRule]) -> Json {
    let sorted = |texts: &[String]| {
        let mut texts = texts.to_vec();
        texts.sort_unstable();
        texts
    };
    let all: Vec<Json> = rules
        .iter()
        .map(|rule| {
            json!({
                "origins": sorted(rule.allowed_origins()),
                "methods": sorted(rule.allowed_methods()),
                "headers": sorted(rule.allowed_headers()),
                "exposed": sorted(rule.expose_headers()),
                "max_age": rule.max_age_seconds(),
            })
        })
        .collect();
    all.into()
}

#[async_trait]
impl Resource for BucketCors {
    fn title(&self) -> String {
        format!("upload rules of bucket {}", self.bucket)
    }

    fn needs(&self) -> Vec<Address> {
        vec![self.bucket_address.into(), address::DISTRIBUTION.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("S3 CORS rules", "part of the bucket", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let domain = inputs.value(address::DISTRIBUTION, "host");
        Desired::new().set("cors", domain.map_text(|domain| render(&self.rules(domain))))
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.s3.get_bucket_cors().bucket(&self.bucket).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read the {}", self.title()), error)))?;
        Ok(answer.map(|answer| Found::new().attribute("cors", render(answer.cors_rules()))))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("set the {}", self.title());
        let rules = self.rules(cx.inputs.require(address::DISTRIBUTION, "host")?);
        let configuration = CorsConfiguration::builder().set_cors_rules(Some(rules)).build();
        let configuration = configuration.map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let sent = self.s3.put_bucket_cors().bucket(&self.bucket).cors_configuration(configuration).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.s3.delete_bucket_cors().bucket(&self.bucket).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete the {}", self.title()), error))
    }
}
