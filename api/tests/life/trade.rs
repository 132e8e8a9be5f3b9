//! From the cart to the door and back, in every way that an order can go.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Day, new_key};
use crate::{
    support::stripe::signed,
    till::{TOTAL, id_of, variant},
};

const STUDS: &str = "EMB-925";
/// There is one of it.
const RARE: &str = "AUR-950-12";

impl Day<'_> {
    pub(super) async fn trade(&mut self) {
        self.cart().await;
        self.delivered().await;
        self.called_off().await;
        self.paid_too_late().await;
        self.paid_by_card().await;
    }

    async fn cart(&mut self) {
        let line = |sku: &str, quantity: i32| json!({"variant_id": variant(sku), "quantity": quantity});
        let cart = self.change("", "POST /cart/lines", &[], &[], line(STUDS, 2)).await;
        let token = [("x-cart-token", cart["token"].as_str().unwrap().to_owned())];
        self.change("", "POST /cart/lines", &[], &token, line(RARE, 1)).await;
        let (studs, rare) = (json!(variant(STUDS)), json!(variant(RARE)));
        let one = json!({"quantity": 1});
        self.change("", "PUT /cart/lines/{variant_id}", &[&studs], &token, one).await;
        self.change("", "DELETE /cart/lines/{variant_id}", &[&rare], &token, Value::Null).await;
        self.change("mei", "POST /cart/merge", &[], &token, Value::Null).await;
    }

    /// Orders one thing: the order's id.
    async fn order(&mut self, sku: &str, method: &str) -> Value {
        let line = json!({"variant_id": variant(sku), "quantity": 1});
        let cart = self.change("mei", "POST /cart/lines", &[], &[], line).await;
        let checkout = json!({
            "email": "mei@example.com", "shipping_method": "standard", "payment_method": method,
            "expected_total_minor": cart["quotes"][0]["total"]["amount"],
            "address": {"name": "Mei Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                "country": "SG"},
        });
        let key = [new_key()];
        let placed = self.change("mei", "POST /orders", &[], &key, checkout.clone()).await;
        let again = self.change("mei", "POST /orders", &[], &key, checkout).await;
        assert_eq!(placed["order"]["id"], again["order"]["id"]);
        self.names.insert(id_of(&placed));
        placed["order"]["id"].clone()
    }

    async fn delivered(&mut self) {
        let id = self.order(STUDS, "cash_on_delivery").await;
        let ship = json!({"carrier": "SingPost", "tracking": "EE123456789SG"});
        self.change("admin", "POST /admin/orders/{id}/fulfil", &[&id], &[], Value::Null).await;
        self.change("admin", "POST /admin/orders/{id}/ship", &[&id], &[], ship).await;
        self.change("admin", "POST /admin/orders/{id}/deliver", &[&id], &[], Value::Null).await;
        self.receive(&id, "door-1").await;
        let back = json!({"amount_minor": 100, "reason": "A clasp broke"});
        self.change("admin", "POST /admin/orders/{id}/refunds", &[&id], &[new_key()], back).await;
    }

    async fn called_off(&mut self) {
        let id = self.order(STUDS, "bank_transfer").await;
        self.change("mei", "POST /orders/{id}/cancel", &[&id], &[], Value::Null).await;
        let id = self.order(STUDS, "bank_transfer").await;
        let reason = json!({"reason": "asked for by telephone"});
        self.change("admin", "POST /admin/orders/{id}/cancel", &[&id], &[], reason).await;
    }

    /// When the money comes, what was promised has been given up and lost.
    async fn paid_too_late(&mut self) {
        let (id, rare) = (self.order(RARE, "bank_transfer").await, json!(variant(RARE)));
        let order = id.as_str().unwrap();
        let hex = Uuid::try_parse(order).unwrap().simple();
        let past = format!("UPDATE orders SET expires_at = '2026-01-01', version = version + 1 WHERE id = 0x{hex}");
        self.till.sql(&past).await;
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.till.status(order).await != "expired" {
            assert!(Instant::now() < deadline, "the order does not expire");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let adjust = "POST /admin/inventory/{variant_id}/adjustments";
        self.change("admin", adjust, &[&rare], &[], json!({"set": 0, "reason": "lost"})).await;
        self.receive(&id, "DBS-1").await;
        assert_eq!(self.till.status(order).await, "paid_out_of_stock");
        self.change("admin", adjust, &[&rare], &[], json!({"set": 1, "reason": "found"})).await;
        self.change("admin", "POST /admin/orders/{id}/reserve", &[&id], &[], Value::Null).await;
    }

    async fn receive(&mut self, order: &Value, reference: &str) {
        let total = self.read("admin", &format!("/admin/orders/{}", order.as_str().unwrap())).await["total"].clone();
        let money = json!({"amount_minor": total["amount"], "reference": reference});
        self.change("admin", "POST /admin/orders/{id}/payment/received", &[order], &[], money).await;
    }

    async fn paid_by_card(&mut self) {
        let id = self.order(STUDS, "card").await;
        let order = id.as_str().unwrap();
        self.change("mei", "POST /orders/{id}/payment", &[&id], &[], Value::Null).await;
        self.change("admin", "POST /admin/payments/reconcile", &[], &[], Value::Null).await;
        let intent = self.till.stripe.pay(&self.till.stripe.intent_of(order));
        self.told("payment_intent.succeeded", &intent).await;
        let back = json!({"amount_minor": 100, "reason": "A clasp broke"});
        let payment = self.till.payment(order).await;
        let route = "POST /admin/payments/{id}/refunds";
        let refund = self.change("admin", route, &[&payment["id"]], &[new_key()], back).await;
        assert_eq!(refund["state"], "succeeded");

        // Another amount than was asked for.
        let id = self.order(STUDS, "card").await;
        let order = id.as_str().unwrap();
        let intent = self.till.stripe.pay_otherwise(&self.till.stripe.intent_of(order), TOTAL - 1, "sgd");
        self.told("payment_intent.succeeded", &intent).await;
        let payment = self.till.payment(order).await;
        assert_eq!(payment["state"], "mismatched");
        let flagged = self.read("admin", "/admin/payments").await;
        assert_eq!(flagged["items"].as_array().unwrap().last().unwrap()["id"], payment["id"]);
        self.change("admin", "POST /admin/payments/{id}/resolve", &[&payment["id"]], &[], Value::Null).await;

        let id = self.order(STUDS, "card").await;
        let intent = self.till.stripe.decline(&self.till.stripe.intent_of(id.as_str().unwrap()));
        self.told("payment_intent.payment_failed", &intent).await;
    }

    async fn told(&mut self, kind: &str, object: &Value) {
        let body = self.till.stripe.event(kind, object);
        let signature = [("stripe-signature", signed(&body))];
        let message = serde_json::from_str(&body).unwrap();
        self.change("", "POST /payments/stripe/webhook", &[], &signature, message).await;
    }
}
