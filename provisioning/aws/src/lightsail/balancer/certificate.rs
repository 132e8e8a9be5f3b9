//! The load balancer's certificate: asked for here, proven by a record of the zone, used by [`super::BalancerTls`].

use async_trait::async_trait;
use aws_sdk_lightsail::{
    Client,
    types::{LoadBalancerTlsCertificate, LoadBalancerTlsCertificateStatus as Status},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Readiness, Resource, Rule};

use super::{certificates, name, origin_name, tag_list};
use crate::{Clients, DomainSpec, Names, StackSpec, address, classify, prices, tags::Tags};

/// The request for a certificate.
pub(crate) struct BalancerCertificate {
    client: Client,
    balancer: String,
    name: String,
    domain: String,
    tags: Tags,
}

impl BalancerCertificate {
    /// The name of the record that proves the domain, as an output.
    pub(crate) const RECORD_NAME: &str = "record_name";
    /// What it says.
    pub(crate) const RECORD_VALUE: &str = "record_value";

    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        Self {
            client: clients.lightsail.clone(),
            balancer: name(spec),
            name: certificate_name(spec),
            domain: origin_name(&domain.name),
            tags: Tags::new(spec, "origin"),
        }
    }
}

pub(super) fn certificate_name(spec: &StackSpec) -> String {
    Names::new(spec).role("origin")
}

/// Ours among those of the load balancer.
pub(super) fn ours<'a>(all: &'a [LoadBalancerTlsCertificate], name: &str) -> Option<&'a LoadBalancerTlsCertificate> {
    all.iter().find(|one| one.name() == Some(name))
}

/// Deletes it, in use or not: what uses it is deleted or replaced with it.
pub(super) async fn delete(client: &Client, balancer: &str, name: &str) -> Result<(), Failure> {
    let delete = client.delete_load_balancer_tls_certificate().load_balancer_name(balancer).certificate_name(name);
    let sent = delete.force(true).send().await;
    sent.map(drop).map_err(|error| classify(format!("delete certificate {name} of load balancer {balancer}"), error))
}

#[async_trait]
impl Resource for BalancerCertificate {
    fn title(&self) -> String {
        format!("certificate of load balancer {} for {}", self.balancer, self.domain)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::LOAD_BALANCER.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::LOAD_BALANCER.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail load balancer certificate", "part of the load balancer", "2026-11-22"))
    }

    // A certificate is for one domain for ever, and one that failed is never issued.
    fn rule(&self, _field: &str) -> Rule {
        Rule::Replace
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("alternative_names", 0).set("domain", self.domain.as_str()).set("failed", false)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        if cx.inputs.text(address::LOAD_BALANCER, "name").is_none() {
            return Ok(None);
        }
        let all = certificates(&self.client, &self.balancer, cx.memo).await?;
        let Some(found) = ours(&all, &self.name) else { return Ok(None) };
        let record = found.domain_validation_records().first();
        let names = found.subject_alternative_names().iter().filter(|name| found.domain_name() != Some(name.as_str()));
        let failed = matches!(
            found.status(),
            Some(Status::Failed | Status::ValidationTimedOut | Status::Revoked | Status::Expired | Status::Inactive)
        );
        // The records come a moment after the request.
        let readiness = match record.and_then(|record| record.value()) {
            None if !failed => Readiness::Waiting("being given its validating record".to_owned()),
            _ => Readiness::Ready,
        };
        Ok(Some(
            Found::new()
                .ready(readiness)
                .owned(self.tags.ownership(super::tag_pairs(found.tags())))
                .attribute("alternative_names", names.count())
                .attribute("domain", found.domain_name())
                .attribute("failed", failed)
                .output("name", self.name.as_str())
                .output(Self::RECORD_NAME, record.and_then(|record| record.name()))
                .output(Self::RECORD_VALUE, record.and_then(|record| record.value())),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self
            .client
            .create_load_balancer_tls_certificate()
            .load_balancer_name(&self.balancer)
            .certificate_name(&self.name)
            .certificate_domain_name(&self.domain)
            .set_tags(Some(tag_list(&self.tags)));
        create.send().await.map(drop).map_err(|error| classify(format!("request the {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_name(&self.name).set_tags(Some(tag_list(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag the {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        delete(&self.client, &self.balancer, &self.name).await
    }
}
