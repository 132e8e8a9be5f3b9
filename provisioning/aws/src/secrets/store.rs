//! One secret in Secrets Manager, as both of ours need it.

use aws_sdk_secretsmanager::{Client, types::Tag};
use jewel_engine::{Failure, FailureKind, Memo, Ownership};
use secrecy::{ExposeSecret as _, SecretString};

use crate::{classify, failure::optional, tags::Tags};

/// The label of the version that the instances have.
pub const DELIVERED: &str = "JEWEL_DELIVERED";

/// A named secret.
#[derive(Clone)]
pub(crate) struct Secret {
    pub(crate) client: Client,
    pub(crate) name: String,
    pub(crate) tags: Tags,
}

/// What is known of a secret that exists.
pub(crate) struct Described {
    pub(crate) ownership: Ownership,
    /// It will be gone; until then its name is taken and its value cannot be read.
    pub(crate) being_deleted: bool,
}

impl Secret {
    pub(crate) async fn describe(&self) -> Result<Option<Described>, Failure> {
        let sent = self.client.describe_secret().secret_id(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("describe secret {}", self.name), error)))?;
        Ok(answer.map(|answer| Described {
            being_deleted: answer.deleted_date.is_some(),
            ownership: self.tags.ownership(
                answer.tags().iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default())),
            ),
        }))
    }

    /// The value, asked once in a pass.
    pub(crate) async fn value(&self, memo: &Memo) -> Result<Option<SecretString>, Failure> {
        let value = memo.once(&format!("secret {}", self.name), self.fetch()).await?;
        Ok((*value).clone())
    }

    /// The value; `None` when there is no secret, no value, or it is being deleted.
    pub(crate) async fn fetch(&self) -> Result<Option<SecretString>, Failure> {
        self.version(None).await
    }

    /// The value that the instances have; `None` when they have none.
    pub(crate) async fn delivered(&self) -> Result<Option<SecretString>, Failure> {
        self.version(Some(DELIVERED)).await
    }

    async fn version(&self, label: Option<&str>) -> Result<Option<SecretString>, Failure> {
        let ask = self.client.get_secret_value().secret_id(&self.name);
        let sent = ask.set_version_stage(label.map(str::to_owned)).send().await;
        match sent.map_err(|error| classify(format!("read secret {}", self.name), error)) {
            Ok(answer) => Ok(answer.secret_string.map(SecretString::from)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            // Being deleted: "You can't perform this operation on the secret because it was marked for deletion."
            Err(failure) if failure.code.as_deref() == Some("InvalidRequestException") => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    pub(crate) async fn create(&self, description: &str, value: &SecretString) -> Result<(), Failure> {
        let sent = self
            .client
            .create_secret()
            .name(&self.name)
            .description(description)
            .secret_string(value.expose_secret())
            .set_tags(Some(self.tag_set()))
            .send()
            .await;
        sent.map(drop).map_err(|error| classify(format!("create secret {}", self.name), error))
    }

    pub(crate) async fn put(&self, value: &SecretString) -> Result<(), Failure> {
        let put = self.client.put_secret_value().secret_id(&self.name).secret_string(value.expose_secret());
        put.send().await.map(drop).map_err(|error| classify(format!("write secret {}", self.name), error))
    }

    /// Calls a deletion off, which an operator or an interrupted destroy ordered.
    pub(crate) async fn restore(&self) -> Result<(), Failure> {
        let sent = self.client.restore_secret().secret_id(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("restore secret {}", self.name), error))
    }

    pub(crate) async fn tag(&self) -> Result<(), Failure> {
        let sent = self.client.tag_resource().secret_id(&self.name).set_tags(Some(self.tag_set())).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag secret {}", self.name), error))
    }

    pub(crate) async fn delete(&self) -> Result<(), Failure> {
        let delete = self.client.delete_secret().secret_id(&self.name).force_delete_without_recovery(true);
        match delete.send().await.map_err(|error| classify(format!("delete secret {}", self.name), error)) {
            // Scheduled for a later deletion already, which must be called off before it can be deleted at once.
            Err(failure) if failure.code.as_deref() == Some("InvalidRequestException") => self.restore().await,
            sent => sent.map(drop),
        }
    }

    fn tag_set(&self) -> Vec<Tag> {
        self.tags.pairs().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
    }
}
