//! A shop that takes money, and what is done at its till.
#![allow(dead_code, reason = "each test file uses its own part")]

use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use uuid::Uuid;

use crate::support::{
    Api, Shop, config_with,
    stripe::{NEXT_WEBHOOK_SECRET, SECRET_KEY, Stripe, WEBHOOK_SECRET, signed},
};

/// What the earrings that everybody buys here cost, with shipping.
pub(crate) const TOTAL: i64 = 18_500 + 800;

/// A shop that takes money.
pub(crate) struct Till {
    pub(crate) shop: Shop,
    pub(crate) stripe: Stripe,
    pub(crate) customer: String,
}

impl Till {
    pub(crate) async fn new(mut shop: Shop) -> Self {
        let stripe = Stripe::start().await;
        let more = [
            ("JEWEL_PAYMENT_METHODS", "card,bank_transfer,cash_on_delivery".to_owned()),
            ("JEWEL_STRIPE_URL", stripe.url.clone()),
            ("JEWEL_STRIPE_SECRET_KEY", SECRET_KEY.to_owned()),
            ("JEWEL_STRIPE_WEBHOOK_SECRETS", format!("{WEBHOOK_SECRET},{NEXT_WEBHOOK_SECRET}")),
        ];
        // One journal has one writer: the first server ends before the second begins.
        shop.api.stop().await.unwrap().unwrap();
        shop.api = Api::start(&config_with(&shop.database, &shop.issuer, &shop.s3, &more));
        let customer = customer(&shop, "buyer");
        let till = Self { shop, stripe, customer };
        till.sql("UPDATE inventory SET on_hand = 10000 WHERE variant_id = UNHEX(LEFT(SHA2('EMB-925', 256), 32))").await;
        till
    }

    pub(crate) async fn connection(&self) -> MySqlConnection {
        self.shop.database.options().database("shop").connect().await.unwrap()
    }

    pub(crate) async fn sql(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut self.connection().await).await.unwrap();
    }

    pub(crate) async fn count(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut self.connection().await).await.unwrap()
    }

    /// A new customer's order for a pair of earrings: the answer to it.
    pub(crate) async fn place(&self, method: &str) -> Value {
        let post = |path: &str| self.shop.api.request(Method::POST, path).bearer_auth(&self.customer);
        let line = json!({"variant_id": variant("EMB-925"), "quantity": 1});
        let added = post("/api/v1/cart/lines").json(&line).send().await.unwrap();
        assert!(added.status().is_success(), "{}", added.text().await.unwrap());
        let checkout = json!({
            "email": "mei@example.com", "shipping_method": "standard", "payment_method": method,
            "expected_total_minor": TOTAL,
            "address": {"name": "Mei Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                "country": "SG"},
        });
        let request = post("/api/v1/orders").header("idempotency-key", Uuid::new_v4().to_string()).json(&checkout);
        let placed = request.send().await.unwrap();
        assert_eq!(placed.status(), 201, "{}", placed.text().await.unwrap());
        placed.json().await.unwrap()
    }

    /// The id of a new order that waits for its card payment.
    pub(crate) async fn order(&self) -> String {
        id_of(&self.place("card").await)
    }

    /// A new order that was paid by card: its id and its payment at Stripe.
    pub(crate) async fn paid_order(&self) -> (String, Value) {
        let order = self.order().await;
        let intent = self.stripe.pay(&self.stripe.intent_of(&order));
        self.tell("payment_intent.succeeded", &intent).await;
        assert_eq!(self.status(&order).await, "paid");
        (order, intent)
    }

    pub(crate) async fn start(&self, order: &str) -> Response {
        let path = format!("/api/v1/orders/{order}/payment");
        self.shop.api.request(Method::POST, &path).bearer_auth(&self.customer).send().await.unwrap()
    }

    pub(crate) async fn started(&self, order: &str) -> Value {
        let response = self.start(order).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.json().await.unwrap()
    }

    pub(crate) async fn deliver(&self, body: &str, signature: &str) -> Response {
        let request = self.shop.api.request(Method::POST, "/api/v1/payments/stripe/webhook");
        request.header("stripe-signature", signature).body(body.to_owned()).send().await.unwrap()
    }

    /// Delivers a genuine message about something.
    pub(crate) async fn tell(&self, kind: &str, object: &Value) {
        let body = self.stripe.event(kind, object);
        let answer = self.deliver(&body, &signed(&body)).await;
        assert_eq!(answer.status(), 200, "{kind}");
    }

    pub(crate) async fn status(&self, order: &str) -> String {
        let query = "SELECT status FROM orders WHERE id = ?";
        let id = Uuid::try_parse(order).unwrap();
        sqlx::query_scalar(query).bind(id).fetch_one(&mut self.connection().await).await.unwrap()
    }

    pub(crate) async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let path = format!("/api/v1/admin{path}");
        let mut request = self.shop.api.request(method, &path).bearer_auth(self.shop.issuer.admin());
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// Everything about the money of an order.
    pub(crate) async fn money(&self, order: &str) -> Value {
        let response = self.admin(Method::GET, &format!("/orders/{order}/payments"), None).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// The order's last payment.
    pub(crate) async fn payment(&self, order: &str) -> Value {
        self.money(order).await["payments"].as_array().unwrap().last().unwrap().clone()
    }

    pub(crate) async fn give_back(&self, payment: &Value, amount: i64, key: &str) -> Response {
        let path = format!("/api/v1/admin/payments/{}/refunds", payment["id"].as_str().unwrap());
        let request = self.shop.api.request(Method::POST, &path).bearer_auth(self.shop.issuer.admin());
        let body = json!({"amount_minor": amount, "reason": "A clasp broke"});
        request.header("idempotency-key", key).json(&body).send().await.unwrap()
    }

    pub(crate) async fn gave_back(&self, payment: &Value, amount: i64) -> Value {
        let response = self.give_back(payment, amount, &Uuid::new_v4().to_string()).await;
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }

    pub(crate) async fn reconcile(&self) -> Value {
        let response = self.admin(Method::POST, "/payments/reconcile", None).await;
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    /// Whether a payment is on the list of those that a person has to look at.
    pub(crate) async fn is_flagged(&self, payment: &Value) -> bool {
        let page: Value = self.admin(Method::GET, "/payments", None).await.json().await.unwrap();
        page["items"].as_array().unwrap().iter().any(|item| item["id"] == payment["id"])
    }
}

pub(crate) fn customer(shop: &Shop, name: &str) -> String {
    shop.issuer.token("first", json!({"sub": name, "cognito:groups": null}))
}

/// The id that the test's catalogue gives a variant.
pub(crate) fn variant(sku: &str) -> Uuid {
    use sha2::{Digest, Sha256};
    Uuid::from_slice(&Sha256::digest(sku)[..16]).unwrap()
}

pub(crate) fn id_of(placed: &Value) -> String {
    placed["order"]["id"].as_str().unwrap().to_owned()
}
