//! As whom the shop's pipeline calls AWS: a role that one repository's jobs may take, without a key to keep.

use async_trait::async_trait;
use aws_sdk_iam::{Client, types::Tag};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{ci_policy, document, identity_provider};
use crate::{
    CiSpec, Clients, Names, StackSpec, address::IDENTITY_PROVIDER, classify, failure::optional, prices, tags::Tags,
};

/// The name of the one policy within the role.
const POLICY: &str = "ci";

/// How long a session may last, seconds: a provision from nothing with every deadline of a slow day, twice over.
const LONGEST_SESSION: i32 = 2 * 3600;

/// What the pipeline's role is made of, for who makes it by hand.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CiDocuments {
    /// Who may take it.
    pub trust: Json,
    /// What it may do; a policy within the role, as it is longer than a managed policy may be.
    pub policy: Json,
}

/// The documents of the pipeline's role; `None` without a pipeline.
pub fn ci_documents(spec: &StackSpec) -> Option<CiDocuments> {
    let ci = spec.ci.as_ref()?;
    Some(CiDocuments { trust: trust(ci, &spec.account_id), policy: ci_policy::policy(spec) })
}

/// Jobs of the repository, and of these only the branch's or the environment's. What a job is, GitHub says in `sub`:
/// <https://docs.github.com/en/actions/reference/security/oidc>.
fn trust(ci: &CiSpec, account_id: &str) -> Json {
    let job = match &ci.environment {
        Some(environment) => format!("environment:{environment}"),
        None => format!("ref:refs/heads/{}", ci.branch),
    };
    let (audience, subject) = (format!("{}:aud", identity_provider::HOST), format!("{}:sub", identity_provider::HOST));
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": { "Federated": identity_provider::arn(account_id) },
            "Action": "sts:AssumeRoleWithWebIdentity",
            "Condition": {
                "StringEquals": {
                    audience: identity_provider::AUDIENCE,
                    subject: format!("repo:{}:{job}", ci.repository),
                },
            },
        }],
    })
}

/// The pipeline's role.
pub(crate) struct CiRole {
    client: Client,
    name: String,
    documents: Option<CiDocuments>,
    tags: Tags,
}

impl CiRole {
    /// The role. Without a pipeline it can only be looked for and taken away.
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.iam.clone(),
            name: Names::new(spec).role("ci"),
            documents: ci_documents(spec),
            tags: Tags::new(spec, "ci"),
        }
    }

    fn text(&self, part: impl Fn(&CiDocuments) -> &Json) -> Option<String> {
        self.documents.as_ref().map(|documents| part(documents).to_string())
    }

    fn tag_set(&self) -> Vec<Tag> {
        // Building fails only without key or value, and both are there.
        let build = |(key, value)| Tag::builder().key(key).value(value).build().ok();
        self.tags.pairs().into_iter().filter_map(build).collect()
    }
}

#[async_trait]
impl Resource for CiRole {
    fn title(&self) -> String {
        format!("role {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![IDENTITY_PROVIDER.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("IAM role", "IAM is free", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        let Some(documents) = &self.documents else { return Desired::new() };
        Desired::new()
            .set("longest_session", LONGEST_SESSION)
            .set("policy", documents.policy.clone())
            .set("trust", documents.trust.clone())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.get_role().role_name(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(&action, error)))?;
        let Some(role) = answer.and_then(|answer| answer.role) else { return Ok(None) };
        let sent = self.client.get_role_policy().role_name(&self.name).policy_name(POLICY).send().await;
        let policy = optional(sent.map_err(|error| classify(&action, error)))?;
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(role.tags().iter().map(|tag| (tag.key(), tag.value()))))
                .attribute("longest_session", role.max_session_duration())
                .attribute("policy", policy.map(|answer| document(answer.policy_document())))
                .attribute("trust", role.assume_role_policy_document().map(document))
                .output("arn", role.arn()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self.client.create_role().role_name(&self.name).set_tags(Some(self.tag_set()));
        let create = create.set_assume_role_policy_document(self.text(|documents| &documents.trust));
        let create = create.description("The shop's pipeline plans, provisions and deploys as this role");
        let sent = create.max_session_duration(LONGEST_SESSION).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("change {}", self.title());
        for change in changes {
            match change.field.as_str() {
                "trust" => {
                    let update = self.client.update_assume_role_policy().role_name(&self.name);
                    let sent = update.set_policy_document(self.text(|documents| &documents.trust)).send().await;
                    sent.map(drop).map_err(|error| classify(&action, error))?;
                }
                "policy" => {
                    let put = self.client.put_role_policy().role_name(&self.name).policy_name(POLICY);
                    let sent = put.set_policy_document(self.text(|documents| &documents.policy)).send().await;
                    sent.map(drop).map_err(|error| classify(&action, error))?;
                }
                _ => {
                    let update = self.client.update_role().role_name(&self.name);
                    let sent = update.max_session_duration(LONGEST_SESSION).send().await;
                    sent.map(drop).map_err(|error| classify(&action, error))?;
                }
            }
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.tag_role().role_name(&self.name).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    /// Policies within a role go before it does.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        let sent = self.client.delete_role_policy().role_name(&self.name).policy_name(POLICY).send().await;
        optional(sent.map_err(|error| classify(&action, error)))?;
        let sent = self.client.delete_role().role_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_branch_or_the_environment_may_take_it() {
        let ci = |environment: Option<&str>| CiSpec {
            repository: "maison/permata".to_owned(),
            branch: "main".to_owned(),
            environment: environment.map(str::to_owned),
        };
        let subject = |ci: &CiSpec| {
            let trust = trust(ci, "123456789012");
            trust["Statement"][0]["Condition"]["StringEquals"][format!("{}:sub", identity_provider::HOST)].clone()
        };
        assert_eq!(subject(&ci(None)), "repo:maison/permata:ref:refs/heads/main");
        assert_eq!(subject(&ci(Some("production"))), "repo:maison/permata:environment:production");
    }
}
