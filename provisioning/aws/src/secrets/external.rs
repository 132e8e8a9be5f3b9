//! A database that is the operator's own: any endpoint that speaks MySQL's protocol (RDS, Aurora, TiDB).
//!
//! It is known by a secret that the operator makes. Nothing here writes to it, and nothing deletes it.

use async_trait::async_trait;
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Ownership, Price, Readiness, Resource};

use super::{DatabaseSecret, Secret};
use crate::{Clients, StackSpec, prices, tags::Tags};

/// The operator's database, as its secret describes it.
pub(crate) struct ExternalDatabase {
    secret: Secret,
    region: String,
}

impl ExternalDatabase {
    /// The database that the spec names, if it names one.
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Option<Self> {
        Some(Self { secret: Self::secret(spec, clients)?, region: spec.region.clone() })
    }

    /// Its secret.
    pub(crate) fn secret(spec: &StackSpec, clients: &Clients) -> Option<Secret> {
        let name = spec.database.external.clone()?;
        Some(Secret { client: clients.secrets.clone(), name, tags: Tags::new(spec, "database-external") })
    }

    /// What an operator is to do, with the whole command.
    fn advice(&self, what: &str, verb: &str, flag: &str) -> String {
        let (name, region) = (&self.secret.name, &self.region);
        format!(
            "{what}: write {{\"host\": \"...\", \"port\": 3306, \"username\": \"...\", \"password\": \"...\", \"database\": \"...\"}} \
             into a file database.json and run `aws secretsmanager {verb} --region {region} {flag} {name} --secret-string \
             file://database.json`"
        )
    }
}

#[async_trait]
impl Resource for ExternalDatabase {
    fn title(&self) -> String {
        format!("external database of secret {}", self.secret.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::secret())
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new()
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let found = Found::new()
            .owned(Ownership::Shared("it is yours: used as it is, and never changed or deleted".to_owned()));
        let Some(value) = self.secret.value(cx.memo).await? else {
            let why = self.advice("there is no such secret, or it has no text", "create-secret", "--name");
            return Ok(Some(found.ready(Readiness::Failed(why))));
        };
        Ok(Some(match DatabaseSecret::parse(&value) {
            Ok(database) => found.output("name", database.resource).output("secret", self.secret.name.as_str()),
            Err(what) => found.ready(Readiness::Failed(self.advice(
                &format!("the secret cannot be used, {what}"),
                "put-secret-value",
                "--secret-id",
            ))),
        }))
    }

    // A read always finds it, usable or not.
    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        Ok(())
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        Ok(())
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        Ok(())
    }
}
