//! When copies are made, and how long they live.

use async_trait::async_trait;
use aws_sdk_backup::{
    Client,
    error::BuildError,
    types::{BackupPlan, BackupPlanInput, BackupPlansListMember, BackupRule, BackupRuleInput, Lifecycle},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Ownership, Price, Resource};
use serde_json::{Value as Json, json};

use crate::{
    Clients, Names, StackSpec, address, classify,
    failure::incomplete,
    prices,
    tags::{Tags, hash_map},
};

const RULE: &str = "daily";
/// An hour after the databases' windows, UTC.
const SCHEDULE: &str = "cron(0 20 * * ? *)";
const START_WINDOW_MINUTES: i64 = 60;
const COMPLETION_WINDOW_MINUTES: i64 = 480;
/// The longest that a mistake may stay unnoticed.
const KEEP_DAYS: i64 = 35;

/// The daily plan. Plans of one name can be many, so ours is known by its tags.
pub(crate) struct Plan {
    client: Client,
    name: String,
    vault: String,
    tags: Tags,
}

impl Plan {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let name = Names::new(spec).stack().to_owned();
        Self { client: clients.backup.clone(), vault: name.clone(), name, tags: Tags::new(spec, "backup") }
    }

    async fn find(&self) -> Result<Option<(BackupPlansListMember, Ownership)>, Failure> {
        let action = format!("find {}", self.title());
        let mut foreign = None;
        let mut token = None;
        loop {
            let sent = self.client.list_backup_plans().set_next_token(token).send().await;
            let page = sent.map_err(|error| classify(&action, error))?;
            for plan in page.backup_plans_list() {
                if plan.backup_plan_name() != Some(&self.name) {
                    continue;
                }
                let arn = plan.backup_plan_arn().unwrap_or_default();
                let sent = self.client.list_tags().resource_arn(arn).send().await;
                let tags = sent.map_err(|error| classify(&action, error))?.tags.unwrap_or_default();
                match self.tags.ownership(tags) {
                    Ownership::Ours => return Ok(Some((plan.clone(), Ownership::Ours))),
                    other => foreign = Some((plan.clone(), other)),
                }
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(foreign);
            }
        }
    }

    fn input(&self) -> Result<BackupPlanInput, BuildError> {
        let rule = BackupRuleInput::builder()
            .rule_name(RULE)
            .target_backup_vault_name(&self.vault)
            .schedule_expression(SCHEDULE)
            .start_window_minutes(START_WINDOW_MINUTES)
            .completion_window_minutes(COMPLETION_WINDOW_MINUTES)
            .lifecycle(Lifecycle::builder().delete_after_days(KEEP_DAYS).build())
            .build()?;
        BackupPlanInput::builder().backup_plan_name(&self.name).rules(rule).build()
    }
}

fn render(
    name: &str,
    vault: &str,
    schedule: Option<&str>,
    windows: (Option<i64>, Option<i64>),
    keep: Option<i64>,
) -> Json {
    json!({
        "name": name, "vault": vault, "schedule": schedule,
        "start_minutes": windows.0, "complete_minutes": windows.1, "keep_days": keep,
    })
}

fn render_rule(rule: &BackupRule) -> Json {
    render(
        rule.rule_name(),
        rule.target_backup_vault_name(),
        rule.schedule_expression(),
        (rule.start_window_minutes(), rule.completion_window_minutes()),
        rule.lifecycle().and_then(Lifecycle::delete_after_days),
    )
}

#[async_trait]
impl Resource for Plan {
    fn title(&self) -> String {
        format!("backup plan {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::BACKUP_VAULT.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("AWS Backup plan", "only what is kept is paid", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        let windows = (Some(START_WINDOW_MINUTES), Some(COMPLETION_WINDOW_MINUTES));
        Desired::new().set("rules", json!([render(RULE, &self.vault, Some(SCHEDULE), windows, Some(KEEP_DAYS))]))
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some((plan, ownership)) = self.find().await? else { return Ok(None) };
        let action = format!("read {}", self.title());
        let id = plan.backup_plan_id().ok_or_else(|| incomplete(&action, "id"))?;
        let sent = self.client.get_backup_plan().backup_plan_id(id).send().await;
        let answer = sent.map_err(|error| classify(&action, error))?;
        let rules = answer.backup_plan().map(BackupPlan::rules).unwrap_or_default();
        Ok(Some(
            Found::new()
                .owned(ownership)
                .attribute("rules", rules.iter().map(render_rule).collect::<Vec<_>>())
                .output("id", id)
                .output("arn", plan.backup_plan_arn().unwrap_or_default()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create {}", self.title());
        let input = self.input().map_err(|error| Failure::permanent(&action, error.to_string()))?;
        // The same request again returns the plan that the first one made.
        let create = self.client.create_backup_plan().backup_plan(input).creator_request_id(&self.name);
        let sent = create.set_backup_plan_tags(Some(hash_map(&self.tags))).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("change {}", self.title());
        let input = self.input().map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let update = self.client.update_backup_plan().backup_plan_id(found.text("id")?).backup_plan(input);
        update.send().await.map(drop).map_err(|error| classify(action, error))
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(found.text("arn")?).set_tags(Some(hash_map(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_backup_plan().backup_plan_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
