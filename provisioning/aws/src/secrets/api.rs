//! The API's secret: what proves that a request came through our own front door, and the key the API calls AWS with.
//!
//! One document for both, because every secret costs the same. AWS tells a key once, when it is made, so here is the
//! only place it can be kept.

use async_trait::async_trait;
use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource};
use rand::{RngExt as _, distr::Alphanumeric};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::Secret;
use crate::{Clients, Error, Names, StackSpec, access::UserKeys, address, prices, tags::Tags};

/// Letters and digits, about 286 bits.
const ORIGIN_LENGTH: usize = 48;
/// What is wanted of the key: the user has one, and it is the one in the secret.
const KEPT: &str = "one, kept in the secret";
/// What is wanted of the origin's proof.
const SET: &str = "set";
/// What stands for either while the secret is on its way out.
const BEING_DELETED: &str = "being deleted";

/// What the API is told besides its database.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct ApiSecret {
    /// What the front door adds to every request, so that the API knows it did not come from elsewhere.
    pub origin_secret: Option<SecretString>,
    /// The public half of the API's AWS key.
    pub access_key_id: Option<String>,
    /// Its secret half.
    pub secret_access_key: Option<SecretString>,
}

impl ApiSecret {
    /// Reads the secret's text. A document that is none is an empty one: provisioning makes its parts anew.
    pub fn parse(text: &SecretString) -> Self {
        serde_json::from_str(text.expose_secret()).unwrap_or_default()
    }

    fn document(&self) -> SecretString {
        let text = |secret: &Option<SecretString>| secret.as_ref().map(|secret| secret.expose_secret().to_owned());
        json!({
            "origin_secret": text(&self.origin_secret),
            "access_key_id": self.access_key_id,
            "secret_access_key": text(&self.secret_access_key),
        })
        .to_string()
        .into()
    }
}

/// Reads the API's secret; `None` while there is none.
///
/// # Errors
/// When it cannot be read.
pub async fn read_api_secret(spec: &StackSpec, clients: &Clients) -> Result<Option<ApiSecret>, Error> {
    let value = ApiCredentials::secret(spec, clients).fetch().await?;
    Ok(value.as_ref().map(ApiSecret::parse))
}

/// The front door's proof, for those who add it to requests: asked once in a pass.
pub(crate) async fn origin_secret(secret: &Secret, memo: &Memo) -> Result<Option<SecretString>, Failure> {
    Ok(secret.value(memo).await?.as_ref().map(ApiSecret::parse).and_then(|parts| parts.origin_secret))
}

/// The secret as a resource, and with it the key of the API's user.
pub(crate) struct ApiCredentials {
    secret: Secret,
    keys: UserKeys,
}

impl ApiCredentials {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self { secret: Self::secret(spec, clients), keys: UserKeys::of_api(spec, clients) }
    }

    pub(crate) fn secret(spec: &StackSpec, clients: &Clients) -> Secret {
        Secret { client: clients.secrets.clone(), name: Names::new(spec).role("api"), tags: Tags::new(spec, "api") }
    }

    /// A document with a new key in it. Keys that nobody knows the secret half of go first: a user can have only two.
    async fn with_new_key(&self, parts: ApiSecret) -> Result<ApiSecret, Failure> {
        self.keys.delete_all_but(None).await?;
        let (id, secret) = self.keys.make().await?;
        Ok(ApiSecret { access_key_id: Some(id), secret_access_key: Some(secret), ..parts })
    }
}

/// How the key stands, in words.
fn state(keys: &[AccessKeyMetadata], stored: &ApiSecret) -> &'static str {
    let (Some(id), Some(_)) = (stored.access_key_id.as_deref(), &stored.secret_access_key) else {
        return "not in the secret";
    };
    match keys.iter().find(|key| key.access_key_id() == Some(id)) {
        None => "not the user's",
        Some(key) if key.status() != Some(&StatusType::Active) => "not active",
        Some(_) if keys.len() > 1 => "beside others",
        Some(_) => KEPT,
    }
}

fn random() -> SecretString {
    rand::rng().sample_iter(Alphanumeric).take(ORIGIN_LENGTH).map(char::from).collect::<String>().into()
}

#[async_trait]
impl Resource for ApiCredentials {
    fn title(&self) -> String {
        format!("secret {}", self.secret.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::API_USER.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::secret())
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("key", KEPT).set("origin_secret", SET)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (described, value, keys) =
            tokio::join!(self.secret.describe(), self.secret.value(cx.memo), self.keys.list());
        let Some(described) = described? else { return Ok(None) };
        let found = Found::new().owned(described.ownership).output("name", self.secret.name.as_str());
        if described.being_deleted {
            return Ok(Some(found.attribute("key", BEING_DELETED).attribute("origin_secret", BEING_DELETED)));
        }
        let parts = value?.as_ref().map(ApiSecret::parse).unwrap_or_default();
        let origin = if parts.origin_secret.is_some() { SET } else { "missing" };
        Ok(Some(found.attribute("key", state(&keys?, &parts)).attribute("origin_secret", origin)))
    }

    /// A run that dies between the key and the secret leaves a key that nobody knows; the next one deletes it first.
    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let parts = self.with_new_key(ApiSecret { origin_secret: Some(random()), ..ApiSecret::default() }).await?;
        self.secret.create("What the shop's API is told: who may call it, and its AWS key", &parts.document()).await
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let seen = |field: &str| found.attributes.get(field).and_then(|value| value.as_str()).unwrap_or_default();
        if seen("key") == BEING_DELETED {
            return self.secret.restore().await;
        }
        // What is right stays: a key that is in use must not change because the other half of the document did.
        let mut parts = self.secret.value(cx.memo).await?.as_ref().map(ApiSecret::parse).unwrap_or_default();
        let new_origin = parts.origin_secret.is_none();
        if new_origin {
            parts.origin_secret = Some(random());
        }
        let new_key = match seen("key") {
            KEPT => false,
            "beside others" => {
                self.keys.delete_all_but(parts.access_key_id.as_deref()).await?;
                false
            }
            _ => {
                parts = self.with_new_key(parts).await?;
                true
            }
        };
        if new_origin || new_key { self.secret.put(&parts.document()).await } else { Ok(()) }
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.secret.tag().await
    }

    /// The key dies first, so that the secret that is left of an interrupted run opens nothing.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.keys.delete_all_but(None).await?;
        self.secret.delete().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_active_key_that_is_in_the_secret_is_right() {
        let key = |id: &str, status: StatusType| AccessKeyMetadata::builder().access_key_id(id).status(status).build();
        let stored = |id: &str| ApiSecret {
            access_key_id: Some(id.to_owned()),
            secret_access_key: Some("half".into()),
            origin_secret: None,
        };
        let one = [key("A", StatusType::Active)];
        assert_eq!(state(&one, &stored("A")), KEPT);
        assert_ne!(state(&one, &ApiSecret::default()), KEPT);
        assert_ne!(state(&one, &ApiSecret { secret_access_key: None, ..stored("A") }), KEPT);
        assert_ne!(state(&one, &stored("B")), KEPT);
        assert_ne!(state(&[key("A", StatusType::Inactive)], &stored("A")), KEPT);
        assert_ne!(state(&[key("A", StatusType::Active), key("B", StatusType::Active)], &stored("A")), KEPT);
    }

    #[test]
    fn a_document_is_read_back_as_it_was_written() {
        let parts = ApiSecret {
            origin_secret: Some("proof".into()),
            access_key_id: Some("AKIA".to_owned()),
            secret_access_key: Some("half".into()),
        };
        let read = ApiSecret::parse(&parts.document());
        assert_eq!(read.origin_secret.unwrap().expose_secret(), "proof");
        assert_eq!(
            (read.access_key_id.as_deref(), read.secret_access_key.unwrap().expose_secret()),
            (Some("AKIA"), "half")
        );
        assert!(ApiSecret::parse(&"not a document".into()).origin_secret.is_none());
    }
}
