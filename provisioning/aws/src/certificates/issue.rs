//! The wait until the certificate is issued.
//!
//! A step of its own: the request must be there before its validating record, the record before the issue, and the
//! issue before the distribution. A run that is stopped here goes on here.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_acm::types::CertificateStatus;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Readiness, Resource};
use serde_json::Value as Json;

use super::find::Certificates;
use crate::{Clients, DomainSpec, StackSpec, ZoneMode, address, prices};

/// The certificate, issued.
pub(crate) struct Issue {
    all: Certificates,
    new_zone: bool,
}

impl Issue {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        Self { all: Certificates::new(spec, clients, domain), new_zone: domain.zone == ZoneMode::Create }
    }

    /// What is waited for, and for whom: of a zone made by us, only the registrar can tell the world.
    fn waiting(&self, inputs: &Inputs) -> String {
        let servers = inputs.get(address::ZONE, "name_servers").and_then(Json::as_array);
        let servers: Vec<&str> = servers.into_iter().flatten().filter_map(Json::as_str).collect();
        if servers.is_empty() {
            return "pending validation by DNS".to_owned();
        }
        let (domain, servers) = (&self.all.domain, servers.join(", "));
        format!("pending validation; unless done, set these name servers for {domain} at its registrar: {servers}")
    }
}

#[async_trait]
impl Resource for Issue {
    fn title(&self) -> String {
        format!("issue of the certificate for {}", self.all.domain)
    }

    fn needs(&self) -> Vec<Address> {
        let zone = self.new_zone.then(|| address::ZONE.into());
        zone.into_iter().chain([address::VALIDATION.into()]).collect()
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::CERTIFICATE.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::CERTIFICATE.into())
    }

    // ACM looks every few minutes at first; the registrar's change may take longer than anyone waits.
    fn deadline(&self) -> Duration {
        Duration::from_secs(30 * 60)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("ACM certificate's issue", "part of the certificate", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(arn) = cx.inputs.text(address::CERTIFICATE, "arn") else { return Ok(None) };
        let Some(detail) = self.all.describe(arn, cx.memo).await? else { return Ok(None) };
        let found = Found::new().output("arn", arn);
        Ok(Some(match detail.status() {
            Some(CertificateStatus::Issued) => found,
            Some(CertificateStatus::PendingValidation) => found.ready(Readiness::Waiting(self.waiting(&cx.inputs))),
            // Its request says so too, and is replaced.
            Some(CertificateStatus::Failed | CertificateStatus::ValidationTimedOut) => return Ok(None),
            other => {
                let status = other.map_or("unknown", CertificateStatus::as_str);
                found.ready(Readiness::Failed(format!("its status is {status}")))
            }
        }))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        Err(Failure::permanent(
            format!("wait for the {}", self.title()),
            "the certificate failed; the same command requests another",
        ))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    // Goes with the certificate.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        Ok(())
    }
}
