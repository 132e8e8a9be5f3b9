//! The database's credentials, and with them the pointer that says which database is the current one.

use async_trait::async_trait;
use aws_sdk_lightsail::types::RelationalDatabasePasswordVersion;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::Secret;
use crate::{Clients, Error, Names, StackSpec, address, classify, failure::incomplete, prices, tags::Tags};

/// How to reach the database and log in to it.
#[derive(Debug, Clone, Deserialize)]
pub struct DatabaseSecret {
    /// Always `mysql`.
    pub engine: String,
    /// The server's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The master user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The database on the server.
    pub dbname: String,
    /// The Lightsail database's name.
    pub resource: String,
}

impl DatabaseSecret {
    fn parse(text: &SecretString) -> Option<Self> {
        serde_json::from_str(text.expose_secret()).ok()
    }
}

/// Reads the database's credentials; `None` while there are none.
///
/// # Errors
/// When the secret cannot be read.
pub async fn read_database_secret(spec: &StackSpec, clients: &Clients) -> Result<Option<DatabaseSecret>, Error> {
    let value = DatabaseCredentials::secret(spec, clients).fetch().await?;
    Ok(value.as_ref().and_then(DatabaseSecret::parse))
}

/// The secret as a resource. The password is the one Lightsail made; it is compared here and never leaves.
pub(crate) struct DatabaseCredentials {
    secret: Secret,
    lightsail: aws_sdk_lightsail::Client,
    username: String,
    dbname: String,
}

impl DatabaseCredentials {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            secret: Self::secret(spec, clients),
            lightsail: clients.lightsail.clone(),
            username: spec.database.username.clone(),
            dbname: spec.database.database_name.clone(),
        }
    }

    pub(crate) fn secret(spec: &StackSpec, clients: &Clients) -> Secret {
        Secret {
            client: clients.secrets.clone(),
            name: Names::new(spec).role("database"),
            tags: Tags::new(spec, "database"),
        }
    }

    /// The Lightsail database the secret points at.
    pub(crate) async fn pointer(secret: &Secret, memo: &Memo) -> Result<Option<String>, Failure> {
        let value = secret.value(memo).await?;
        Ok(value.as_ref().and_then(DatabaseSecret::parse).map(|secret| secret.resource))
    }

    async fn master_password(&self, database: &str) -> Result<SecretString, Failure> {
        let action = format!("read the master password of database {database}");
        let ask = self.lightsail.get_relational_database_master_user_password().relational_database_name(database);
        let sent = ask.password_version(RelationalDatabasePasswordVersion::Current).send().await;
        let answer = sent.map_err(|error| classify(&action, error))?;
        answer.master_user_password.map(SecretString::from).ok_or_else(|| incomplete(action, "password"))
    }

    async fn document(&self, inputs: &Inputs) -> Result<SecretString, Failure> {
        let database = inputs.require(address::DATABASE, "name")?;
        let password = self.master_password(database).await?;
        let host = inputs.require(address::DATABASE, "host")?;
        let port = inputs.get(address::DATABASE, "port");
        let document = json!({
            "engine": "mysql",
            "host": host,
            "port": port,
            "username": self.username,
            "password": password.expose_secret(),
            "dbname": self.dbname,
            "resource": database,
        });
        Ok(document.to_string().into())
    }
}

#[async_trait]
impl Resource for DatabaseCredentials {
    fn title(&self) -> String {
        format!("secret {}", self.secret.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::DATABASE.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::DATABASE.into()]
    }

    // Without it the database that is kept could not be entered.
    fn holds_data(&self) -> bool {
        true
    }

    fn price(&self) -> Option<Price> {
        Some(prices::secret())
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        Desired::new()
            .set("database", inputs.value(address::DATABASE, "name"))
            .set("dbname", self.dbname.as_str())
            .set("host", inputs.value(address::DATABASE, "host"))
            .set("password", "the database's")
            .set("port", inputs.value(address::DATABASE, "port"))
            .set("username", self.username.as_str())
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (described, value) = tokio::join!(self.secret.describe(), self.secret.value(cx.memo));
        let Some(described) = described? else { return Ok(None) };
        let found = Found::new().owned(described.ownership).output("name", self.secret.name.as_str());
        if described.being_deleted {
            return Ok(Some(found.attribute("password", "being deleted")));
        }
        let Some(stored) = value?.as_ref().and_then(DatabaseSecret::parse) else {
            return Ok(Some(found.attribute("password", "missing")));
        };
        // Compared on this side of the wire; neither the password nor anything derived from it goes further.
        let state = match cx.inputs.text(address::DATABASE, "name") {
            Some(database) if cx.inputs.text(address::DATABASE, "host").is_some_and(|host| !host.is_empty()) => {
                let current = self.master_password(database).await?;
                if current.expose_secret() == stored.password.expose_secret() { "the database's" } else { "another" }
            }
            _ => "of a database that is not there",
        };
        Ok(Some(
            found
                .attribute("database", stored.resource)
                .attribute("dbname", stored.dbname)
                .attribute("host", stored.host)
                .attribute("password", state)
                .attribute("port", stored.port)
                .attribute("username", stored.username),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        self.secret.create("How to log in to the shop's database", &self.document(&cx.inputs).await?).await
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        if found.attributes.get("password").and_then(|value| value.as_str()) == Some("being deleted") {
            return self.secret.restore().await;
        }
        self.secret.put(&self.document(&cx.inputs).await?).await
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.secret.tag().await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.secret.delete().await
    }
}
