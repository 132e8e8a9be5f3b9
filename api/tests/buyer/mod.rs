//! Who shops, and what the tests of shopping look at.

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use uuid::Uuid;

use crate::support::Shop;

pub(crate) const TIDE: &str = "TID-18Y";
pub(crate) const EMBER: &str = "EMB-925";
pub(crate) const AURORA: &str = "AUR-18Y-12";

/// The id of a variant of the test's catalogue.
pub(crate) fn variant(sku: &str) -> Uuid {
    Uuid::from_slice(&Sha256::digest(sku)[..16]).unwrap()
}

/// Who is shopping: a visitor with what the API gave, or a customer.
#[derive(Clone, Default)]
pub(crate) struct Buyer {
    pub(crate) token: Option<String>,
    pub(crate) cart: Option<String>,
}

impl Buyer {
    pub(crate) fn customer(shop: &Shop, subject: &str) -> Self {
        let token = shop.issuer.token("first", json!({"sub": subject, "cognito:groups": null}));
        Self { token: Some(token), cart: None }
    }

    pub(crate) fn request(&self, shop: &Shop, method: Method, path: &str) -> RequestBuilder {
        let mut request = shop.api.request(method, &format!("/api/v1{path}"));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(cart) = &self.cart {
            request = request.header("x-cart-token", cart);
        }
        request
    }

    /// Sends a change of the cart, and keeps the token it is answered with.
    pub(crate) fn keep(&mut self, cart: &Value) {
        if let Some(token) = cart["token"].as_str() {
            self.cart = Some(token.to_owned());
        }
    }

    pub(crate) async fn put(&mut self, shop: &Shop, sku: &str, quantity: i32) -> Value {
        let body = json!({"variant_id": variant(sku), "quantity": quantity});
        let cart = good(self.request(shop, Method::POST, "/cart/lines").json(&body)).await;
        self.keep(&cart);
        cart
    }

    pub(crate) fn order(&self, shop: &Shop, key: &str, body: &Value) -> RequestBuilder {
        self.request(shop, Method::POST, "/orders").header("idempotency-key", key).json(body)
    }

    /// Buys one thing, paid by this method.
    pub(crate) async fn buys(&mut self, shop: &Shop, sku: &str, quantity: i32, method: &str) -> Value {
        let cart = self.put(shop, sku, quantity).await;
        let body = checkout(&cart, method);
        let response = self.order(shop, &Uuid::now_v7().to_string(), &body).send().await.unwrap();
        assert_eq!(response.status(), 201);
        response.json().await.unwrap()
    }
}

pub(crate) async fn good(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-store");
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert!(status.is_success(), "{status} {body}");
    body
}

pub(crate) fn checkout(cart: &Value, method: &str) -> Value {
    json!({
        "email": "ada@example.com", "shipping_method": "standard", "payment_method": method,
        "expected_total_minor": cart["quotes"][0]["total"]["amount"],
        "address": {"name": "Ada <b>Tan</b>", "line1": "10 Anson Road", "city": "Singapore",
            "postal_code": "079903", "country": "SG"},
    })
}

pub(crate) async fn connect(shop: &Shop) -> MySqlConnection {
    shop.database.options().database("shop").connect().await.unwrap()
}

pub(crate) async fn sql(shop: &Shop, statement: &str) {
    sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connect(shop).await).await.unwrap();
}

/// What there is of a variant, and what of it is promised.
pub(crate) async fn stock(shop: &Shop, sku: &str) -> (i32, i32) {
    sqlx::query_as("SELECT on_hand, reserved FROM inventory WHERE variant_id = ?")
        .bind(variant(sku))
        .fetch_one(&mut connect(shop).await)
        .await
        .unwrap()
}

pub(crate) async fn set_stock(shop: &Shop, sku: &str, on_hand: i32) {
    sqlx::query("UPDATE inventory SET on_hand = ?, reserved = 0, version = version + 1 WHERE variant_id = ?")
        .bind(on_hand)
        .bind(variant(sku))
        .execute(&mut connect(shop).await)
        .await
        .unwrap();
}

pub(crate) async fn count(shop: &Shop, table: &str) -> i64 {
    let query = AssertSqlSafe(format!("SELECT COUNT(*) FROM {table}"));
    sqlx::query_scalar(query).fetch_one(&mut connect(shop).await).await.unwrap()
}

pub(crate) async fn admin(shop: &Shop, path: &str, body: Option<Value>) -> Response {
    let request = shop.api.request(Method::POST, &format!("/api/v1/admin{path}")).bearer_auth(shop.issuer.admin());
    match body {
        Some(body) => request.json(&body).send().await.unwrap(),
        None => request.send().await.unwrap(),
    }
}
