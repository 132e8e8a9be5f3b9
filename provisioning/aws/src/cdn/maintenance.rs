//! The page that visitors see while the shop is closed, in the site's bucket, as this version of the tool has it.
//!
//! It is never asked for by its name: the function at the edge leads visitors to it, with status 503. Error pages of the
//! distribution would replace the API's answers, and failover to another origin is for reads and dear plans only.

use async_trait::async_trait;
use aws_sdk_s3::{Client, primitives::ByteStream};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use crate::{Clients, Names, StackSpec, address, classify, failure::optional, prices};

/// Where a message of the shop's owner goes.
const PLACE: &str = "<!-- message -->";

/// Stands alone: no picture, style or script from anywhere else, all of which may be away too.
const PAGE: &str = include_str!("maintenance.html");
/// `edge.js` knows it too.
pub(super) const KEY: &str = "maintenance.html";
const CONTENT_TYPE: &str = "text/html; charset=utf-8";

/// The page as an object.
pub(crate) struct MaintenancePage {
    s3: Client,
    bucket: String,
}

impl MaintenancePage {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { s3: clients.s3.clone(), bucket: Names::new(spec).bucket("site") }
    }
}

#[async_trait]
impl Resource for MaintenancePage {
    fn title(&self) -> String {
        format!("page {KEY} in bucket {}", self.bucket)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::SITE_BUCKET.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::SITE_BUCKET.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Maintenance page in S3", "a few KB", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("content", "as shipped").set("content_type", CONTENT_TYPE)
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read the {}", self.title());
        let sent = self.s3.get_object().bucket(&self.bucket).key(KEY).send().await;
        let Some(object) = optional(sent.map_err(|error| classify(&action, error)))? else { return Ok(None) };
        let kind = object.content_type.clone();
        let body = object.body.collect().await.map_err(|error| Failure::permanent(action, error.to_string()))?;
        // A message is the shop's state, as the function's first line is, and no drift.
        let content = if without_message(&body.into_bytes()) == PAGE { "as shipped" } else { "another" };
        Ok(Some(Found::new().attribute("content", content).attribute("content_type", kind)))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        write(&self.s3, &self.bucket, None).await
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.s3.delete_object().bucket(&self.bucket).key(KEY).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete the {}", self.title()), error))
    }
}

/// Writes the page, with a message for visitors if there is one.
pub(super) async fn write(s3: &Client, bucket: &str, message: Option<&str>) -> Result<(), Failure> {
    let put = s3.put_object().bucket(bucket).key(KEY).content_type(CONTENT_TYPE);
    // The edge asks again after a minute; browsers are told by the function to keep nothing.
    let put = put.cache_control("public, max-age=60").body(ByteStream::from(with_message(message).into_bytes()));
    put.send().await.map(drop).map_err(|error| classify(format!("write page {KEY} in bucket {bucket}"), error))
}

fn with_message(message: Option<&str>) -> String {
    let Some(message) = message else { return PAGE.to_owned() };
    let text = message.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    PAGE.replace(PLACE, &format!("{PLACE}<p>{text}</p>"))
}

fn without_message(page: &[u8]) -> String {
    let page = String::from_utf8_lossy(page);
    let Some((before, after)) = page.split_once(&format!("{PLACE}<p>")) else { return page.into_owned() };
    let rest = after.split_once("</p>").map_or("", |(_, rest)| rest);
    format!("{before}{PLACE}{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_text_and_can_be_taken_out_again() {
        let page = with_message(Some("Back at <b>nine</b> & not before</p>"));
        assert!(page.contains("<p>Back at &lt;b&gt;nine&lt;/b&gt; &amp; not before&lt;/p&gt;</p>"), "{page}");
        assert_eq!(without_message(page.as_bytes()), PAGE);
        assert_eq!(without_message(PAGE.as_bytes()), PAGE);
        assert_ne!(without_message(b"<p>another</p>"), PAGE);
    }
}
