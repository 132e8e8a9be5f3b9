//! What is copied: the pictures. Dumps and the journal lie under a lock of their own, and pages can be published again.

use async_trait::async_trait;
use aws_sdk_backup::{Client, types::BackupSelection};
use jewel_engine::{
    Address, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Price, Resource, Rule,
};
use serde_json::json;

use crate::{Clients, Names, StackSpec, address, classify, failure::optional, prices};

/// The selection of the plan. It cannot be changed, only made anew; nothing is lost by that.
pub(crate) struct Selection {
    client: Client,
    name: String,
    bucket: String,
}

impl Selection {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let names = Names::new(spec);
        Self {
            client: clients.backup.clone(),
            name: "media".to_owned(),
            bucket: format!("arn:aws:s3:::{}", names.bucket("media")),
        }
    }
}

#[async_trait]
impl Resource for Selection {
    fn title(&self) -> String {
        format!("backup selection {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::BACKUP_PLAN.into(), address::BACKUP_ROLE.into(), address::MEDIA_BUCKET.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::BACKUP_PLAN.into()]
    }

    fn rule(&self, _field: &str) -> Rule {
        Rule::Replace
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("AWS Backup selection", "part of the plan", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let role = inputs.value(address::BACKUP_ROLE, "arn");
        Desired::new().set("resources", json!([self.bucket])).set("role", role)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let Some(plan) = cx.inputs.text(address::BACKUP_PLAN, "id") else { return Ok(None) };
        let sent = self.client.list_backup_selections().backup_plan_id(plan).send().await;
        let Some(list) = optional(sent.map_err(|error| classify(&action, error)))? else { return Ok(None) };
        let member = list.backup_selections_list().iter().find(|one| one.selection_name() == Some(&self.name));
        let Some(id) = member.and_then(|member| member.selection_id()) else { return Ok(None) };
        let sent = self.client.get_backup_selection().backup_plan_id(plan).selection_id(id).send().await;
        let answer = optional(sent.map_err(|error| classify(&action, error)))?;
        let Some(selection) = answer.and_then(|answer| answer.backup_selection) else { return Ok(None) };
        Ok(Some(
            Found::new()
                .attribute("resources", json!(selection.resources()))
                .attribute("role", selection.iam_role_arn())
                .output("id", id)
                .output("plan", plan),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create {}", self.title());
        let selection = BackupSelection::builder()
            .selection_name(&self.name)
            .iam_role_arn(cx.inputs.require(address::BACKUP_ROLE, "arn")?)
            .resources(&self.bucket)
            .build()
            .map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let create = self.client.create_backup_selection().backup_selection(selection).creator_request_id(&self.name);
        let create = create.backup_plan_id(cx.inputs.require(address::BACKUP_PLAN, "id")?);
        create.send().await.map(drop).map_err(|error| {
            let mut failure = classify(action, error);
            // A role that was made a moment ago is not known everywhere yet.
            if failure.message.contains("cannot be assumed") {
                failure.kind = FailureKind::Conflict;
            }
            failure
        })
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let delete = self.client.delete_backup_selection().backup_plan_id(found.text("plan")?);
        let sent = delete.selection_id(found.text("id")?).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
