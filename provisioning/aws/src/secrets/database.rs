//! The database's credentials, and with them the pointer that says which database is the current one.

use async_trait::async_trait;
use aws_sdk_lightsail::types::RelationalDatabasePasswordVersion;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::{ExternalDatabase, Secret};
use crate::{
    Clients, Error, Names, StackSpec, address, classify,
    failure::{incomplete, optional},
    prices,
    tags::Tags,
};

/// Where Lightsail's databases listen unless they say otherwise.
const MYSQL_PORT: u64 = 3306;
/// What is said of a stored password when there is nothing to compare it with.
const GONE: &str = "of a database that is not there";

/// How to reach the database and log in to it: a document of ours, or of the operator's with the same names but
/// `database` for `dbname`, which is the name in secrets that RDS makes.
#[derive(Debug, Clone, Deserialize)]
pub struct DatabaseSecret {
    /// The server's host name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The master user.
    pub username: String,
    /// Its password.
    pub password: SecretString,
    /// The database on the server.
    #[serde(alias = "database")]
    pub dbname: String,
    /// The Lightsail database's name; the host, where the database is the operator's own.
    #[serde(default)]
    pub resource: String,
}

impl DatabaseSecret {
    /// Reads the document.
    ///
    /// # Errors
    /// What is wrong with it, without any of its content: the name of the field at most.
    pub fn parse(text: &SecretString) -> Result<Self, &'static str> {
        let document = serde_json::from_str::<serde_json::Value>(text.expose_secret());
        let document = document.ok().filter(|value| value.is_object()).ok_or("it is not a JSON object")?;
        let text_of = |name: &str| document.get(name).and_then(|value| value.as_str()).is_some_and(|t| !t.is_empty());
        if !text_of("host") {
            return Err("it has no text under `host`");
        }
        if !document.get("port").and_then(serde_json::Value::as_u64).is_some_and(|port| (1..=65_535).contains(&port)) {
            return Err("it has no number from 1 to 65535 under `port`");
        }
        if !text_of("username") {
            return Err("it has no text under `username`");
        }
        if !text_of("password") {
            return Err("it has no text under `password`");
        }
        if text_of("database") == text_of("dbname") {
            return Err("it must name the database under `database`, once");
        }
        let mut secret: Self = serde_json::from_value(document).map_err(|_| "it has fields of the wrong kind")?;
        if secret.resource.is_empty() {
            secret.resource.clone_from(&secret.host);
        }
        Ok(secret)
    }
}

/// Reads the credentials of the database in use; `None` while there are none.
///
/// # Errors
/// When the secret cannot be read.
pub async fn read_database_secret(spec: &StackSpec, clients: &Clients) -> Result<Option<DatabaseSecret>, Error> {
    let secret = match ExternalDatabase::secret(spec, clients) {
        Some(external) => external,
        None => DatabaseCredentials::secret(spec, clients),
    };
    Ok(secret.fetch().await?.and_then(|value| DatabaseSecret::parse(&value).ok()))
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
        Ok(value.and_then(|value| DatabaseSecret::parse(&value).ok()).map(|secret| secret.resource))
    }

    async fn master_password(&self, database: &str) -> Result<SecretString, Failure> {
        let action = format!("read the master password of database {database}");
        let ask = self.lightsail.get_relational_database_master_user_password().relational_database_name(database);
        let sent = ask.password_version(RelationalDatabasePasswordVersion::Current).send().await;
        let answer = sent.map_err(|error| classify(&action, error))?;
        answer.master_user_password.map(SecretString::from).ok_or_else(|| incomplete(action, "password"))
    }

    async fn document(&self, inputs: &Inputs) -> Result<SecretString, Failure> {
        let (database, host) = (inputs.require(address::DATABASE, "name")?, inputs.require(address::DATABASE, "host")?);
        let port = inputs.get(address::DATABASE, "port").and_then(serde_json::Value::as_u64).unwrap_or(MYSQL_PORT);
        let password = self.master_password(database).await?;
        Ok(self.written(database, host, port, &password))
    }

    fn written(&self, database: &str, host: &str, port: u64, password: &SecretString) -> SecretString {
        let document = json!({
            "engine": "mysql",
            "host": host,
            "port": port,
            "username": self.username,
            "password": password.expose_secret(),
            "dbname": self.dbname,
            "resource": database,
        });
        document.to_string().into()
    }

    /// How to log in to a database that need not be the one in use.
    pub(crate) async fn of(&self, database: &str, host: &str, port: u16) -> Result<DatabaseSecret, Failure> {
        let password = self.master_password(database).await?;
        Ok(DatabaseSecret {
            host: host.to_owned(),
            port,
            username: self.username.clone(),
            password,
            dbname: self.dbname.clone(),
            resource: database.to_owned(),
        })
    }

    /// Makes this database the one in use.
    pub(crate) async fn point_at(&self, login: &DatabaseSecret) -> Result<(), Failure> {
        let document = self.written(&login.resource, &login.host, login.port.into(), &login.password);
        self.secret.put(&document).await
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
        let Some(stored) = value?.and_then(|value| DatabaseSecret::parse(&value).ok()) else {
            return Ok(Some(found.attribute("password", "missing")));
        };
        // Compared on this side of the wire; neither the password nor anything derived from it goes further.
        let state = match cx.inputs.text(address::DATABASE, "name") {
            Some(database) if cx.inputs.text(address::DATABASE, "host").is_some_and(|host| !host.is_empty()) => {
                // It may be on its way out, and gone since its address was read.
                match optional(self.master_password(database).await)? {
                    Some(current) if current.expose_secret() == stored.password.expose_secret() => "the database's",
                    Some(_) => "another",
                    None => GONE,
                }
            }
            _ => GONE,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseSecret, &'static str> {
        DatabaseSecret::parse(&text.to_owned().into())
    }

    #[test]
    fn an_operators_document_needs_five_fields() {
        let whole = r#"{"host":"db.example.com","port":3306,"username":"shop","password":"p","database":"shop"}"#;
        let secret = parse(whole).unwrap();
        assert_eq!((secret.resource.as_str(), secret.dbname.as_str()), ("db.example.com", "shop"));
        assert_eq!(parse(&whole.replace("database", "dbname")).unwrap().dbname, "shop");
        for field in ["host", "port", "username", "password", "database"] {
            let why = parse(&whole.replace(&format!("\"{field}\""), "\"other\"")).unwrap_err();
            assert!(why.contains(field), "{field}: {why}");
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_what_it_says() {
        for text in
            ["hunter2", r#"["hunter2"]"#, r#"{"host":"h","port":"hunter2"}"#, r#"{"host":7,"password":"hunter2"}"#]
        {
            let why = parse(text).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
    }
}
