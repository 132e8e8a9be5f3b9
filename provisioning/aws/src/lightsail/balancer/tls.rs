//! The certificate in use. A step of its own: it can be taken into use only once it is issued, and is issued only once
//! its record stands.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lightsail::{Client, types::LoadBalancerTlsCertificateStatus as Status};
use jewel_engine::{
    Address, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Price, Readiness, Resource,
};

use super::{
    certificate::{certificate_name, delete, ours},
    certificates, name, origin_name,
};
use crate::{Clients, DomainSpec, StackSpec, address, classify, prices};

/// TLS on the load balancer.
pub(crate) struct BalancerTls {
    client: Client,
    balancer: String,
    certificate: String,
    domain: String,
}

impl BalancerTls {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        Self {
            client: clients.lightsail.clone(),
            balancer: name(spec),
            certificate: certificate_name(spec),
            domain: origin_name(&domain.name),
        }
    }
}

#[async_trait]
impl Resource for BalancerTls {
    fn title(&self) -> String {
        format!("TLS of load balancer {} for {}", self.balancer, self.domain)
    }

    fn needs(&self) -> Vec<Address> {
        // The origin's record stands while the certificate is validated, and so is known everywhere when it is used.
        vec![address::BALANCER_VALIDATION.into(), address::ORIGIN_RECORD.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::BALANCER_CERTIFICATE.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::BALANCER_CERTIFICATE.into())
    }

    // Validation takes minutes, and as long as the registrar does for a zone that is new.
    fn deadline(&self) -> Duration {
        Duration::from_secs(30 * 60)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail load balancer TLS", "part of the load balancer", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("attached", true)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        if cx.inputs.text(address::BALANCER_CERTIFICATE, "name").is_none() {
            return Ok(None);
        }
        let all = certificates(&self.client, &self.balancer, cx.memo).await?;
        let Some(found) = ours(&all, &self.certificate) else { return Ok(None) };
        let readiness = match found.status() {
            Some(Status::PendingValidation) => Readiness::Waiting("pending validation by DNS".to_owned()),
            _ => Readiness::Ready,
        };
        Ok(Some(Found::new().ready(readiness).attribute("attached", found.is_attached().unwrap_or_default())))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        Err(Failure::new(FailureKind::Conflict, format!("set {}", self.title()), "its certificate is not there yet"))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let attach = self.client.attach_load_balancer_tls_certificate().load_balancer_name(&self.balancer);
        let sent = attach.certificate_name(&self.certificate).send().await;
        sent.map(drop).map_err(|error| classify(format!("set {}", self.title()), error))
    }

    // A certificate in use can only be deleted.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        delete(&self.client, &self.balancer, &self.certificate).await
    }
}
