//! As whom the API calls AWS. A Lightsail instance has no role of its own, so it is a user with a key.

use async_trait::async_trait;
use aws_sdk_iam::{Client, types::Tag};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use super::document;
use crate::{Clients, Names, StackSpec, classify, failure::optional, prices, tags::Tags};

/// The name of the one policy within the user.
const POLICY: &str = "api";

/// The API's user.
pub(crate) struct ApiUser {
    client: Client,
    name: String,
    policy: Json,
    tags: Tags,
}

impl ApiUser {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.iam.clone(), name: name(spec), policy: policy(spec), tags: Tags::new(spec, "api") }
    }

    fn tag_set(&self) -> Vec<Tag> {
        // Building fails only without key or value, and both are there.
        let build = |(key, value)| Tag::builder().key(key).value(value).build().ok();
        self.tags.pairs().into_iter().filter_map(build).collect()
    }
}

/// The user's name.
pub(super) fn name(spec: &StackSpec) -> String {
    Names::new(spec).role("api")
}

/// Takes the API's right to its journal away, as somebody might by mistake. For drills: `provision` gives it back.
///
/// # Errors
/// When IAM refuses.
pub async fn withhold_journal(spec: &StackSpec, clients: &Clients) -> Result<(), Failure> {
    let (user, mut document) = (name(spec), policy(spec));
    if let Some(statements) = document["Statement"].as_array_mut() {
        statements.retain(|statement| statement["Sid"] != "Journal");
    }
    let put = clients.iam.put_user_policy().user_name(&user).policy_name(POLICY);
    let sent = put.policy_document(document.to_string()).send().await;
    sent.map(drop).map_err(|error| classify(format!("write the policy of user {user}"), error))
}

/// All that the API may do. What is not here it is denied: above all to read or delete what it wrote to the journal.
fn policy(spec: &StackSpec) -> Json {
    let names = Names::new(spec);
    let (region, account) = (&spec.region, &spec.account_id);
    // A secret's ARN ends in six characters that AWS chooses.
    let secret = |role: &str| format!("arn:aws:secretsmanager:{region}:{account}:secret:{}-??????", names.role(role));
    let group = format!("arn:aws:logs:{region}:{account}:log-group:/jewel/{}/api", names.stack());
    let allow = |id: &str, actions: Json, resources: Json| json!({ "Sid": id, "Effect": "Allow", "Action": actions, "Resource": resources });
    let journal = format!("arn:aws:s3:::{}/journal/*", names.bucket("backups"));
    let mut journal = allow("Journal", json!(["s3:PutObject"]), json!([journal]));
    // Only with `If-None-Match`: not even the API may overwrite what it wrote.
    journal["Condition"] = json!({ "Null": { "s3:if-none-match": "false" } });
    // Figures belong to no resource; their namespace says whose they are.
    let mut metrics = allow("Metrics", json!(["cloudwatch:PutMetricData"]), json!(["*"]));
    metrics["Condition"] = json!({ "StringEquals": { "cloudwatch:namespace": metrics_namespace(spec) } });
    json!({
        "Version": "2012-10-17",
        "Statement": [
            journal,
            allow(
                "Pictures",
                json!(["s3:GetObject", "s3:PutObject"]),
                json!([format!("arn:aws:s3:::{}/media/*", names.bucket("media"))]),
            ),
            // In the same bucket, where the distribution does not look: it asks for `media/*` only.
            allow(
                "Documents",
                json!(["s3:GetObject", "s3:PutObject"]),
                json!([format!("arn:aws:s3:::{}/documents/*", names.bucket("media"))]),
            ),
            allow("Secret", json!(["secretsmanager:GetSecretValue"]), json!([secret("api")])),
            metrics,
            allow(
                "Logs",
                json!(["logs:CreateLogStream", "logs:PutLogEvents"]),
                json!([group, format!("{group}:*")]),
            ),
        ],
    })
}

/// Where the API's own figures go.
pub fn metrics_namespace(spec: &StackSpec) -> String {
    format!("Jewel/{}", Names::new(spec).stack())
}

#[async_trait]
impl Resource for ApiUser {
    fn title(&self) -> String {
        format!("user {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("IAM user", "IAM is free", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("policy", self.policy.clone())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let user = async {
            let sent = self.client.get_user().user_name(&self.name).send().await;
            optional(sent.map_err(|error| classify(&action, error)))
        };
        let policy = async {
            let sent = self.client.get_user_policy().user_name(&self.name).policy_name(POLICY).send().await;
            optional(sent.map_err(|error| classify(&action, error)))
        };
        let tags = async {
            let sent = self.client.list_user_tags().user_name(&self.name).send().await;
            optional(sent.map_err(|error| classify(&action, error)))
        };
        let (user, policy, tags) = tokio::join!(user, policy, tags);
        let Some(user) = user?.and_then(|answer| answer.user) else { return Ok(None) };
        let policy = policy?.map(|answer| document(answer.policy_document()));
        let tags = tags?.map(|answer| answer.tags).unwrap_or_default();
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tags.iter().map(|tag| (tag.key(), tag.value()))))
                .attribute("policy", policy)
                .output("name", self.name.as_str())
                .output("arn", user.arn()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let sent = self.client.create_user().user_name(&self.name).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let put = self.client.put_user_policy().user_name(&self.name).policy_name(POLICY);
        let sent = put.policy_document(self.policy.to_string()).send().await;
        sent.map(drop).map_err(|error| classify(format!("set what {} may do", self.title()), error))
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.tag_user().user_name(&self.name).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    /// Policies within a user go before it does. Its key is a resource of its own and gone by now.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        let sent = self.client.delete_user_policy().user_name(&self.name).policy_name(POLICY).send().await;
        optional(sent.map_err(|error| classify(&action, error)))?;
        let sent = self.client.delete_user().user_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_may_do_no_more_than_this() {
        insta::assert_json_snapshot!(policy(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012")));
    }

    #[test]
    fn nothing_is_allowed_everywhere_but_figures() {
        let policy = policy(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"));
        for statement in policy["Statement"].as_array().unwrap() {
            let everywhere = statement["Resource"].as_array().unwrap().iter().any(|one| one == "*");
            assert!(!everywhere || statement["Condition"].is_object(), "{statement}");
            let actions = statement["Action"].as_array().unwrap();
            assert!(actions.iter().all(|action| !action.as_str().unwrap().contains('*')), "{statement}");
        }
    }
}
