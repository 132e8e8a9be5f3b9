//! The secret that backups are read with. Here it is only a place: what is in it is made with the first backup, and a
//! plan looks neither into it nor changes it.

use async_trait::async_trait;
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use secrecy::SecretString;

use super::Secret;
use crate::{Clients, Names, StackSpec, prices, tags::Tags};

/// What stands in it before the first backup.
const EMPTY: &str = "{}";

/// The secret as a resource.
pub(crate) struct BackupKeys {
    secret: Secret,
}

impl BackupKeys {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let tags = Tags::new(spec, "backup");
        Self { secret: Secret { client: clients.secrets.clone(), name: Names::new(spec).role("backup"), tags } }
    }
}

#[async_trait]
impl Resource for BackupKeys {
    fn title(&self) -> String {
        format!("secret {}", self.secret.name)
    }

    // Without it no backup can be read, but with the printed key.
    fn holds_data(&self) -> bool {
        true
    }

    fn price(&self) -> Option<Price> {
        Some(prices::secret())
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("state", "there")
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let described = self.secret.describe().await?;
        Ok(described.map(|described| {
            let state = if described.being_deleted { "being deleted" } else { "there" };
            Found::new().owned(described.ownership).output("name", self.secret.name.as_str()).attribute("state", state)
        }))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        self.secret.create("What the shop's backups are read with", &SecretString::from(EMPTY)).await
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.secret.restore().await
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.secret.tag().await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.secret.delete().await
    }
}
