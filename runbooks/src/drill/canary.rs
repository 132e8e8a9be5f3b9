//! A customer who never stops: looks at the catalogue, buys, cancels, and remembers every promise.
//!
//! It asks the shop's public address, the way everybody does. An order counts as promised when its answer arrived; one
//! without an answer is tried again with the same key, as a careful client does, and then counts once.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// One answer may take this long: the API gives up on a request itself before.
const ANSWER: Duration = Duration::from_secs(15);
/// How long it waits for a shop's first answer.
const READY: Duration = Duration::from_secs(60);
/// Between two looks of a reader.
const LOOK: Duration = Duration::from_millis(200);
/// Between two orders of a buyer.
const BUY: Duration = Duration::from_millis(200);

/// How it buys.
#[derive(Clone, Copy, Debug)]
pub struct CanaryOptions {
    /// How many look at the catalogue.
    pub readers: usize,
    /// How many buy.
    pub buyers: usize,
}

/// An order that was confirmed to a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// Its id.
    pub order: String,
    /// Its number.
    pub number: String,
    /// When the answer came.
    pub at: Timestamp,
    /// Whether its cancellation was confirmed too.
    pub cancelled: bool,
}

/// An answer, or that there was none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// When.
    pub at: Timestamp,
    /// Whether it was what was asked for.
    pub good: bool,
}

/// What it saw.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// The orders that were confirmed.
    pub promises: Vec<Promise>,
    /// What came of looking.
    pub reads: Vec<Answer>,
    /// What came of buying.
    pub writes: Vec<Answer>,
}

/// A running canary.
#[derive(Debug)]
pub struct Canary {
    seen: Arc<Mutex<Seen>>,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Why it cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum CanaryError {
    /// The shop does not answer.
    #[error("the shop at {url} does not answer the canary")]
    Unreachable {
        /// Its address.
        url: String,
        /// What the client says.
        #[source]
        source: reqwest::Error,
    },
    /// There is nothing to buy.
    #[error("nothing in the shop at {0} is in stock")]
    NothingToBuy(String),
}

impl Canary {
    /// Begins, once the shop has something to sell.
    ///
    /// # Errors
    /// [`CanaryError`].
    pub async fn begin(url: &str, options: CanaryOptions) -> Result<Self, CanaryError> {
        let unreachable = |source| CanaryError::Unreachable { url: url.to_owned(), source };
        let customer = |number: usize| client(url, number).map_err(unreachable);
        let (variants, pictures) = first_offer(&customer(0)?, url).await.map_err(unreachable)?;
        if variants.is_empty() {
            return Err(CanaryError::NothingToBuy(url.to_owned()));
        }
        let (seen, stop) = (Arc::new(Mutex::new(Seen::default())), CancellationToken::new());
        let mut tasks = JoinSet::new();
        for number in 0..options.readers {
            let (client, url, seen, stop) = (customer(number)?, url.to_owned(), seen.clone(), stop.clone());
            let picture = pictures.get(number % pictures.len().max(1)).cloned();
            tasks.spawn(async move { read(&client, &url, number, picture, &seen, &stop).await });
        }
        for number in 0..options.buyers {
            let (client, url) = (customer(options.readers + number)?, url.to_owned());
            let (seen, stop) = (seen.clone(), stop.clone());
            let variant = variants[number % variants.len()].clone();
            tasks.spawn(async move { buy(&client, &url, &variant, &seen, &stop).await });
        }
        Ok(Self { seen, stop, tasks })
    }

    /// What it saw so far.
    #[must_use]
    pub fn so_far(&self) -> Seen {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets it finish what it began, and gives what it saw.
    pub async fn end(mut self) -> Seen {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.so_far()
    }
}

/// A customer of its own. On this machine each has an address of its own too: the API takes only so many requests of one.
fn client(url: &str, number: usize) -> Result<Client, reqwest::Error> {
    let builder = Client::builder().timeout(ANSWER);
    let host = u8::try_from(number % 200).unwrap_or(0);
    let is_here = url.starts_with("http://127.");
    builder.local_address(is_here.then(|| IpAddr::V4(Ipv4Addr::new(127, 0, 2, 10 + host)))).build()
}

/// What the shop offers as soon as it answers: what was typed before (a snapshot, say) may have interrupted it for a moment.
async fn first_offer(client: &Client, url: &str) -> Result<(Vec<String>, Vec<String>), reqwest::Error> {
    let deadline = Instant::now() + READY;
    loop {
        match offer(client, url).await {
            Err(_) if Instant::now() < deadline => tokio::time::sleep(LOOK).await,
            offered => return offered,
        }
    }
}

/// What can be bought, the best stocked first; and what can be looked at.
async fn offer(client: &Client, url: &str) -> Result<(Vec<String>, Vec<String>), reqwest::Error> {
    let get = async |path: String| client.get(format!("{url}{path}")).send().await?.error_for_status()?.json().await;
    let list: Value = get("/api/v1/products?limit=50".into()).await?;
    let (mut found, mut pictures) = (Vec::new(), Vec::new());
    for item in list["items"].as_array().into_iter().flatten() {
        pictures.extend(item.pointer("/image/url").and_then(Value::as_str).map(str::to_owned));
    }
    for slug in list["items"].as_array().into_iter().flatten().filter_map(|item| item["slug"].as_str()) {
        let detail: Value = get(format!("/api/v1/products/{slug}")).await?;
        for variant in detail["variants"].as_array().into_iter().flatten() {
            if let (Some(id), Some(available)) = (variant["id"].as_str(), variant["available"].as_i64()) {
                found.push((available, id.to_owned()));
            }
        }
    }
    found.retain(|(available, _)| *available > 0);
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok((found.into_iter().map(|(_, id)| id).collect(), pictures))
}

async fn read(
    client: &Client,
    url: &str,
    number: usize,
    picture: Option<String>,
    seen: &Mutex<Seen>,
    stop: &CancellationToken,
) {
    let mut turn = 0_u64;
    let picture = picture.map(|picture| if picture.starts_with('/') { format!("{url}{picture}") } else { picture });
    while !stop.is_cancelled() {
        turn += 1;
        // Another question each time: what the CDN keeps says nothing about the shop.
        let question = format!("{url}/api/v1/products?limit=24&min_price={}", turn * 10 + number as u64);
        let look = async |at: String| client.get(at).send().await.is_ok_and(|answer| answer.status().is_success());
        let mut good = look(question).await;
        if let Some(picture) = &picture {
            good &= look(picture.clone()).await;
        }
        lock(seen).reads.push(Answer { at: Timestamp::now(), good });
        pause(LOOK, stop).await;
    }
}

async fn buy(client: &Client, url: &str, variant: &str, seen: &Mutex<Seen>, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        let bought = order(client, url, variant, stop).await;
        let good = bought.is_some();
        lock(seen).writes.push(Answer { at: Timestamp::now(), good });
        if let Some((mut promise, token)) = bought {
            let place = {
                let mut seen = lock(seen);
                seen.promises.push(promise.clone());
                seen.promises.len() - 1
            };
            // So that there is always enough of it; and a cancellation is a promise too.
            let path = format!("{url}/api/v1/orders/{}/cancel", promise.order);
            let asked = client.post(path).header("x-order-token", token).send().await;
            promise.cancelled = asked.is_ok_and(|answer| answer.status().is_success());
            lock(seen).promises[place] = promise;
        }
        pause(BUY, stop).await;
    }
}

/// One order, with its token; tried again with the same key while there is no answer that says what became of it.
async fn order(client: &Client, url: &str, variant: &str, stop: &CancellationToken) -> Option<(Promise, String)> {
    let lines = json!({ "variant_id": variant, "quantity": 1 });
    let cart: Value = json_of(client.post(format!("{url}/api/v1/cart/lines")).json(&lines)).await?;
    let (token, total) = (cart["token"].as_str()?, cart.pointer("/quotes/0/total/amount")?);
    let wanted = json!({
        "email": "canary@example.com", "shipping_method": "standard", "payment_method": "cash_on_delivery",
        "expected_total_minor": total,
        "address": {
            "name": "Canary", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903", "country": "SG"
        },
    });
    let key = Uuid::new_v4().to_string();
    for _ in 0..3 {
        let ask = client.post(format!("{url}/api/v1/orders")).json(&wanted);
        let placed = json_of(ask.header("x-cart-token", token).header("idempotency-key", &key)).await;
        if let Some(placed) = placed {
            let text = |pointer: &str| placed.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
            let promise = Promise {
                order: text("/order/id")?,
                number: text("/order/number")?,
                at: Timestamp::now(),
                cancelled: false,
            };
            return Some((promise, text("/order_token")?));
        }
        if stop.is_cancelled() {
            break;
        }
    }
    None
}

async fn json_of(request: reqwest::RequestBuilder) -> Option<Value> {
    request.send().await.ok()?.error_for_status().ok()?.json().await.ok()
}

async fn pause(time: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop.cancelled() => {}
    }
}

fn lock(seen: &Mutex<Seen>) -> std::sync::MutexGuard<'_, Seen> {
    // Nothing between lock and unlock leaves it half changed.
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}
