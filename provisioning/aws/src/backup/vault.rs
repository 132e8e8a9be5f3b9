//! Where the copies are kept.

use async_trait::async_trait;
use aws_sdk_backup::Client;
use jewel_engine::{Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Price, Resource};

use crate::{
    Clients, Names, StackSpec, Traffic, classify, prices,
    tags::{Tags, hash_map},
};

/// The vault of one stack.
pub(crate) struct Vault {
    client: Client,
    name: String,
    arn: String,
    region: String,
    tags: Tags,
    traffic: Traffic,
}

impl Vault {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let name = Names::new(spec).stack().to_owned();
        Self {
            client: clients.backup.clone(),
            arn: format!("arn:aws:backup:{}:{}:backup-vault:{name}", spec.region, spec.account_id),
            name,
            region: spec.region.clone(),
            tags: Tags::new(spec, "backup"),
            traffic: spec.traffic.clone(),
        }
    }

    /// Orders the deletion of every copy, which AWS demands before it deletes the vault; returns how many there were.
    async fn empty(&self, action: &str) -> Result<usize, Failure> {
        let mut count = 0;
        let mut token = None;
        loop {
            let list = self.client.list_recovery_points_by_backup_vault().backup_vault_name(&self.name);
            let page = list.set_next_token(token).send().await.map_err(|error| classify(action, error))?;
            for point in page.recovery_points() {
                let delete = self.client.delete_recovery_point().backup_vault_name(&self.name);
                let sent = delete.set_recovery_point_arn(point.recovery_point_arn().map(Into::into)).send().await;
                crate::failure::optional(sent.map_err(|error| classify(action, error)))?;
                count += 1;
            }
            token = page.next_token;
            if token.is_none() {
                return Ok(count);
            }
        }
    }
}

#[async_trait]
impl Resource for Vault {
    fn title(&self) -> String {
        format!("backup vault {}", self.name)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn whereabouts(&self, _found: &Found) -> String {
        format!("backup vault {} in {}", self.name, self.region)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("AWS Backup vault", "only what is kept in it is paid, by the GB", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::backups(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.describe_backup_vault().backup_vault_name(&self.name).send().await;
        match sent.map_err(|error| classify(&action, error)) {
            Ok(_) => {}
            Err(failure) if failure.kind == FailureKind::NotFound => return Ok(None),
            // AWS answers so for a vault that never was, too. What else is denied says so at the first write.
            Err(failure) if failure.code.as_deref() == Some("AccessDeniedException") => return Ok(None),
            Err(failure) => return Err(failure),
        }
        let sent = self.client.list_tags().resource_arn(&self.arn).send().await;
        let tags = sent.map_err(|error| classify(&action, error))?.tags.unwrap_or_default();
        let found = Found::new().owned(self.tags.ownership(tags));
        Ok(Some(found.output("name", self.name.as_str()).output("arn", self.arn.as_str())))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let create = self.client.create_backup_vault().backup_vault_name(&self.name);
        let sent = create.set_backup_vault_tags(Some(hash_map(&self.tags))).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(&self.arn).set_tags(Some(hash_map(&self.tags)));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let action = format!("delete {}", self.title());
        let count = self.empty(&action).await?;
        if count > 0 {
            // They go in their own time; the next look finds fewer.
            cx.progress(format!("emptying, {count} copies to go"));
            return Ok(());
        }
        let sent = self.client.delete_backup_vault().backup_vault_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}
