//! The request for a certificate, and the record by which it is validated.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Duration,
};

use async_trait::async_trait;
use aws_sdk_acm::types::{CertificateStatus, Tag, ValidationMethod};
use jewel_engine::{
    Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Price, Readiness, Resource, Rule,
};

use super::find::{Certificates, arn_of};
use crate::{Clients, DomainSpec, Names, StackSpec, classify, prices};

/// A public certificate in us-east-1, where CloudFront looks for it. Ready as soon as it says how it is validated.
pub(crate) struct Certificate {
    all: Certificates,
    stack: String,
}

impl Certificate {
    /// The output with the name of the validating record.
    pub(crate) const RECORD_NAME: &str = "validation_name";
    /// The output with its value.
    pub(crate) const RECORD_VALUE: &str = "validation_value";

    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        Self { all: Certificates::new(spec, clients, domain), stack: Names::new(spec).stack().to_owned() }
    }

    /// The same for a repetition within some minutes, so that an answer that was lost does not make a second
    /// certificate; another one later, when somebody has deleted the first.
    fn token(&self) -> String {
        let mut hash = DefaultHasher::new();
        (&self.stack, &self.all.domain, jiff::Timestamp::now().as_second() / 600).hash(&mut hash);
        format!("{:016x}", hash.finish())
    }
}

#[async_trait]
impl Resource for Certificate {
    fn title(&self) -> String {
        format!("certificate for {}", self.all.domain)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("ACM public certificate", "public certificates cost nothing", "2026-11-22"))
    }

    // Deletion waits until the distribution has let go of it everywhere.
    fn deadline(&self) -> Duration {
        Duration::from_secs(20 * 60)
    }

    fn rule(&self, _field: &str) -> Rule {
        Rule::Replace
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("state", "usable")
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(summary) = self.all.current(cx.memo).await? else { return Ok(None) };
        let Some(detail) = self.all.describe(arn_of(&summary), cx.memo).await? else { return Ok(None) };
        // One that failed never recovers; it is replaced, which its validation may survive this time.
        let state = match detail.status() {
            Some(CertificateStatus::Failed | CertificateStatus::ValidationTimedOut) => {
                let reason = detail.failure_reason().map(|reason| reason.as_str().to_owned());
                reason.unwrap_or_else(|| "validation timed out".to_owned())
            }
            _ => "usable".to_owned(),
        };
        let found = Found::new().attribute("state", state.as_str()).output("arn", arn_of(&summary));
        let record = detail.domain_validation_options().first().and_then(|option| option.resource_record());
        Ok(Some(match record {
            Some(record) => found.output(Self::RECORD_NAME, record.name()).output(Self::RECORD_VALUE, record.value()),
            None if state == "usable" => found.ready(Readiness::Waiting("being prepared".to_owned())),
            None => found,
        }))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("request the {}", self.title());
        let tags: Result<Vec<Tag>, _> = self
            .all
            .tags
            .pairs()
            .into_iter()
            .map(|(key, value)| Tag::builder().key(key).value(value).build())
            .collect();
        let tags = tags.map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let request = self
            .all
            .client
            .request_certificate()
            .domain_name(&self.all.domain)
            .validation_method(ValidationMethod::Dns)
            .idempotency_token(self.token())
            .set_tags(Some(tags));
        request.send().await.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Err(Failure::permanent(format!("change the {}", self.title()), "a certificate cannot be changed"))
    }

    /// And with it those of former domains.
    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        for one in self.all.ours(cx.memo).await?.iter() {
            let sent = self.all.client.delete_certificate().certificate_arn(arn_of(one)).send().await;
            match sent.map_err(|error| classify(format!("delete the {}", self.title()), error)) {
                Err(failure) if failure.kind == FailureKind::Conflict => {
                    cx.progress("still in use somewhere at the edge");
                }
                Err(failure) if failure.kind != FailureKind::NotFound => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }
}
