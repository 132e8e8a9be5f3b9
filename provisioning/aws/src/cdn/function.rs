//! The function at the edge: paths of the single-page shop, the catalogue's cache keys, the page's policy, maintenance.
//!
//! Its first line is the shop's state, open or closed for maintenance, which a command switches while the shop runs. A
//! provision keeps that line as it finds it: it is no drift.

use async_trait::async_trait;
use aws_sdk_cloudfront::{
    Client,
    primitives::Blob,
    types::{FunctionConfig, FunctionRuntime, FunctionStage},
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::Value as Json;

use crate::{
    Clients, Names, StackSpec, Traffic, classify,
    failure::{incomplete, optional},
    prices,
};

/// What is shipped, with the line that says open.
const CODE: &str = include_str!("edge.js");

/// The state of a shop that is open.
pub(super) const OPEN: &str = "null";

/// The state a code says, if it says one that the rest of it can work with.
pub(super) fn state(code: &str) -> Option<&str> {
    let state = code.lines().next()?.strip_prefix("const MAINTENANCE = ")?.strip_suffix(';')?;
    let value: Json = serde_json::from_str(state).ok()?;
    (value.is_null() || (value["pass"].is_string() && value["retryAfter"].is_u64())).then_some(state)
}

/// What is shipped, in a state.
pub(super) fn shipped(state: &str) -> String {
    let (_, rest) = CODE.split_once('\n').unwrap_or_default();
    format!("const MAINTENANCE = {state};\n{rest}")
}

fn compare(code: Option<&str>, wanted: &str) -> Option<&'static str> {
    code.map(|code| if code == wanted { "as shipped" } else { "another" })
}

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
            .comment("Paths, cache keys, policy and maintenance of the shop")
            .runtime(FunctionRuntime::CloudfrontJs20)
            .build()
            .map_err(|error| Failure::permanent(format!("describe {}", self.title()), error.to_string()))
    }

    /// The code of a stage; `None` when there is no function in that stage.
    async fn code(&self, stage: FunctionStage) -> Result<Option<String>, Failure> {
        let sent = self.client.get_function().name(&self.name).stage(stage).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let code = answer.and_then(|answer| answer.function_code);
        Ok(code.map(|code| String::from_utf8_lossy(code.as_ref()).into_owned()))
    }

    async fn etag(&self, action: &str) -> Result<String, Failure> {
        let sent = self.client.describe_function().name(&self.name).stage(FunctionStage::Development).send().await;
        sent.map_err(|error| classify(action, error))?.e_tag.ok_or_else(|| incomplete(action, "ETag"))
    }

    /// What is shipped, with the state that visitors see now.
    async fn wanted(&self) -> Result<String, Failure> {
        let live = self.code(FunctionStage::Live).await?;
        Ok(shipped(live.as_deref().and_then(state).unwrap_or(OPEN)))
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
        let published = published?;
        let now = published.as_deref().and_then(state).unwrap_or(OPEN);
        let wanted = shipped(now);
        Ok(Some(
            Found::new()
                .attribute("code", compare(code?.as_deref(), &wanted))
                .attribute("published_code", compare(published.as_deref(), &wanted))
                .attribute("runtime", runtime)
                .output("arn", arn)
                .output("maintenance", now != OPEN),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        // Not published yet: the next pass finds that and mends it.
        let create = self.client.create_function().name(&self.name).function_config(self.config()?);
        let sent = create.function_code(Blob::new(shipped(OPEN))).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("update {}", self.title());
        let mut etag = self.etag(&action).await?;
        if changes.iter().any(|change| change.field != "published_code") {
            let update = self.client.update_function().name(&self.name).if_match(etag);
            let update = update.function_config(self.config()?).function_code(Blob::new(self.wanted().await?));
            update.send().await.map_err(|error| classify(&action, error))?;
            // The answer has its tag under a name that the API's model spells in another way than some servers.
            etag = self.etag(&action).await?;
        }
        let sent = self.client.publish_function().name(&self.name).if_match(etag).send().await;
        sent.map(drop).map_err(|error| classify(format!("publish {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        let etag = self.etag(&action).await?;
        let sent = self.client.delete_function().name(&self.name).if_match(etag).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_kept_and_nothing_else() {
        assert_eq!((state(CODE), shipped(OPEN).as_str()), (Some(OPEN), CODE));
        let closed = shipped(r#"{"pass":"p","retryAfter":300}"#);
        assert_eq!(state(&closed).map(shipped), Some(closed.clone()));
        for bad in ["", "const MAINTENANCE = 1;\n", "const MAINTENANCE = {};\n", "const MAINTENANCE = null\n", "x"] {
            assert_eq!(state(bad), None, "{bad}");
        }
    }

    #[test]
    fn it_is_small_enough() {
        // CloudFront's quota.
        assert!(CODE.len() <= 10_240);
    }
}
