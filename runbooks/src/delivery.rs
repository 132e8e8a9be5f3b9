//! Telling the API its secret, and knowing whether it was told the current one.
//!
//! Which version of the secret the instance has is remembered where the secret is, by a staging label of our own: nothing
//! of the value leaves Secrets Manager for it, and the question can be asked without reaching the instance.

use std::collections::HashMap;

use jewel_aws::{ApiSecret, Clients, DELIVERED, classify};
use jewel_engine::{Failure, FailureKind};
use secrecy::SecretString;

use crate::Error;

/// AWS's label of the version that counts.
const CURRENT: &str = "AWSCURRENT";

/// The API's secret as it is now, and which version that is.
pub(crate) struct Delivery {
    /// Its parts.
    pub(crate) secret: ApiSecret,
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Delivery {
    /// Reads what is to be delivered.
    pub(crate) async fn fetch(clients: &Clients, name: &str) -> Result<Self, Error> {
        let sent = clients.secrets.get_secret_value().secret_id(name).send().await;
        let answer = sent.map_err(|error| classify(format!("read secret {name}"), error))?;
        let (Some(text), Some(version)) = (answer.secret_string, answer.version_id) else {
            return Err(Error::Secret { secret: name.to_owned(), reason: "it has no text" });
        };
        Ok(Self { secret: ApiSecret::parse(&SecretString::from(text)), name: name.to_owned(), version })
    }

    /// What the instance was told last, if it is still known.
    pub(crate) async fn delivered(clients: &Clients, name: &str) -> Result<Option<ApiSecret>, Error> {
        let ask = clients.secrets.get_secret_value().secret_id(name).version_stage(DELIVERED);
        match ask.send().await.map_err(|error| classify(format!("read what was delivered of secret {name}"), error)) {
            Ok(answer) => Ok(answer.secret_string.map(|text| ApiSecret::parse(&SecretString::from(text)))),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Notes that the instance has this version. Nothing is written when that is known already.
    pub(crate) async fn note(&self, clients: &Clients) -> Result<(), Error> {
        let stages = stages(clients, &self.name).await?;
        let before = labelled(&stages, DELIVERED);
        if before == Some(self.version.as_str()) {
            return Ok(());
        }
        let update = clients.secrets.update_secret_version_stage().secret_id(&self.name).version_stage(DELIVERED);
        let sent =
            update.move_to_version_id(&self.version).set_remove_from_version_id(before.map(str::to_owned)).send().await;
        sent.map_err(|error| classify(format!("note that secret {} was delivered", self.name), error))?;
        Ok(())
    }
}

/// Whether the instance has the current version of the API's secret; the next deploy delivers it.
///
/// # Errors
/// When the secret cannot be described.
pub async fn is_delivered(clients: &Clients, secret: &str) -> Result<bool, Error> {
    let stages = stages(clients, secret).await?;
    let delivered = labelled(&stages, DELIVERED);
    Ok(delivered.is_some() && delivered == labelled(&stages, CURRENT))
}

type Stages = HashMap<String, Vec<String>>;

async fn stages(clients: &Clients, secret: &str) -> Result<Stages, Failure> {
    let sent = clients.secrets.describe_secret().secret_id(secret).send().await;
    let answer = sent.map_err(|error| classify(format!("describe secret {secret}"), error))?;
    Ok(answer.version_ids_to_stages.unwrap_or_default())
}

/// The version that carries a label; a label is on one version at most.
fn labelled<'a>(stages: &'a Stages, label: &str) -> Option<&'a str> {
    let carries = |labels: &[String]| labels.iter().any(|one| one == label);
    stages.iter().find(|(_, labels)| carries(labels)).map(|(version, _)| version.as_str())
}
