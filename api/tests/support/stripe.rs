//! A local stand-in for Stripe: payments and refunds with idempotency keys, messages signed as Stripe signs them, and the
//! ways in which it fails.

use std::{
    collections::{HashMap, VecDeque},
    io,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use super::issuer::now;

pub(crate) const SECRET_KEY: &str = "sk_test_0123456789abcdef";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_current_0123456789";
pub(crate) const NEXT_WEBHOOK_SECRET: &str = "whsec_next_0123456789abc";

/// How the next POST goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing is done, and there is no answer.
    Away,
    /// It is done, and there is no answer.
    LostAnswer,
    /// It fails with 500, which the same key gets again.
    Broken,
    /// It is refused for good.
    Refused,
}

pub(crate) struct Stripe {
    pub(crate) url: String,
    account: Arc<Mutex<Account>>,
}

#[derive(Default)]
struct Account {
    intents: HashMap<String, Value>,
    refunds: Vec<Value>,
    /// By key: the request's parameters, and its answer.
    answers: HashMap<String, (String, StatusCode, Value)>,
    faults: VecDeque<Fault>,
    away: bool,
    /// What the state of new refunds is.
    refund_state: Option<&'static str>,
    ids: u32,
}

type Shared = State<Arc<Mutex<Account>>>;
type Fields = HashMap<String, String>;

impl Stripe {
    pub(crate) async fn start() -> Self {
        let account = Arc::new(Mutex::new(Account::default()));
        let router = Router::new()
            .route("/v1/payment_intents", post(create_intent))
            .route("/v1/payment_intents/{id}", get(read_intent))
            .route("/v1/payment_intents/{id}/cancel", post(cancel_intent))
            .route("/v1/refunds", post(create_refund).get(list_refunds))
            .with_state(Arc::clone(&account));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, account }
    }

    /// Lets the next POST that is not a repeated one go wrong.
    pub(crate) fn fail_next(&self, fault: Fault) {
        self.account.lock().unwrap().faults.push_back(fault);
    }

    /// Gives no answers at all from now on, or again.
    pub(crate) fn set_away(&self, away: bool) {
        self.account.lock().unwrap().away = away;
    }

    /// Makes new refunds begin so, and not as `succeeded`.
    pub(crate) fn begin_refunds_as(&self, state: &'static str) {
        self.account.lock().unwrap().refund_state = Some(state);
    }

    /// The payments for an order, as Stripe has them.
    pub(crate) fn intents_of(&self, order: &str) -> Vec<Value> {
        let account = self.account.lock().unwrap();
        account.intents.values().filter(|intent| intent["metadata"]["order_id"] == order).cloned().collect()
    }

    /// The only payment for an order.
    pub(crate) fn intent_of(&self, order: &str) -> Value {
        let [intent] = <[Value; 1]>::try_from(self.intents_of(order)).unwrap();
        intent
    }

    /// What went back of a payment.
    pub(crate) fn refunds_of(&self, intent: &str) -> Vec<Value> {
        let account = self.account.lock().unwrap();
        account.refunds.iter().filter(|refund| refund["payment_intent"] == intent).cloned().collect()
    }

    /// The customer pays: everything, or another amount in another currency.
    pub(crate) fn pay(&self, intent: &Value) -> Value {
        self.pay_otherwise(intent, intent["amount"].as_i64().unwrap(), intent["currency"].as_str().unwrap())
    }

    pub(crate) fn pay_otherwise(&self, intent: &Value, amount: i64, currency: &str) -> Value {
        self.change(intent, |intent| {
            intent["status"] = "succeeded".into();
            intent["amount_received"] = amount.into();
            intent["currency"] = currency.into();
            intent["last_payment_error"] = Value::Null;
        })
    }

    /// The customer's bank refuses.
    pub(crate) fn decline(&self, intent: &Value) -> Value {
        self.change(intent, |intent| {
            intent["status"] = "requires_payment_method".into();
            intent["last_payment_error"] = json!({"type": "card_error", "code": "card_declined",
                "decline_code": "insufficient_funds", "message": "Your card has insufficient funds, Mei Tan."});
        })
    }

    /// Cancelled in Stripe's own pages.
    pub(crate) fn cancel(&self, intent: &Value) -> Value {
        self.change(intent, |intent| intent["status"] = "canceled".into())
    }

    fn change(&self, intent: &Value, change: impl FnOnce(&mut Value)) -> Value {
        let mut account = self.account.lock().unwrap();
        let intent = account.intents.get_mut(intent["id"].as_str().unwrap()).unwrap();
        change(intent);
        intent.clone()
    }

    /// A message about something, with a new id.
    pub(crate) fn event(&self, kind: &str, object: &Value) -> String {
        let mut account = self.account.lock().unwrap();
        let id = account.id("evt");
        json!({"id": id, "object": "event", "type": kind, "livemode": false, "data": {"object": object}}).to_string()
    }
}

/// The header for a body, as Stripe makes it.
pub(crate) fn sign(body: &str, secret: &str, at: u64) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(format!("{at}.{body}").as_bytes());
    format!("t={at},v1={},v0=6ffbb59b", hex::encode(mac.finalize().into_bytes()))
}

/// The header for a body that is sent now.
pub(crate) fn signed(body: &str) -> String {
    sign(body, WEBHOOK_SECRET, now())
}

impl Account {
    fn id(&mut self, kind: &str) -> String {
        self.ids += 1;
        format!("{kind}_{:04}", self.ids)
    }

    /// Answers a POST as Stripe does: once for each key.
    fn once(
        &mut self,
        headers: &HeaderMap,
        fields: &Fields,
        act: impl FnOnce(&mut Self) -> (StatusCode, Value),
    ) -> Response {
        if let Some(refusal) = self.refusal(headers) {
            return refusal;
        }
        let key = headers["idempotency-key"].to_str().unwrap().to_owned();
        let mut parameters: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        parameters.sort_unstable();
        let parameters = parameters.join("&");
        if let Some((before, status, answer)) = self.answers.get(&key) {
            if *before == parameters {
                return (*status, Json(answer.clone())).into_response();
            }
            let error = json!({"error": {"type": "idempotency_error", "message": "the parameters differ"}});
            return (StatusCode::BAD_REQUEST, Json(error)).into_response();
        }
        let fault = self.faults.pop_front();
        let (status, answer) = match fault {
            Some(Fault::Away) => return no_answer(),
            Some(Fault::Broken) => (StatusCode::INTERNAL_SERVER_ERROR, json!({"error": {"type": "api_error"}})),
            Some(Fault::Refused) => {
                let error = json!({"error": {"type": "invalid_request_error", "code": "amount_too_small"}});
                return (StatusCode::BAD_REQUEST, Json(error)).into_response();
            }
            Some(Fault::LostAnswer) | None => act(self),
        };
        self.answers.insert(key, (parameters, status, answer.clone()));
        if fault == Some(Fault::LostAnswer) { no_answer() } else { (status, Json(answer)).into_response() }
    }

    fn refusal(&self, headers: &HeaderMap) -> Option<Response> {
        if self.away {
            return Some(no_answer());
        }
        let known = headers.get("authorization").is_some_and(|key| key == &format!("Bearer {SECRET_KEY}"));
        let dated = headers.contains_key("stripe-version");
        (!known || !dated).then(|| (StatusCode::UNAUTHORIZED, Json(json!({"error": {}}))).into_response())
    }
}

/// The connection ends in the middle of an answer.
fn no_answer() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(io::Error::other("gone")) });
    Body::from_stream(broken).into_response()
}

fn metadata(fields: &Fields) -> Value {
    let names = fields.iter().filter_map(|(name, value)| {
        Some((name.strip_prefix("metadata[")?.strip_suffix(']')?.to_owned(), Value::from(value.as_str())))
    });
    Value::Object(names.collect())
}

async fn create_intent(State(account): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    account.lock().unwrap().once(&headers, &fields, |account| {
        assert_eq!(fields["automatic_payment_methods[enabled]"], "true");
        let id = account.id("pi");
        let intent = json!({
            "id": id, "object": "payment_intent", "status": "requires_payment_method",
            "amount": fields["amount"].parse::<i64>().unwrap(), "amount_received": 0, "currency": fields["currency"],
            "client_secret": format!("{id}_secret_abc"), "metadata": metadata(&fields), "last_payment_error": null,
        });
        account.intents.insert(id, intent.clone());
        (StatusCode::OK, intent)
    })
}

async fn read_intent(State(account): Shared, headers: HeaderMap, Path(id): Path<String>) -> Response {
    let account = account.lock().unwrap();
    if let Some(refusal) = account.refusal(&headers) {
        return refusal;
    }
    match account.intents.get(&id) {
        Some(intent) => Json(intent.clone()).into_response(),
        None => missing(),
    }
}

async fn cancel_intent(
    State(account): Shared,
    headers: HeaderMap,
    Path(id): Path<String>,
    Form(fields): Form<Fields>,
) -> Response {
    account.lock().unwrap().once(&headers, &fields, |account| {
        let intent = account.intents.get_mut(&id).unwrap();
        if intent["status"] != "requires_payment_method" {
            let error = json!({"error": {"type": "invalid_request_error", "code": "payment_intent_unexpected_state"}});
            return (StatusCode::BAD_REQUEST, error);
        }
        intent["status"] = "canceled".into();
        (StatusCode::OK, intent.clone())
    })
}

async fn create_refund(State(account): Shared, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    account.lock().unwrap().once(&headers, &fields, |account| {
        let intent = &fields["payment_intent"];
        let amount: i64 = fields["amount"].parse().unwrap();
        let is_of = |refund: &&Value| refund["payment_intent"] == *intent && refund["status"] != "failed";
        let before: i64 = account.refunds.iter().filter(is_of).map(|refund| refund["amount"].as_i64().unwrap()).sum();
        if before + amount > account.intents[intent]["amount_received"].as_i64().unwrap() {
            let error = json!({"error": {"type": "invalid_request_error", "code": "charge_already_refunded"}});
            return (StatusCode::BAD_REQUEST, error);
        }
        let refund = json!({
            "id": account.id("re"), "object": "refund", "status": account.refund_state.unwrap_or("succeeded"),
            "amount": amount, "payment_intent": intent, "metadata": metadata(&fields),
        });
        account.refunds.push(refund.clone());
        (StatusCode::OK, refund)
    })
}

async fn list_refunds(State(account): Shared, headers: HeaderMap, Query(query): Query<Fields>) -> Response {
    let account = account.lock().unwrap();
    if let Some(refusal) = account.refusal(&headers) {
        return refusal;
    }
    let of = |refund: &&Value| refund["payment_intent"] == query["payment_intent"];
    let data: Vec<&Value> = account.refunds.iter().filter(of).collect();
    Json(json!({"object": "list", "data": data, "has_more": false})).into_response()
}

fn missing() -> Response {
    let error = json!({"error": {"type": "invalid_request_error", "code": "resource_missing"}});
    (StatusCode::NOT_FOUND, Json(error)).into_response()
}
