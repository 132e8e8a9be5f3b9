//! The API's secret as a resource: what of its document can be made, is made here.
//!
//! AWS tells a key once, when it is made, so this secret is the only place it can be kept.

use async_trait::async_trait;
use aws_sdk_iam::types::{AccessKeyMetadata, StatusType};
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Price, Resource};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use super::{
    Secret,
    document::{ApiSecret, SecretPart, random_secret},
};
use crate::{Clients, Error, Names, StackSpec, access::UserKeys, address, prices, tags::Tags};

/// What is wanted of the key: the user has one, and it is the one in the secret.
const KEPT: &str = "one, kept in the secret";
/// What is wanted of the parts that are made of nothing.
const SET: &str = "set";
/// What stands for all of it while the secret is on its way out.
const BEING_DELETED: &str = "being deleted";

/// Reads the API's secret; `None` while there is none.
///
/// # Errors
/// When it cannot be read.
pub async fn read_api_secret(spec: &StackSpec, clients: &Clients) -> Result<Option<ApiSecret>, Error> {
    let value = ApiCredentials::secret(spec, clients).fetch().await?;
    Ok(value.as_ref().map(ApiSecret::parse))
}

/// The front door's proof, for those who add it to requests: the newest that the instances accept. Asked once in a pass.
pub(crate) async fn origin_secret(secret: &Secret, memo: &Memo) -> Result<Option<SecretString>, Failure> {
    let parts = secret.value(memo).await?.as_ref().map(ApiSecret::parse).unwrap_or_default();
    let (Some(newest), Some(former)) = (&parts.origin_secret, parts.former_origin_secret) else {
        return Ok(parts.origin_secret);
    };
    let told = secret.delivered().await?.as_ref().map(ApiSecret::parse).unwrap_or_default();
    let is_accepted =
        told.values(SecretPart::Origin).iter().any(|value| value.expose_secret() == newest.expose_secret());
    Ok(if is_accepted { parts.origin_secret } else { Some(former) })
}

/// A new key for the API's user, in its secret; every other dies. Whoever calls this holds the shop's lock.
///
/// # Errors
/// When IAM or Secrets Manager refuses.
pub async fn rotate_api_key(spec: &StackSpec, clients: &Clients) -> Result<(), Failure> {
    let credentials = ApiCredentials::new(spec, clients);
    let parts = credentials.secret.fetch().await?.as_ref().map(ApiSecret::parse).unwrap_or_default();
    let parts = credentials.with_new_key(parts).await?;
    credentials.secret.put(&parts.document()).await
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
        let mut parts = ApiSecret { access_key_id: Some(id), ..parts };
        parts.set(SecretPart::AwsKey, secret, Timestamp::now());
        Ok(parts)
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

/// The parts that are made of nothing, with the field of the plan that each is.
const MADE: [(&str, SecretPart); 2] = [("origin_secret", SecretPart::Origin), ("cart_secret", SecretPart::Cart)];

/// Makes those that are missing. What is there stays, and false is given when nothing was to be made.
fn complete(parts: &mut ApiSecret) -> bool {
    let missing = MADE.map(|(_, part)| part).into_iter().filter(|part| parts.values(*part).is_empty());
    let missing: Vec<SecretPart> = missing.collect();
    for part in &missing {
        parts.set(*part, random_secret(), Timestamp::now());
    }
    !missing.is_empty()
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
        MADE.iter().fold(Desired::new().set("key", KEPT), |wanted, (field, _)| wanted.set(field, SET))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (described, value, keys) =
            tokio::join!(self.secret.describe(), self.secret.value(cx.memo), self.keys.list());
        let Some(described) = described? else { return Ok(None) };
        let found = Found::new().owned(described.ownership).output("name", self.secret.name.as_str());
        if described.being_deleted {
            let found = found.attribute("key", BEING_DELETED);
            return Ok(Some(MADE.iter().fold(found, |found, (field, _)| found.attribute(field, BEING_DELETED))));
        }
        let parts = value?.as_ref().map(ApiSecret::parse).unwrap_or_default();
        let stands = |part: SecretPart| if parts.values(part).is_empty() { "missing" } else { SET };
        let found = found.attribute("key", state(&keys?, &parts));
        Ok(Some(MADE.iter().fold(found, |found, (field, part)| found.attribute(field, stands(*part)))))
    }

    /// A run that dies between the key and the secret leaves a key that nobody knows; the next one deletes it first.
    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        let mut parts = ApiSecret::default();
        complete(&mut parts);
        let parts = self.with_new_key(parts).await?;
        self.secret.create("What the shop's API is told: who may call it, and its AWS key", &parts.document()).await
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let seen = |field: &str| found.attributes.get(field).and_then(|value| value.as_str()).unwrap_or_default();
        if seen("key") == BEING_DELETED {
            return self.secret.restore().await;
        }
        // What is right stays: a key that is in use must not change because the other half of the document did.
        // Asked anew: an operator's value that came since the plan was made must not be overwritten.
        let mut parts = self.secret.fetch().await?.as_ref().map(ApiSecret::parse).unwrap_or_default();
        let completed = complete(&mut parts);
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
        if completed || new_key { self.secret.put(&parts.document()).await } else { Ok(()) }
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
            ..ApiSecret::default()
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
    fn what_is_there_is_not_made_again() {
        let mut parts = ApiSecret { stripe_secret_key: Some("sk_test_1".into()), ..ApiSecret::default() };
        assert!(complete(&mut parts));
        let made = |parts: &ApiSecret| MADE.map(|(_, part)| parts.values(part)[0].expose_secret().to_owned());
        let before = made(&parts);
        assert!(before[0] != before[1] && before.iter().all(|value| value.len() >= 32));
        assert!(!complete(&mut parts));
        assert_eq!(made(&parts), before);
        assert_eq!(parts.values(SecretPart::StripeSecretKey).len(), 1);
    }
}
