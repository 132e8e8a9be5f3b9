//! The managed MySQL database.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_lightsail::Client;
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Readiness, Resource, Rule};
use serde_json::Value as Json;

use super::{pointer, tag_list, tag_pairs};
use crate::{
    Clients, Names, StackSpec, classify, prices,
    secrets::{DatabaseCredentials, Secret},
    spec::DatabaseSpec,
    tags::Tags,
};

/// The database the secret points at, else the first generation.
pub(crate) struct Database {
    client: Client,
    names: Names,
    region: String,
    spec: DatabaseSpec,
    tags: Tags,
    pointer: Secret,
}

impl Database {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.lightsail.clone(),
            names: Names::new(spec),
            region: spec.region.clone(),
            spec: spec.database.clone(),
            tags: Tags::new(spec, "database"),
            pointer: DatabaseCredentials::secret(spec, clients),
        }
    }

    /// The name of the database that plays the role, and whether a secret says so.
    async fn name(&self, memo: &Memo) -> Result<(String, bool), Failure> {
        let pointed = DatabaseCredentials::pointer(&self.pointer, memo).await?;
        Ok(match pointed {
            Some(name) => (name, true),
            // The secret goes before the database does, and it may be of a later generation.
            None => (pointer::unnamed_database(&self.client, &self.names, memo).await?, false),
        })
    }

    /// Orders an empty one of this name.
    pub(super) async fn make(&self, name: &str) -> Result<(), Failure> {
        // No password is given: Lightsail makes one, and so it is never on this side of the wire before it is asked for.
        let sent = self
            .client
            .create_relational_database()
            .relational_database_name(name)
            .availability_zone(format!("{}{}", self.region, self.spec.zone))
            .relational_database_blueprint_id(&self.spec.blueprint)
            .relational_database_bundle_id(&self.spec.bundle)
            .master_database_name(&self.spec.database_name)
            .master_username(&self.spec.username)
            .preferred_backup_window(&self.spec.backup_window)
            .preferred_maintenance_window(&self.spec.maintenance_window)
            .publicly_accessible(false)
            .set_tags(Some(tag_list(&self.tags)))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create database {name}"), error))
    }

    /// What is there in the place of a database that the secret names and that is gone. To make an empty one under its
    /// name, as for a new shop, would be to bury what can still be restored.
    fn lost(&self, name: &str) -> Found {
        let why = format!(
            "secret {} names it, and it is gone; `jewelctl restore database` brings its data back under a new name \
             (for an empty one, delete the secret)",
            self.pointer.name
        );
        Found::new().ready(Readiness::Failed(why)).output("name", name)
    }
}

#[async_trait]
impl Resource for Database {
    fn title(&self) -> String {
        format!("database {}", self.names.role("db"))
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn instead_of_replacing(&self) -> &'static str {
        "Lightsail can neither resize a database nor rename one: leave the setting as it is, or make a snapshot, restore it \
         with the wanted bundle under the next generation's name, and let the database secret point at that one"
    }

    fn whereabouts(&self, found: &Found) -> String {
        format!("Lightsail database {} in {}", found.text("name").unwrap_or_default(), self.region)
    }

    fn price(&self) -> Option<Price> {
        prices::database(&self.spec.bundle)
    }

    fn price_found(&self, found: &Found) -> Option<Price> {
        found.attributes.get("bundle").and_then(Json::as_str).and_then(prices::database)
    }

    // AWS gives no figure; ten to twenty minutes are usual.
    fn deadline(&self) -> Duration {
        Duration::from_secs(45 * 60)
    }

    fn rule(&self, field: &str) -> Rule {
        match field {
            "bundle" | "database_name" | "username" => Rule::Replace,
            // Lightsail raises it by itself with maintenance, and a later settings file may say another.
            "zone" => Rule::CreateOnly,
            _ => Rule::Update,
        }
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
            .set("backup_retention", true)
            .set("backup_window", self.spec.backup_window.as_str())
            .set("blueprint", self.spec.blueprint.as_str())
            .set("bundle", self.spec.bundle.as_str())
            .set("database_name", self.spec.database_name.as_str())
            .set("maintenance_window", self.spec.maintenance_window.as_str())
            .set("public", false)
            .set("username", self.spec.username.as_str())
            .set("zone", format!("{}{}", self.region, self.spec.zone))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (name, is_named) = self.name(cx.memo).await?;
        let Some(database) = pointer::database(&self.client, &name, cx.memo).await? else {
            return Ok(is_named.then(|| self.lost(&name)));
        };
        let state = database.state().unwrap_or_default();
        let (endpoint, hardware) = (database.master_endpoint(), database.hardware());
        let window = |text: Option<&str>| text.map(str::to_lowercase);
        let found = Found::new()
            .owned(self.tags.ownership(tag_pairs(database.tags())))
            .ready(readiness(state))
            .attribute("backup_retention", database.backup_retention_enabled())
            .attribute("backup_window", window(database.preferred_backup_window()))
            .attribute("blueprint", database.relational_database_blueprint_id())
            .attribute("bundle", database.relational_database_bundle_id())
            .attribute("database_name", database.master_database_name())
            .attribute("maintenance_window", window(database.preferred_maintenance_window()))
            .attribute("public", database.publicly_accessible())
            .attribute("username", database.master_username())
            .output("name", name)
            .output("arn", database.arn())
            // The smallest bundle's where Lightsail does not say.
            .output("disk_gb", hardware.and_then(|one| one.disk_size_in_gb()).unwrap_or(40))
            .output("ram_gb", hardware.and_then(|one| one.ram_size_in_gb()).unwrap_or(1.0));
        // Has no address before it runs.
        Ok(Some(match endpoint.and_then(|endpoint| endpoint.address().zip(endpoint.port())) {
            Some((host, port)) => found.output("host", host).output("port", port),
            None => found,
        }))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let (name, _) = self.name(cx.memo).await?;
        self.make(&name).await
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let name = found.text("name")?;
        let mut update = self.client.update_relational_database().relational_database_name(name);
        for change in changes {
            update = match change.field.as_str() {
                "backup_retention" => update.enable_backup_retention(true),
                "backup_window" => update.preferred_backup_window(&self.spec.backup_window),
                "maintenance_window" => update.preferred_maintenance_window(&self.spec.maintenance_window),
                "public" => update.publicly_accessible(false),
                "blueprint" => update.relational_database_blueprint_id(&self.spec.blueprint),
                _ => update,
            };
        }
        // Otherwise a new blueprint would wait for the maintenance window.
        let sent = update.apply_immediately(true).send().await;
        sent.map(drop).map_err(|error| classify(format!("update database {name}"), error))
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let name = found.text("name")?;
        let sent = self.client.tag_resource().resource_name(name).set_tags(Some(tag_list(&self.tags))).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag database {name}"), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let name = found.text("name")?;
        let delete = self.client.delete_relational_database().relational_database_name(name);
        let sent = delete.skip_final_snapshot(true).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete database {name}"), error))
    }
}

/// The service model gives the state as plain text. States in which the database answers count as ready, so that its own
/// nightly backup is not a change.
fn readiness(state: &str) -> Readiness {
    match state {
        "creating"
        | "configuring-log-exports"
        | "starting"
        | "rebooting"
        | "restarting"
        | "stopping"
        | "deleting"
        | "renaming"
        | "maintenance"
        | "upgrading"
        | "modifying"
        | "resetting-master-credentials" => Readiness::Waiting(state.to_owned()),
        "failed" | "incompatible-parameters" | "incompatible-restore" | "inaccessible-encryption-credentials" => {
            // Nothing brings a failed one back, and what holds data is not deleted by a plan.
            Readiness::Failed(format!(
                "its state is `{state}`; its events say why; delete it when nothing in it is needed, then run this again"
            ))
        }
        _ => Readiness::Ready,
    }
}
