//! The function that makes the single-page shop work with paths.
//!
//! Error pages of the distribution could do that too, but they hold for all of it and would replace the API's answers.

use async_trait::async_trait;
use aws_sdk_cloudfront::{
    Client,
    primitives::Blob,
    types::{FunctionConfig, FunctionRuntime, FunctionStage},
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use crate::{
    Clients, Names, StackSpec, Traffic, classify,
    failure::{incomplete, optional},
    prices,
};

const CODE: &str = include_str!("spa.js");

/// A CloudFront function. Its name, unique in the account, says that it is ours.
pub(crate) struct Function {
    client: Client,
    name: String,
    traffic: Traffic,
}

impl Function {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.cloudfront.clone(), name: Names::new(spec).role("site"), traffic: spec.traffic.clone() }
    }

    fn config(&self) -> Result<FunctionConfig, Failure> {
        FunctionConfig::builder()
            .comment("Paths inside the shop lead to its one page")
            .runtime(FunctionRuntime::CloudfrontJs20)
            .build()
            .map_err(|error| Failure::permanent(format!("describe {}", self.title()), error.to_string()))
    }

    /// Whether the code of a stage is ours; `None` when there is no function in that stage.
    async fn code(&self, stage: FunctionStage) -> Result<Option<&'static str>, Failure> {
        let sent = self.client.get_function().name(&self.name).stage(stage).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        Ok(answer.map(|answer| match answer.function_code {
            Some(code) if code.as_ref() == CODE.as_bytes() => "as shipped",
            _ => "another",
        }))
    }
}

#[async_trait]
impl Resource for Function {
    fn title(&self) -> String {
        format!("function {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudFront function", "only its runs are paid", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::edge_function(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("code", "as shipped").set("published_code", "as shipped").set("runtime", "cloudfront-js-2.0")
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let describe = self.client.describe_function().name(&self.name).stage(FunctionStage::Development);
        let (described, code, published) =
            tokio::join!(describe.send(), self.code(FunctionStage::Development), self.code(FunctionStage::Live));
        let described = optional(described.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let Some(summary) = described.and_then(|answer| answer.function_summary) else { return Ok(None) };
        // The same name in both stages, so the development stage's serves as well.
        let arn = summary.function_metadata().map(|metadata| metadata.function_arn()).unwrap_or_default();
        let runtime = summary.function_config().map(|config| config.runtime().as_str());
        Ok(Some(
            Found::new()
                .attribute("code", code?)
                .attribute("published_code", published?)
                .attribute("runtime", runtime)
                .output("arn", arn),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        // Not published yet: the next pass finds that and mends it.
        let create = self.client.create_function().name(&self.name).function_config(self.config()?);
        let sent = create.function_code(Blob::new(CODE)).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("update {}", self.title());
        let sent = self.client.describe_function().name(&self.name).stage(FunctionStage::Development).send().await;
        let described = sent.map_err(|error| classify(&action, error))?;
        let mut etag = described.e_tag.ok_or_else(|| incomplete(&action, "ETag"))?;
        if changes.iter().any(|change| change.field != "published_code") {
            let update = self.client.update_function().name(&self.name).if_match(etag);
            let update = update.function_config(self.config()?).function_code(Blob::new(CODE));
            let answer = update.send().await.map_err(|error| classify(&action, error))?;
            etag = answer.e_tag.ok_or_else(|| incomplete(&action, "ETag"))?;
        }
        let sent = self.client.publish_function().name(&self.name).if_match(etag).send().await;
        sent.map(drop).map_err(|error| classify(format!("publish {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        let sent = self.client.describe_function().name(&self.name).stage(FunctionStage::Development).send().await;
        let etag = sent.map_err(|error| classify(&action, error))?.e_tag.ok_or_else(|| incomplete(&action, "ETag"))?;
        let sent = self.client.delete_function().name(&self.name).if_match(etag).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}
