//! Where people log in: a prefix of Cognito's own domain.

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_cognitoidentityprovider::{
    Client,
    types::{DomainDescriptionType, DomainStatusType},
};
use jewel_engine::{
    Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Ownership, Price, Readiness, Resource,
};

use crate::{Clients, Names, StackSpec, address, classify, failure::optional, prices};

/// The login domain.
pub(crate) struct PoolDomain {
    client: Client,
    domain: String,
}

impl PoolDomain {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.cognito.clone(), domain: Names::new(spec).login() }
    }
}

/// The pool a login domain belongs to.
pub(super) async fn pool_behind(client: &Client, domain: &str, memo: &Memo) -> Result<Arc<Option<String>>, Failure> {
    let description = describe(client, domain, memo).await?;
    Ok(Arc::new((*description).as_ref().and_then(|domain| domain.user_pool_id.clone())))
}

/// The domain, asked once in a pass. For one that does not exist the service answers with an empty description.
async fn describe(client: &Client, domain: &str, memo: &Memo) -> Result<Arc<Option<DomainDescriptionType>>, Failure> {
    memo.once(&format!("login domain {domain}"), async {
        let sent = client.describe_user_pool_domain().domain(domain).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read login domain {domain}"), error)))?;
        Ok(answer.and_then(|answer| answer.domain_description).filter(|found| found.user_pool_id.is_some()))
    })
    .await
}

#[async_trait]
impl Resource for PoolDomain {
    fn title(&self) -> String {
        format!("login domain {}", self.domain)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::USER_POOL.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::USER_POOL.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Cognito login domain", "part of the user pool", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new().set("user_pool", inputs.value(address::USER_POOL, "id"))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let found = describe(&self.client, &self.domain, cx.memo).await?;
        let Some(domain) = (*found).as_ref() else { return Ok(None) };
        let readiness = match domain.status() {
            Some(DomainStatusType::Creating) => Readiness::Waiting("creating".to_owned()),
            Some(DomainStatusType::Updating) => Readiness::Waiting("updating".to_owned()),
            Some(DomainStatusType::Deleting) => Readiness::Waiting("deleting".to_owned()),
            Some(DomainStatusType::Failed) => Readiness::Failed("its status is `FAILED`".to_owned()),
            _ => Readiness::Ready,
        };
        // Its prefix is unique across accounts, so it can be another's.
        let ownership = match cx.inputs.text(address::USER_POOL, "id") {
            Some(pool) if domain.user_pool_id() != Some(pool) => {
                Ownership::Foreign("it belongs to another user pool".to_owned())
            }
            _ => Ownership::Ours,
        };
        Ok(Some(
            Found::new()
                .owned(ownership)
                .ready(readiness)
                .attribute("user_pool", domain.user_pool_id())
                .output("domain", self.domain.as_str()),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let pool = cx.inputs.require(address::USER_POOL, "id")?;
        // Version 2 shows no page at all until each client has a branding of its own.
        let create = self.client.create_user_pool_domain().domain(&self.domain).user_pool_id(pool);
        let sent = create.managed_login_version(1).send().await;
        sent.map(drop).map_err(|error| classify(format!("create login domain {}", self.domain), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let pool = found.attributes.get("user_pool").and_then(|id| id.as_str()).unwrap_or_default();
        let sent = self.client.delete_user_pool_domain().domain(&self.domain).user_pool_id(pool).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete login domain {}", self.domain), error))
    }
}
