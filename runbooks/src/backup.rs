//! The shop's backups: where they are kept, and what they are made and read with.
//!
//! What a backup is, `jewel-backup` knows. This brings it together with S3, Secrets Manager and the way to the database.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use jewel_aws::{Clients, Outputs, classify, random_secret};
use jewel_backup::{Answer, MakingKeys, ReadingKeys, Seal, Server, Store, StoreError, Stored, Tls};
use jewel_engine::{Failure, FailureKind};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{Database, Error, database};

/// Where they are within the backups bucket; what is older there moves to cheaper storage by itself.
const PREFIX: &str = "dumps/";

/// The place of the shop's backups.
#[derive(Clone, Debug)]
pub struct Backups {
    s3: Client,
    bucket: String,
}

impl Backups {
    /// The shop's.
    #[must_use]
    pub fn of(clients: &Clients, outputs: &Outputs) -> Self {
        Self { s3: clients.s3.clone(), bucket: outputs.backups_bucket.clone() }
    }

    /// Where one is, for people.
    #[must_use]
    pub fn place(&self, id: &str) -> String {
        format!("s3://{}/{PREFIX}{id}", self.bucket)
    }
}

impl Backups {
    /// Writes over an object, as nothing but a drill does. What was there stays as a version before.
    pub(crate) async fn overwrite(&self, key: &str, object: bytes::Bytes) -> Result<(), Failure> {
        let put = self.s3.put_object().bucket(&self.bucket).key(format!("{PREFIX}{key}"));
        let sent = put.body(ByteStream::from(object)).send().await;
        sent.map(drop).map_err(|error| classify(format!("write {}", self.place(key)), error))
    }
}

impl Store for Backups {
    async fn put_new(&self, key: &str, object: bytes::Bytes) -> Answer {
        let put = self.s3.put_object().bucket(&self.bucket).key(format!("{PREFIX}{key}")).if_none_match("*");
        match put.body(ByteStream::from(object)).send().await {
            Ok(_) => Answer::Stored,
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 412) => Answer::Taken,
            Err(error) => Answer::Unknown(classify(format!("write {}", self.place(key)), error).into()),
        }
    }

    async fn get(&self, key: &str) -> Result<Option<bytes::Bytes>, StoreError> {
        let sent = self.s3.get_object().bucket(&self.bucket).key(format!("{PREFIX}{key}")).send().await;
        match sent.map_err(|error| classify(format!("read {}", self.place(key)), error)) {
            Ok(answer) => Ok(Some(answer.body.collect().await?.into_bytes())),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(format!("{PREFIX}{prefix}"));
        let (mut pages, mut all) = (list.into_paginator().send(), Vec::new());
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(format!("list {}", self.place(prefix)), error))?;
            all.extend(page.contents().iter().filter_map(|object| {
                let key = object.key()?.strip_prefix(PREFIX)?.to_owned();
                Some(Stored { key, bytes: u64::try_from(object.size()?).ok()? })
            }));
        }
        Ok(all)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let sent = self.s3.delete_object().bucket(&self.bucket).key(format!("{PREFIX}{key}")).send().await;
        sent.map_err(|error| classify(format!("delete {}", self.place(key)), error))?;
        Ok(())
    }
}

/// What the secret holds. Everything else in it stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
struct Document {
    #[serde(default)]
    identity: Option<SecretString>,
    #[serde(default)]
    recipient: Option<String>,
    #[serde(default)]
    seal: Option<SecretString>,
    #[serde(default)]
    recovery_recipient: Option<String>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// What backups are made and read with.
#[derive(Debug)]
pub struct Keys {
    /// To make one.
    pub making: MakingKeys,
    /// To read one.
    pub reading: ReadingKeys,
    /// To know one that is ours.
    pub seal: Seal,
    /// Whether somebody holds a printed key that reads them too.
    pub has_recovery: bool,
}

/// A key that was made just now and is shown once.
#[derive(Debug)]
pub struct RecoveryKey {
    /// The key: to be printed and put away.
    pub identity: SecretString,
    /// What is kept of it: backups are encrypted to it from now on.
    pub recipient: String,
}

/// Reads the keys; makes them where there are none. Whoever calls this holds the shop's lock, or the keys are there.
///
/// # Errors
/// When the secret cannot be read or written, or is not understood.
pub async fn keys(clients: &Clients, outputs: &Outputs) -> Result<Keys, Error> {
    let name = &outputs.backup_secret;
    let mut document = read(clients, name).await?;
    if document.identity.is_none() || document.seal.is_none() {
        let (identity, recipient) = jewel_backup::generate();
        document.identity = Some(identity);
        document.recipient = Some(recipient);
        document.seal = Some(random_secret());
        write(clients, name, &document).await?;
    }
    let incomplete = || Error::Secret { secret: name.clone(), reason: "a part of it is missing" };
    let (Some(identity), Some(recipient), Some(seal)) = (document.identity, document.recipient, document.seal) else {
        return Err(incomplete());
    };
    let seal = Seal::new(seal)?;
    let has_recovery = document.recovery_recipient.is_some();
    let recipients: Vec<String> = [Some(recipient), document.recovery_recipient].into_iter().flatten().collect();
    Ok(Keys {
        making: MakingKeys::new(&recipients, seal.clone())?,
        reading: ReadingKeys::new(&identity, seal.clone())?,
        seal,
        has_recovery,
    })
}

/// Makes a recovery key: it reads every backup that is made from now on, without AWS. The one before reads those that
/// were made before.
///
/// # Errors
/// As [`keys`].
pub async fn make_recovery_key(clients: &Clients, outputs: &Outputs) -> Result<RecoveryKey, Error> {
    keys(clients, outputs).await?;
    let mut document = read(clients, &outputs.backup_secret).await?;
    let (identity, recipient) = jewel_backup::generate();
    document.recovery_recipient = Some(recipient.clone());
    write(clients, &outputs.backup_secret, &document).await?;
    Ok(RecoveryKey { identity, recipient })
}

async fn read(clients: &Clients, name: &str) -> Result<Document, Error> {
    let text = database::secret(clients, name).await?;
    let reason = "it is no document of ours";
    serde_json::from_str(text.expose_secret()).map_err(|_| Error::Secret { secret: name.to_owned(), reason })
}

async fn write(clients: &Clients, name: &str, document: &Document) -> Result<(), Failure> {
    let mut all = document.others.clone();
    let secrets = [("identity", &document.identity), ("seal", &document.seal)];
    for (field, value) in secrets {
        all.extend(value.as_ref().map(|value| (field.to_owned(), value.expose_secret().into())));
    }
    let texts = [("recipient", &document.recipient), ("recovery_recipient", &document.recovery_recipient)];
    for (field, value) in texts {
        all.extend(value.as_ref().map(|value| (field.to_owned(), value.as_str().into())));
    }
    let put = clients.secrets.put_secret_value().secret_id(name).secret_string(Value::Object(all).to_string());
    put.send().await.map(drop).map_err(|error| classify(format!("write secret {name}"), error))
}

/// The database as whoever makes or restores a backup reaches it.
#[must_use]
pub fn server(database: &Database) -> Server {
    let (local, secret) = (database.local(), database.secret());
    Server {
        host: local.ip().to_string(),
        port: local.port(),
        user: secret.username.clone(),
        password: secret.password.clone(),
        // Through the tunnel the server is 127.0.0.1, which no certificate says.
        tls: Tls::Required,
    }
}

/// What a backup keeps of the journal's state: where it stood.
pub const POSITION: &str = "SELECT epoch FROM journal_state";
