//! GitHub as somebody whose word AWS takes about who is calling: one in an account, for all shops and all others.

use async_trait::async_trait;
use aws_sdk_iam::{Client, types::Tag};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Ownership, Price, Readiness, Resource};

use super::document;
use crate::{Clients, Names, StackSpec, classify, failure::optional, prices, tags::Tags};

/// Where GitHub's tokens come from:
/// <https://docs.github.com/en/actions/how-tos/secure-your-work/security-harden-deployments/oidc-in-aws>.
pub(super) const HOST: &str = "token.actions.githubusercontent.com";

/// Whom a token must be made for.
pub(super) const AUDIENCE: &str = "sts.amazonaws.com";

/// The provider's ARN, which follows from its address.
pub(super) fn arn(account_id: &str) -> String {
    format!("arn:aws:iam::{account_id}:oidc-provider/{HOST}")
}

/// The account's provider for GitHub.
///
/// Where it is somebody else's it is used as it is. When its owner goes while another role trusts it, it is left to them.
pub(crate) struct IdentityProvider {
    client: Client,
    arn: String,
    role: String,
    tags: Tags,
}

impl IdentityProvider {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.iam.clone(),
            arn: arn(&spec.account_id),
            role: Names::new(spec).role("ci"),
            tags: Tags::new(spec, "ci"),
        }
    }

    /// Whether a role that is not this shop's trusts it.
    async fn is_trusted_by_others(&self) -> Result<bool, Failure> {
        let mut pages = self.client.list_roles().into_paginator().items().send();
        while let Some(role) = pages.next().await {
            let role = role.map_err(|error| classify(format!("see who trusts {}", self.title()), error))?;
            let trust = role.assume_role_policy_document().map(|text| document(text).to_string());
            if role.role_name() != self.role && trust.is_some_and(|trust| trust.contains(&self.arn)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[async_trait]
impl Resource for IdentityProvider {
    fn title(&self) -> String {
        format!("identity provider {HOST}")
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("IAM identity provider", "IAM is free", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("audience", AUDIENCE)
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.client.get_open_id_connect_provider().open_id_connect_provider_arn(&self.arn).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let Some(provider) = answer else { return Ok(None) };
        // Other audiences are others' business.
        let ours = provider.client_id_list().iter().find(|audience| *audience == AUDIENCE).cloned();
        let found = Found::new().attribute("audience", ours.clone()).output("arn", self.arn.as_str());
        Ok(Some(match self.tags.ownership(provider.tags().iter().map(|tag| (tag.key(), tag.value()))) {
            Ownership::Foreign(marks) => {
                let found = found.owned(Ownership::Shared(format!("an account has one for GitHub, and {marks}")));
                let missing = format!(
                    "it takes no tokens made for {AUDIENCE}; `aws iam add-client-id-to-open-id-connect-provider \
                     --open-id-connect-provider-arn {} --client-id {AUDIENCE}` lets it",
                    self.arn
                );
                if ours.is_some() { found } else { found.ready(Readiness::Failed(missing)) }
            }
            whose => found.owned(whose),
        }))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        // Building fails only without key or value, and both are there.
        let build = |(key, value)| Tag::builder().key(key).value(value).build().ok();
        let tags: Vec<Tag> = self.tags.pairs().into_iter().filter_map(build).collect();
        // Without thumbprints: AWS trusts the authority that signs GitHub's certificates.
        let create = self.client.create_open_id_connect_provider().url(format!("https://{HOST}"));
        let sent = create.client_id_list(AUDIENCE).set_tags(Some(tags)).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let add = self.client.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(&self.arn);
        let sent = add.client_id(AUDIENCE).send().await;
        sent.map(drop).map_err(|error| classify(format!("change {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        if self.is_trusted_by_others().await? {
            let untag = self.client.untag_open_id_connect_provider().open_id_connect_provider_arn(&self.arn);
            let sent = untag.set_tag_keys(Some(self.tags.pairs().map(|(key, _)| key.to_owned()).to_vec())).send().await;
            return sent.map(drop).map_err(|error| classify(format!("leave {} to others", self.title()), error));
        }
        let sent = self.client.delete_open_id_connect_provider().open_id_connect_provider_arn(&self.arn).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
