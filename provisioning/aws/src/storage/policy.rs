//! A bucket's policy: whom it lets in beside the account itself.
//!
//! A resource of its own because what it names may need the bucket first, as our distribution does.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, address, classify, failure::optional, prices};

/// The one policy of one bucket.
pub(crate) struct BucketPolicy {
    s3: Client,
    bucket: String,
    bucket_address: &'static str,
    grant: Grant,
}

/// What a policy allows.
enum Grant {
    /// Our distribution may read.
    Distribution,
    /// What the document says.
    Document(Json),
}

impl BucketPolicy {
    /// Lets our distribution read the bucket of this role, and nobody else.
    pub(crate) fn distribution(spec: &StackSpec, clients: &Clients, role: &str, bucket_address: &'static str) -> Self {
        let bucket = Names::new(spec).bucket(role);
        Self { s3: clients.s3.clone(), bucket, bucket_address, grant: Grant::Distribution }
    }

    /// Allows what the document says.
    pub(crate) fn document(clients: &Clients, bucket: String, bucket_address: &'static str, document: Json) -> Self {
        Self { s3: clients.s3.clone(), bucket, bucket_address, grant: Grant::Document(document) }
    }

    /// The shape AWS documents for origin access control. It grants no listing, so a missing object answers 403.
    fn readable_by(&self, distribution: &str) -> Json {
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "DistributionReads",
                "Effect": "Allow",
                "Principal": { "Service": "cloudfront.amazonaws.com" },
                "Action": "s3:GetObject",
                "Resource": format!("arn:aws:s3:::{}/*", self.bucket),
                // The ARN names the account too.
                "Condition": { "StringEquals": { "AWS:SourceArn": distribution } },
            }],
        })
    }
}

#[async_trait]
impl Resource for BucketPolicy {
    fn title(&self) -> String {
        format!("policy of bucket {}", self.bucket)
    }

    fn needs(&self) -> Vec<Address> {
        match self.grant {
            Grant::Distribution => vec![self.bucket_address.into(), address::DISTRIBUTION.into()],
            Grant::Document(_) => vec![self.bucket_address.into()],
        }
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("S3 bucket policy", "part of the bucket", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        match &self.grant {
            Grant::Distribution => {
                let arn = inputs.value(address::DISTRIBUTION, "arn");
                Desired::new().set("policy", arn.map_text(|arn| self.readable_by(arn)))
            }
            Grant::Document(document) => Desired::new().set("policy", document.clone()),
        }
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.s3.get_bucket_policy().bucket(&self.bucket).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read the {}", self.title()), error)))?;
        let Some(text) = answer.and_then(|answer| answer.policy) else { return Ok(None) };
        // Compared as a value: AWS may give the keys back in another order.
        let policy: Json = serde_json::from_str(&text).unwrap_or(Json::String(text));
        Ok(Some(Found::new().attribute("policy", policy)))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let policy = match &self.grant {
            Grant::Distribution => self.readable_by(cx.inputs.require(address::DISTRIBUTION, "arn")?),
            Grant::Document(document) => document.clone(),
        };
        let sent = self.s3.put_bucket_policy().bucket(&self.bucket).policy(policy.to_string()).send().await;
        sent.map(drop).map_err(|error| classify(format!("set the {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.create(cx).await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.s3.delete_bucket_policy().bucket(&self.bucket).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete the {}", self.title()), error))
    }
}
