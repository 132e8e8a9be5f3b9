//! Closing the shop for maintenance and opening it again: the first line of the function at the edge, and the message on
//! the page that visitors see meanwhile.

use aws_sdk_cloudfront::{
    Client,
    primitives::Blob,
    types::{FunctionStage, InvalidationBatch, Paths},
};
use jewel_engine::Failure;
use serde::{Deserialize, Serialize};

use super::{function, maintenance};
use crate::{Clients, Names, Outputs, StackSpec, classify, failure::incomplete};

/// How a shop is closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Who sends this as the cookie `jewel-pass`, or once as the query `jewel-pass`, is let in all the same.
    pub pass: String,
    /// What `Retry-After` says, in seconds.
    #[serde(rename = "retryAfter")]
    pub retry_after: u32,
}

impl Closed {
    /// Closed with a pass that nobody had before.
    pub fn new(retry_after: u32) -> Self {
        Self { pass: format!("{:032x}", rand::random::<u128>()), retry_after }
    }
}

/// How the shop is closed; `None` while it is open.
///
/// # Errors
/// What CloudFront says, as when the shop does not exist.
pub async fn closed(spec: &StackSpec, clients: &Clients) -> Result<Option<Closed>, Failure> {
    let code = live(&clients.cloudfront, &Names::new(spec).role("site")).await?;
    Ok(function::state(&code).and_then(|state| serde_json::from_str(state).ok()))
}

/// Closes the shop, with a message for visitors if there is one. Doing it again changes what is said.
///
/// # Errors
/// What S3 or CloudFront says. The page is there before the shop is closed.
pub async fn close(
    spec: &StackSpec,
    clients: &Clients,
    outputs: &Outputs,
    closed: &Closed,
    message: Option<&str>,
) -> Result<(), Failure> {
    maintenance::write(&clients.s3, &outputs.site_bucket, message).await?;
    forget_page(clients, &outputs.distribution_id).await?;
    let state =
        serde_json::to_string(closed).map_err(|error| Failure::permanent("close the shop", error.to_string()))?;
    publish(&clients.cloudfront, &Names::new(spec).role("site"), &state).await
}

/// Opens the shop. Doing it again changes nothing.
///
/// # Errors
/// What S3 or CloudFront says.
pub async fn open(spec: &StackSpec, clients: &Clients, outputs: &Outputs) -> Result<(), Failure> {
    publish(&clients.cloudfront, &Names::new(spec).role("site"), function::OPEN).await?;
    maintenance::write(&clients.s3, &outputs.site_bucket, None).await
}

async fn live(client: &Client, name: &str) -> Result<String, Failure> {
    let action = format!("read function {name}");
    let sent = client.get_function().name(name).stage(FunctionStage::Live).send().await;
    let answer = sent.map_err(|error| classify(&action, error))?;
    let code = answer.function_code.ok_or_else(|| incomplete(&action, "FunctionCode"))?;
    Ok(String::from_utf8_lossy(code.as_ref()).into_owned())
}

async fn publish(client: &Client, name: &str, state: &str) -> Result<(), Failure> {
    let wanted = function::shipped(state);
    if live(client, name).await? == wanted {
        return Ok(());
    }
    let action = format!("publish function {name}");
    let described = async || {
        let sent = client.describe_function().name(name).stage(FunctionStage::Development).send().await;
        let answer = sent.map_err(|error| classify(&action, error))?;
        let config = answer.function_summary.and_then(|summary| summary.function_config);
        Ok::<_, Failure>((
            config.ok_or_else(|| incomplete(&action, "FunctionConfig"))?,
            answer.e_tag.ok_or_else(|| incomplete(&action, "ETag"))?,
        ))
    };
    let (config, etag) = described().await?;
    let update = client.update_function().name(name).if_match(etag).function_config(config);
    update.function_code(Blob::new(wanted)).send().await.map_err(|error| classify(&action, error))?;
    // The answer has its tag under a name that the API's model spells in another way than some servers.
    let (_, etag) = described().await?;
    let sent = client.publish_function().name(name).if_match(etag).send().await;
    sent.map(drop).map_err(|error| classify(&action, error))
}

/// An earlier message may be kept at the edge.
async fn forget_page(clients: &Clients, distribution: &str) -> Result<(), Failure> {
    let action = format!("invalidate distribution {distribution}");
    let unfit = |error: aws_sdk_cloudfront::error::BuildError| Failure::permanent(&action, error.to_string());
    let paths = Paths::builder().quantity(1).items(format!("/{}", maintenance::KEY)).build().map_err(unfit)?;
    let reference = format!("maintenance-{}", jiff::Timestamp::now().as_millisecond());
    let batch = InvalidationBatch::builder().paths(paths).caller_reference(reference).build().map_err(unfit)?;
    let sent = clients.cloudfront.create_invalidation().distribution_id(distribution).invalidation_batch(batch).send();
    sent.await.map(drop).map_err(|error| classify(&action, error))
}
