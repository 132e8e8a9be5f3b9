//! The access keys of a user: made, listed, deleted. What a key opens is the user's matter, where it is kept the secret's.

use aws_sdk_iam::{Client, types::AccessKeyMetadata};
use jewel_engine::Failure;
use secrecy::SecretString;

use super::api_user;
use crate::{
    Clients, StackSpec, classify,
    failure::{incomplete, optional},
};

/// The keys of one user.
pub(crate) struct UserKeys {
    client: Client,
    user: String,
}

impl UserKeys {
    /// Those of the API's user.
    pub(crate) fn of_api(spec: &StackSpec, clients: &Clients) -> Self {
        Self { client: clients.iam.clone(), user: api_user::name(spec) }
    }

    /// All of them; none while there is no user.
    pub(crate) async fn list(&self) -> Result<Vec<AccessKeyMetadata>, Failure> {
        let sent = self.client.list_access_keys().user_name(&self.user).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("list the keys of user {}", self.user), error)))?;
        Ok(answer.map(|answer| answer.access_key_metadata).unwrap_or_default())
    }

    /// Deletes every key but `kept`.
    pub(crate) async fn delete_all_but(&self, kept: Option<&str>) -> Result<(), Failure> {
        for key in self.list().await? {
            if key.access_key_id() == kept {
                continue;
            }
            let delete = self.client.delete_access_key().user_name(&self.user);
            let sent = delete.set_access_key_id(key.access_key_id).send().await;
            let action = format!("delete a key of user {}", self.user);
            optional(sent.map_err(|error| classify(action, error)))?;
        }
        Ok(())
    }

    /// A new key: its public and its secret half, which is told this once.
    pub(crate) async fn make(&self) -> Result<(String, SecretString), Failure> {
        let action = format!("make a key for user {}", self.user);
        let sent = self.client.create_access_key().user_name(&self.user).send().await;
        let key =
            sent.map_err(|error| classify(&action, error))?.access_key.ok_or_else(|| incomplete(&action, "key"))?;
        Ok((key.access_key_id, key.secret_access_key.into()))
    }
}
