//! The issuer's public keys, by key id.
//!
//! A key id we don't know makes us ask the issuer, at most once a minute however many forged ids arrive; callers that
//! miss at the same time share one fetch. A set that is an hour old is fetched anew, so that withdrawn keys go, but keeps
//! serving when the issuer is away.

use std::{
    collections::HashMap,
    sync::{Arc, RwLock},
    time::{Duration, Instant},
};

use jsonwebtoken::{
    DecodingKey,
    jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use tokio::sync::Mutex;

/// How often an unknown key id may cause a fetch.
const MISS_INTERVAL: Duration = Duration::from_secs(60);

/// How soon after a failed fetch the next may follow.
const FAILURE_INTERVAL: Duration = Duration::from_secs(5);

/// How long keys are trusted without asking again.
const MAX_AGE: Duration = Duration::from_secs(60 * 60);

/// How long a fetch may take.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest answer that is read, in bytes. Cognito's is about 1 KiB.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// The issuer has no such key.
    #[error("unknown key")]
    UnknownKey,
    /// The issuer's keys could not be fetched.
    #[error("could not fetch the issuer's keys")]
    Fetch(#[source] Arc<FetchError>),
}

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the request failed")]
    Request(#[from] reqwest::Error),
    #[error("the answer is larger than {LARGEST_ANSWER} bytes")]
    TooLarge,
    #[error("the answer is not a key set")]
    Malformed(#[from] serde_json::Error),
    #[error("the last attempt, a moment ago, failed")]
    JustFailed,
}

/// A cache of one issuer's keys.
pub(crate) struct KeyStore {
    url: String,
    client: reqwest::Client,
    keys: RwLock<Keys>,
    fetching: Mutex<Fetching>,
}

#[derive(Default)]
struct Keys {
    by_id: HashMap<String, Arc<DecodingKey>>,
    fetched_at: Option<Instant>,
}

#[derive(Default)]
struct Fetching {
    last: Option<(Instant, Outcome)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fetched,
    Failed,
}

impl KeyStore {
    pub(crate) fn new(url: &str) -> Self {
        let client = reqwest::Client::builder()
            .timeout(FETCH_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap_or_default();
        Self { url: url.to_owned(), client, keys: RwLock::default(), fetching: Mutex::default() }
    }

    /// The key with this id.
    pub(crate) async fn get(&self, kid: &str) -> Result<Arc<DecodingKey>, KeyError> {
        let cached = self.cached(kid);
        if let Some((key, true)) = cached {
            return Ok(key);
        }
        let refreshed = self.refresh().await;
        match (self.cached(kid), refreshed) {
            (Some((key, _)), _) => Ok(key),
            (None, Ok(())) => Err(KeyError::UnknownKey),
            (None, Err(error)) => Err(KeyError::Fetch(Arc::new(error))),
        }
    }

    /// A cached key, and whether it is young enough to be used without asking.
    fn cached(&self, kid: &str) -> Option<(Arc<DecodingKey>, bool)> {
        let keys = self.keys.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_fresh = keys.fetched_at.is_some_and(|at| at.elapsed() < MAX_AGE);
        keys.by_id.get(kid).map(|key| (Arc::clone(key), is_fresh))
    }

    /// Fetches the keys unless that was done, or tried, a moment ago. Callers queue here, so the first one fetches for all.
    async fn refresh(&self) -> Result<(), FetchError> {
        let mut fetching = self.fetching.lock().await;
        if let Some((at, outcome)) = fetching.last {
            match outcome {
                Outcome::Fetched if at.elapsed() < MISS_INTERVAL => return Ok(()),
                Outcome::Failed if at.elapsed() < FAILURE_INTERVAL => return Err(FetchError::JustFailed),
                Outcome::Fetched | Outcome::Failed => {}
            }
        }
        let fetched = self.fetch().await;
        let outcome = if fetched.is_ok() { Outcome::Fetched } else { Outcome::Failed };
        fetching.last = Some((Instant::now(), outcome));
        let by_id = fetched.inspect_err(|error| {
            tracing::warn!(error = %crate::error::chain(error), "could not fetch the issuer's keys");
        })?;
        let mut keys = self.keys.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        *keys = Keys { by_id, fetched_at: Some(Instant::now()) };
        Ok(())
    }

    async fn fetch(&self) -> Result<HashMap<String, Arc<DecodingKey>>, FetchError> {
        let mut response = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(FetchError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        parse(&body)
    }
}

/// The usable keys of a key set. A key we can't use (another kind, another use) is left out, not an error.
fn parse(body: &[u8]) -> Result<HashMap<String, Arc<DecodingKey>>, FetchError> {
    #[derive(Deserialize)]
    struct KeySet {
        keys: Vec<serde_json::Value>,
    }
    let set: KeySet = serde_json::from_slice(body)?;
    Ok(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).filter_map(usable).collect())
}

fn usable(key: Jwk) -> Option<(String, Arc<DecodingKey>)> {
    let is_rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
    let is_rs256 = matches!(key.common.key_algorithm, None | Some(KeyAlgorithm::RS256));
    let is_for_signatures = matches!(key.common.public_key_use, None | Some(PublicKeyUse::Signature));
    if !(is_rsa && is_rs256 && is_for_signatures) {
        return None;
    }
    let decoding = DecodingKey::from_jwk(&key).ok()?;
    Some((key.common.key_id?, Arc::new(decoding)))
}
