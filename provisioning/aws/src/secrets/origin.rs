//! The origin secret: what the distribution adds to each request so that the API knows it did not come from elsewhere.

use async_trait::async_trait;
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Price, Readiness, Resource};
use rand::{RngExt as _, distr::Alphanumeric};
use secrecy::SecretString;

use super::Secret;
use crate::{Clients, Error, Names, StackSpec, prices, tags::Tags};

/// Letters and digits, about 286 bits.
const LENGTH: usize = 48;

/// A random secret, made once and kept.
pub(crate) struct OriginSecret(Secret);

impl OriginSecret {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self(Self::secret(spec, clients))
    }

    /// The secret itself, for those who must know the value.
    pub(crate) fn secret(spec: &StackSpec, clients: &Clients) -> Secret {
        Secret {
            client: clients.secrets.clone(),
            name: Names::new(spec).role("origin"),
            tags: Tags::new(spec, "origin"),
        }
    }
}

/// The value of the origin secret; `None` while it does not exist.
///
/// # Errors
/// When it cannot be read.
pub async fn read_origin_secret(spec: &StackSpec, clients: &Clients) -> Result<Option<SecretString>, Error> {
    Ok(OriginSecret::secret(spec, clients).fetch().await?)
}

#[async_trait]
impl Resource for OriginSecret {
    fn title(&self) -> String {
        format!("secret {}", self.0.name)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::secret())
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("value", "set")
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let (described, value) = tokio::join!(self.0.describe(), self.0.value(cx.memo));
        let Some(described) = described? else { return Ok(None) };
        let state = if described.being_deleted {
            "being deleted"
        } else if value?.is_some() {
            "set"
        } else {
            "missing"
        };
        let found = Found::new().owned(described.ownership).ready(Readiness::Ready);
        Ok(Some(found.attribute("value", state).output("name", self.0.name.as_str())))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        self.0.create("Proves to the shop's API that a request came through its distribution", &random()).await
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        match found.attributes.get("value").and_then(|value| value.as_str()) {
            Some("being deleted") => self.0.restore().await,
            _ => self.0.put(&random()).await,
        }
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.0.tag().await
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.0.delete().await
    }
}

fn random() -> SecretString {
    rand::rng().sample_iter(Alphanumeric).take(LENGTH).map(char::from).collect::<String>().into()
}
