//! What is left of former domains: certificates of ours that nothing uses any more.

use async_trait::async_trait;
use jewel_engine::{Address, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Price, Resource};
use serde_json::json;

use super::find::{Certificates, arn_of};
use crate::{Clients, DomainSpec, StackSpec, address, classify, prices};

/// The certificates that the present one has replaced.
pub(crate) struct Former {
    all: Certificates,
}

impl Former {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        Self { all: Certificates::new(spec, clients, domain) }
    }

    async fn unused(&self, cx: &Context<'_>) -> Result<Vec<String>, Failure> {
        let current = cx.inputs.text(address::CERTIFICATE, "arn");
        let ours = self.all.ours(cx.memo).await?;
        let unused = ours.iter().filter(|one| one.in_use() != Some(true)).map(arn_of);
        Ok(unused.filter(|arn| Some(*arn) != current).map(ToOwned::to_owned).collect())
    }

    async fn clear(&self, cx: &Context<'_>) -> Result<(), Failure> {
        for arn in self.unused(cx).await? {
            let sent = self.all.client.delete_certificate().certificate_arn(arn).send().await;
            match sent.map_err(|error| classify("delete a certificate that was replaced", error)) {
                Err(failure) if failure.kind != FailureKind::NotFound => return Err(failure),
                _ => {}
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Resource for Former {
    fn title(&self) -> String {
        "certificates of former domains".to_owned()
    }

    // After the distribution has moved.
    fn needs(&self) -> Vec<Address> {
        vec![address::DISTRIBUTION.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::CERTIFICATE.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::CERTIFICATE.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("ACM certificates of before", "public certificates cost nothing", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("unused", json!([]))
    }

    /// Beside a present certificate it is always there, as a list that may be empty.
    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let unused = self.unused(cx).await?;
        let known = cx.inputs.get(address::CERTIFICATE, "arn").is_some();
        Ok((known || !unused.is_empty()).then(|| Found::new().attribute("unused", json!(unused))))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.clear(cx).await
    }

    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.clear(cx).await
    }
}
