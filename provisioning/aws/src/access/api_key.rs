//! The API's key, and the secret it is kept in. AWS tells a key once, when it is made.

use async_trait::async_trait;
use aws_sdk_iam::{
    Client,
    types::{AccessKeyMetadata, StatusType},
};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::api_user;
use crate::{
    Clients, Names, StackSpec, address, classify,
    failure::{incomplete, optional},
    prices,
    secrets::Secret,
    tags::Tags,
};

/// What is wanted: the user has one key, and it is the one in the secret.
const KEPT: &str = "one, kept in the secret";

/// The key of the API's user.
pub(crate) struct ApiKey {
    iam: Client,
    user: String,
    secret: Secret,
}

/// What the secret holds, as far as it is compared. The secret half stays where it is.
#[derive(Deserialize)]
struct Stored {
    access_key_id: String,
}

impl ApiKey {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        let secret = Secret {
            client: clients.secrets.clone(),
            name: Names::new(spec).role("api-key"),
            tags: Tags::new(spec, "api-key"),
        };
        Self { iam: clients.iam.clone(), user: api_user::name(spec), secret }
    }

    async fn keys(&self) -> Result<Vec<AccessKeyMetadata>, Failure> {
        let sent = self.iam.list_access_keys().user_name(&self.user).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("list the keys of user {}", self.user), error)))?;
        Ok(answer.map(|answer| answer.access_key_metadata).unwrap_or_default())
    }

    /// Deletes every key but `kept`: nobody knows their secret halves, and a user can have only two.
    async fn delete_others(&self, kept: Option<&str>) -> Result<(), Failure> {
        for key in self.keys().await? {
            if key.access_key_id() == kept {
                continue;
            }
            let delete = self.iam.delete_access_key().user_name(&self.user);
            let sent = delete.set_access_key_id(key.access_key_id).send().await;
            let action = format!("delete a key of user {}", self.user);
            optional(sent.map_err(|error| classify(action, error)))?;
        }
        Ok(())
    }

    /// A new key, as the secret keeps it.
    async fn make(&self) -> Result<SecretString, Failure> {
        let action = format!("make a key for user {}", self.user);
        let sent = self.iam.create_access_key().user_name(&self.user).send().await;
        let key =
            sent.map_err(|error| classify(&action, error))?.access_key.ok_or_else(|| incomplete(&action, "key"))?;
        let document = json!({ "access_key_id": key.access_key_id(), "secret_access_key": key.secret_access_key() });
        Ok(document.to_string().into())
    }
}

/// How things stand, in words.
fn state(keys: &[AccessKeyMetadata], stored: Option<&str>) -> &'static str {
    let Some(stored) = stored else { return "not in the secret" };
    match keys.iter().find(|key| key.access_key_id() == Some(stored)) {
        None => "not the user's",
        Some(key) if key.status() != Some(&StatusType::Active) => "not active",
        Some(_) if keys.len() > 1 => "beside others",
        Some(_) => KEPT,
    }
}

#[async_trait]
impl Resource for ApiKey {
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
        Desired::new().set("key", KEPT)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (described, value, keys) = tokio::join!(self.secret.describe(), self.secret.value(cx.memo), self.keys());
        let Some(described) = described? else { return Ok(None) };
        let found = Found::new().owned(described.ownership).output("name", self.secret.name.as_str());
        if described.being_deleted {
            return Ok(Some(found.attribute("key", "being deleted")));
        }
        let stored = value?.and_then(|value| serde_json::from_str::<Stored>(value.expose_secret()).ok());
        Ok(Some(found.attribute("key", state(&keys?, stored.as_ref().map(|stored| stored.access_key_id.as_str())))))
    }

    /// A run that dies between the key and the secret leaves a key that nobody knows; the next one deletes it first.
    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        self.delete_others(None).await?;
        self.secret.create("The key the shop's API calls AWS with", &self.make().await?).await
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        match found.attributes.get("key").and_then(|value| value.as_str()) {
            Some("being deleted") => self.secret.restore().await,
            Some("beside others") => {
                let value = self.secret.value(cx.memo).await?;
                let stored = value.and_then(|value| serde_json::from_str::<Stored>(value.expose_secret()).ok());
                self.delete_others(stored.as_ref().map(|stored| stored.access_key_id.as_str())).await
            }
            _ => {
                self.delete_others(None).await?;
                self.secret.put(&self.make().await?).await
            }
        }
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.secret.tag().await
    }

    /// The key dies first, so that the secret that is left of an interrupted run opens nothing.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.delete_others(None).await?;
        self.secret.delete().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_active_key_that_is_in_the_secret_is_right() {
        let key = |id: &str, status: StatusType| AccessKeyMetadata::builder().access_key_id(id).status(status).build();
        let one = [key("A", StatusType::Active)];
        assert_eq!(state(&one, Some("A")), KEPT);
        assert_ne!(state(&one, None), KEPT);
        assert_ne!(state(&one, Some("B")), KEPT);
        assert_ne!(state(&[key("A", StatusType::Inactive)], Some("A")), KEPT);
        assert_ne!(state(&[key("A", StatusType::Active), key("B", StatusType::Active)], Some("A")), KEPT);
    }
}
