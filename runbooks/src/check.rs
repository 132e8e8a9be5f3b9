//! Is the shop there? Asked the way a customer asks: through its public address, page, data and pictures.

use std::time::Duration;

use reqwest::header::{COOKIE, HeaderMap, HeaderValue};
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

/// One answer may take this long.
const ANSWER: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(250);

/// What to look at.
#[derive(Clone, Debug)]
pub struct Check<'a> {
    /// The shop's address, without a slash at the end.
    pub url: &'a str,
    /// How long to go on asking while something fails: what was just provisioned or deployed takes a while to be
    /// everywhere. Zero asks once.
    pub within: Duration,
    /// What lets us in while the shop is closed to visitors.
    pub pass: Option<&'a str>,
}

/// How the shop is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Health {
    /// Whether everything answered as it should.
    pub healthy: bool,
    /// Each thing asked for.
    pub probes: Vec<Probe>,
}

/// One thing asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Probe {
    /// `page`, `products`, `categories` or `picture`.
    pub name: &'static str,
    /// What was asked.
    pub url: String,
    /// Milliseconds until the whole answer was there.
    pub elapsed_ms: u64,
    /// What was wrong, if anything was.
    pub failure: Option<ProbeFailure>,
}

/// What was wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ProbeFailure {
    /// Nobody answered.
    #[error("no answer ({reason})")]
    NoAnswer {
        /// Why.
        reason: String,
    },
    /// The answer's status is not 200.
    #[error("status {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// The answer is not what was asked for.
    #[error("{reason}")]
    Content {
        /// In what way.
        reason: String,
    },
    /// It could not be asked, because the answer before it says nothing about it.
    #[error("there is no product with a picture to ask for")]
    NothingToAsk,
}

/// Asks everything once, or until all is well or the time is up.
pub async fn check(wanted: &Check<'_>) -> Health {
    let ends = Instant::now() + wanted.within;
    let mut headers = HeaderMap::new();
    if let Some(cookie) = wanted.pass.and_then(|pass| HeaderValue::try_from(format!("jewel-pass={pass}")).ok()) {
        headers.insert(COOKIE, cookie);
    }
    let client = match reqwest::Client::builder().timeout(ANSWER).default_headers(headers).build() {
        Ok(client) => client,
        Err(error) => {
            let failure = Some(ProbeFailure::NoAnswer { reason: innermost(&error) });
            let probe = Probe { name: "page", url: wanted.url.to_owned(), elapsed_ms: 0, failure };
            return Health { healthy: false, probes: vec![probe] };
        }
    };
    loop {
        let health = once(&client, wanted.url.trim_end_matches('/')).await;
        if health.healthy || Instant::now() + PAUSE >= ends {
            return health;
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn once(client: &reqwest::Client, shop: &str) -> Health {
    let ask = |name, path: &str| get(client, name, format!("{shop}{path}"));
    let (page, products, categories) =
        tokio::join!(ask("page", "/"), ask("products", "/api/v1/products"), ask("categories", "/api/v1/categories"));
    let (page, _) = page.expecting("text/html", |_| Ok(()));
    let (products, picture) = products.expecting("application/json", |body| {
        let answer: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let items = answer.get("items").and_then(Value::as_array).ok_or("it lists no items")?;
        if items.is_empty() {
            return Err("the catalogue is empty".to_owned());
        }
        let picture = items.iter().find_map(|item| item.pointer("/image/url")?.as_str());
        Ok(picture.map(str::to_owned))
    });
    let (categories, _) = categories.expecting("application/json", |body| {
        serde_json::from_slice::<Value>(body).map(drop).map_err(|error| error.to_string())
    });
    let picture = match picture.flatten() {
        Some(url) => {
            let url = if url.starts_with('/') { format!("{shop}{url}") } else { url };
            get(client, "picture", url).await.expecting("image/", |_| Ok(())).0
        }
        None => Probe { name: "picture", url: String::new(), elapsed_ms: 0, failure: Some(ProbeFailure::NothingToAsk) },
    };
    let probes = vec![page, products, categories, picture];
    Health { healthy: probes.iter().all(|probe| probe.failure.is_none()), probes }
}

struct Asked {
    probe: Probe,
    content_type: String,
    body: Vec<u8>,
}

impl Asked {
    /// Looks into an answer that came: its type, and what `read` makes of it.
    fn expecting<T>(mut self, content_type: &str, read: impl FnOnce(&[u8]) -> Result<T, String>) -> (Probe, Option<T>) {
        if self.probe.failure.is_some() {
            return (self.probe, None);
        }
        let looked = if self.content_type.starts_with(content_type) {
            read(&self.body)
        } else {
            Err(format!("it is {:?} and not {content_type}", self.content_type))
        };
        match looked {
            Ok(value) => (self.probe, Some(value)),
            Err(reason) => {
                self.probe.failure = Some(ProbeFailure::Content { reason });
                (self.probe, None)
            }
        }
    }
}

async fn get(client: &reqwest::Client, name: &'static str, url: String) -> Asked {
    let started = Instant::now();
    let asking = async {
        let answer = client.get(&url).send().await?;
        let status = answer.status().as_u16();
        let content_type = answer.headers().get(reqwest::header::CONTENT_TYPE);
        let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        Ok::<_, reqwest::Error>((status, content_type, answer.bytes().await?.to_vec()))
    };
    let (failure, content_type, body) = match asking.await {
        Ok((200, content_type, body)) => (None, content_type, body),
        Ok((status, ..)) => (Some(ProbeFailure::Status { status }), String::new(), Vec::new()),
        Err(error) => (Some(ProbeFailure::NoAnswer { reason: innermost(&error) }), String::new(), Vec::new()),
    };
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    Asked { probe: Probe { name, url, elapsed_ms, failure }, content_type, body }
}

/// The reason under all the reasons: "connection refused" and not "error sending request".
fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}
