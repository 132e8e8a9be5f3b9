//! What keeps attacks away from the distribution: AWS's own rule groups, and a limit by address.

use async_trait::async_trait;
use aws_sdk_wafv2::{
    Client,
    error::BuildError,
    types::{
        AllowAction, BlockAction, DefaultAction, ManagedRuleGroupStatement, NoneAction, OverrideAction,
        RateBasedStatement, RateBasedStatementAggregateKeyType, Rule as WafRule, RuleAction, Scope, Statement, Tag,
        VisibilityConfig, WebAcl, WebAclSummary,
    },
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{Clients, Names, StackSpec, Traffic, classify, failure::incomplete, prices, tags::Tags};

/// What visitors of every shop are protected from. Each costs a dollar, and five rules are the most of the Free plan.
const GROUPS: [(&str, &str); 3] = [
    ("common", "AWSManagedRulesCommonRuleSet"),
    ("known-bad-inputs", "AWSManagedRulesKnownBadInputsRuleSet"),
    ("sql-injection", "AWSManagedRulesSQLiRuleSet"),
];

/// Requests of one address in five minutes; no person asks so often.
const RATE_LIMIT: i64 = 2_000;
const RATE_WINDOW_S: i64 = 300;

/// The web ACL of the distribution.
pub(crate) struct Firewall {
    client: Client,
    name: String,
    tags: Tags,
    traffic: Traffic,
}

impl Firewall {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.waf.clone(),
            name: Names::new(spec).role("firewall"),
            tags: Tags::new(spec, "firewall"),
            traffic: spec.traffic.clone(),
        }
    }

    async fn find(&self) -> Result<Option<WebAclSummary>, Failure> {
        let mut marker = None;
        loop {
            let sent = self.client.list_web_acls().scope(Scope::Cloudfront).set_next_marker(marker).send().await;
            let page = sent.map_err(|error| classify(format!("find {}", self.title()), error))?;
            if let Some(summary) = page.web_acls().iter().find(|acl| acl.name() == Some(&self.name)) {
                return Ok(Some(summary.clone()));
            }
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() {
                return Ok(None);
            }
        }
    }

    /// The ACL with the token that the next change needs.
    async fn current(&self, id: &str, action: &str) -> Result<(WebAcl, String), Failure> {
        let get = self.client.get_web_acl().scope(Scope::Cloudfront).name(&self.name).id(id);
        let answer = get.send().await.map_err(|error| classify(action, error))?;
        let acl = answer.web_acl.ok_or_else(|| incomplete(action, "web ACL"))?;
        Ok((acl, answer.lock_token.ok_or_else(|| incomplete(action, "lock token"))?))
    }

    fn tag_set(&self) -> Vec<Tag> {
        // Building fails only without key or value, and both are there.
        let build = |(key, value)| Tag::builder().key(key).value(value).build().ok();
        self.tags.pairs().into_iter().filter_map(build).collect()
    }
}

fn visibility(metric: &str) -> Result<VisibilityConfig, BuildError> {
    let config = VisibilityConfig::builder().sampled_requests_enabled(true).cloud_watch_metrics_enabled(true);
    config.metric_name(metric).build()
}

fn rules() -> Result<Vec<WafRule>, BuildError> {
    let mut rules = Vec::new();
    for (priority, (name, group)) in (0..).zip(GROUPS) {
        let managed = ManagedRuleGroupStatement::builder().vendor_name("AWS").name(group).build()?;
        let rule = WafRule::builder()
            .name(name)
            .priority(priority)
            .statement(Statement::builder().managed_rule_group_statement(managed).build())
            // The group's own actions count.
            .override_action(OverrideAction::builder().none(NoneAction::builder().build()).build())
            .visibility_config(visibility(name)?)
            .build()?;
        rules.push(rule);
    }
    let rate = RateBasedStatement::builder()
        .limit(RATE_LIMIT)
        .evaluation_window_sec(RATE_WINDOW_S)
        .aggregate_key_type(RateBasedStatementAggregateKeyType::Ip)
        .build()?;
    let rate = WafRule::builder()
        .name("rate-limit")
        .priority(i32::try_from(GROUPS.len()).unwrap_or(i32::MAX))
        .statement(Statement::builder().rate_based_statement(rate).build())
        .action(RuleAction::builder().block(BlockAction::builder().build()).build())
        .visibility_config(visibility("rate-limit")?)
        .build()?;
    rules.push(rate);
    Ok(rules)
}

fn allow() -> DefaultAction {
    DefaultAction::builder().allow(AllowAction::builder().build()).build()
}

fn render_rule(rule: &WafRule) -> Json {
    let mut json = json!({ "name": rule.name(), "priority": rule.priority() });
    let statement = rule.statement();
    if let Some(managed) = statement.and_then(|statement| statement.managed_rule_group_statement()) {
        json["group"] = format!("{}/{}", managed.vendor_name(), managed.name()).into();
        if managed.scope_down_statement().is_some() {
            json["narrowed"] = true.into();
        }
        let changed: Vec<&str> =
            managed.rule_action_overrides().iter().map(|one| one.name()).chain(excluded(managed)).collect();
        if !changed.is_empty() {
            json["overrides"] = changed.into();
        }
    } else if let Some(rate) = statement.and_then(|statement| statement.rate_based_statement()) {
        json["limit"] = rate.limit().into();
        json["window_s"] = rate.evaluation_window_sec().into();
        json["by"] = rate.aggregate_key_type().as_str().into();
        if rate.scope_down_statement().is_some() {
            json["narrowed"] = true.into();
        }
    } else {
        json["statement"] = "another kind".into();
    }
    let action = match (rule.action(), rule.override_action()) {
        (Some(action), _) if action.block().is_some() => "block",
        (Some(action), _) if action.count().is_some() => "count",
        (Some(action), _) if action.allow().is_some() => "allow",
        (Some(_), _) => "challenge",
        (None, Some(action)) if action.count().is_some() => "count",
        (None, Some(_)) => "as the group says",
        (None, None) => "none",
    };
    json["action"] = action.into();
    json
}

/// Rules that are only counted, in the older of the two ways to say so.
fn excluded(managed: &ManagedRuleGroupStatement) -> impl Iterator<Item = &str> {
    managed.excluded_rules().iter().map(|rule| rule.name())
}

/// The rules in the order in which they are asked.
fn render(rules: &[WafRule]) -> Json {
    let mut rules: Vec<&WafRule> = rules.iter().collect();
    rules.sort_by_key(|rule| rule.priority());
    rules.into_iter().map(render_rule).collect::<Vec<_>>().into()
}

#[async_trait]
impl Resource for Firewall {
    fn title(&self) -> String {
        format!("web ACL {}", self.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::firewall(GROUPS.len() + 1))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::firewall_requests(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        // Building fails only where a required field is left out, and none is.
        let rules = rules().unwrap_or_default();
        Desired::new().set("default", "allow").set("metrics", true).set("rules", render(&rules))
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let Some(summary) = self.find().await? else { return Ok(None) };
        let id = summary.id().ok_or_else(|| incomplete(&action, "id"))?;
        let arn = summary.arn().ok_or_else(|| incomplete(&action, "ARN"))?;
        let tags = self.client.list_tags_for_resource().resource_arn(arn).send();
        let (current, tags) = tokio::join!(self.current(id, &action), tags);
        let (acl, _) = current?;
        let tags = tags.map_err(|error| classify(&action, error))?;
        let tags = tags.tag_info_for_resource.and_then(|info| info.tag_list).unwrap_or_default();
        let open = acl.default_action().is_some_and(|default| default.allow().is_some());
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tags.iter().map(|tag| (tag.key(), tag.value()))))
                .attribute("default", if open { "allow" } else { "block" })
                .attribute("metrics", acl.visibility_config().map(VisibilityConfig::cloud_watch_metrics_enabled))
                .attribute("rules", render(acl.rules()))
                .output("id", id)
                .output("name", self.name.as_str())
                .output("arn", arn),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create {}", self.title());
        let failed = |error: BuildError| Failure::permanent(&action, error.to_string());
        let create = self
            .client
            .create_web_acl()
            .name(&self.name)
            .scope(Scope::Cloudfront)
            // No apostrophe: AWS refuses it here.
            .description("Before the distribution of the shop")
            .default_action(allow())
            .set_rules(Some(rules().map_err(failed)?))
            .visibility_config(visibility(&self.name).map_err(failed)?)
            .set_tags(Some(self.tag_set()));
        create.send().await.map(drop).map_err(|error| classify(&action, error))
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("change {}", self.title());
        let failed = |error: BuildError| Failure::permanent(&action, error.to_string());
        let id = found.text("id")?;
        let (current, token) = self.current(id, &action).await?;
        let update = self
            .client
            .update_web_acl()
            .name(&self.name)
            .scope(Scope::Cloudfront)
            .id(id)
            .lock_token(token)
            .set_description(current.description.filter(|text| !text.is_empty()))
            .default_action(allow())
            .set_rules(Some(rules().map_err(failed)?))
            .visibility_config(visibility(&self.name).map_err(failed)?);
        update.send().await.map(drop).map_err(|error| classify(&action, error))
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(found.text("arn")?).set_tags(Some(self.tag_set()));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        let id = found.text("id")?;
        let (_, token) = self.current(id, &action).await?;
        let delete = self.client.delete_web_acl().name(&self.name).scope(Scope::Cloudfront).id(id).lock_token(token);
        delete.send().await.map(drop).map_err(|error| classify(action, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_fit_the_free_plan() {
        let rules = rules().unwrap();
        assert!(rules.len() <= 5);
        insta::assert_json_snapshot!(render(&rules));
    }

    #[test]
    fn a_rule_weakened_by_hand_reads_differently() {
        let ours = rules().unwrap();
        let mut theirs = ours.clone();
        theirs[0].override_action =
            Some(OverrideAction::builder().count(aws_sdk_wafv2::types::CountAction::builder().build()).build());
        assert_ne!(render(&ours), render(&theirs));
        theirs = ours.clone();
        theirs.remove(3);
        assert_ne!(render(&ours), render(&theirs));
    }
}
