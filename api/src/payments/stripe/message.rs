//! What Stripe says, in the shop's words: its objects as they come in answers and in messages.

use std::collections::HashMap;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::payments::provider::{Message, NotGenuine, Notice, Observation, Outcome, RefundOutcome, Refunded, Started};

/// Codes are kept this long.
const LONGEST_CODE: usize = 64;
/// Longer ids are not Stripe's.
const LONGEST_ID: usize = 191;

/// A payment.
#[derive(Debug, Deserialize)]
pub(super) struct Intent {
    id: String,
    status: String,
    #[serde(default)]
    amount_received: i64,
    currency: String,
    #[serde(default)]
    client_secret: Option<SecretString>,
    #[serde(default)]
    metadata: HashMap<String, String>,
    #[serde(default)]
    last_payment_error: Option<StripeError>,
}

impl Intent {
    pub(super) fn started(mut self) -> Started {
        Started { client_secret: self.client_secret.take(), observed: Some(self.observation()) }
    }

    fn observation(self) -> Observation {
        let outcome = match (self.status.as_str(), self.last_payment_error) {
            ("succeeded", _) => {
                Outcome::Paid { amount_minor: self.amount_received, currency: self.currency.to_ascii_uppercase() }
            }
            ("canceled", _) => Outcome::Cancelled,
            ("requires_payment_method", Some(error)) => Outcome::Declined { code: error.code() },
            _ => Outcome::Open,
        };
        Observation { reference: self.id, order_id: id_in(&self.metadata, "order_id"), outcome }
    }
}

/// Money that goes back.
#[derive(Debug, Deserialize)]
pub(super) struct RefundObject {
    id: String,
    status: String,
    #[serde(default)]
    failure_reason: Option<String>,
    #[serde(default)]
    metadata: HashMap<String, String>,
}

impl RefundObject {
    /// Our id of it.
    pub(super) fn refund_id(&self) -> Option<Uuid> {
        id_in(&self.metadata, "refund_id")
    }

    pub(super) fn refunded(self) -> Refunded {
        let state = match self.status.as_str() {
            "succeeded" => RefundOutcome::Succeeded,
            "failed" | "canceled" => {
                RefundOutcome::Failed { code: code(self.failure_reason.as_deref().unwrap_or(&self.status)) }
            }
            _ => RefundOutcome::Pending,
        };
        Refunded { reference: Some(self.id), state }
    }
}

/// Why something was refused. Its words are for people and may name some: only its codes are kept.
#[derive(Debug, Deserialize)]
pub(super) struct StripeError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    decline_code: Option<String>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

impl StripeError {
    pub(super) fn code(&self) -> String {
        let said = [&self.decline_code, &self.code, &self.kind].into_iter().flatten().next();
        code(said.map_or("unknown", String::as_str))
    }
}

/// Reads a message whose signature was checked.
pub(super) fn parse(body: &[u8]) -> Result<Message, NotGenuine> {
    #[derive(Deserialize)]
    struct Event {
        id: String,
        #[serde(rename = "type")]
        kind: String,
        data: Data,
    }
    #[derive(Deserialize)]
    struct Data {
        object: Value,
    }
    let event: Event = serde_json::from_slice(body).map_err(|_| NotGenuine)?;
    let is_id = |id: &str| (1..=LONGEST_ID).contains(&id.len());
    let notice = notice(&event.kind, event.data.object).map_err(|_| NotGenuine)?;
    if !is_id(&event.id) || notice.as_ref().is_some_and(|notice| !is_id(notice.about())) {
        return Err(NotGenuine);
    }
    Ok(Message { reference: event.id, kind: code(&event.kind), notice })
}

fn notice(kind: &str, object: Value) -> Result<Option<Notice>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Charge {
        payment_intent: Option<String>,
        amount_refunded: i64,
    }
    #[derive(Deserialize)]
    struct Dispute {
        payment_intent: Option<String>,
    }
    Ok(match kind {
        // All of them carry the payment as it stood: that, and not the name, is what counts.
        "payment_intent.succeeded" | "payment_intent.payment_failed" | "payment_intent.canceled" => {
            Some(Notice::Payment(serde_json::from_value::<Intent>(object)?.observation()))
        }
        "refund.updated" | "refund.failed" => {
            let refund: RefundObject = serde_json::from_value(object)?;
            let (refund_id, reference) = (refund.refund_id(), refund.id.clone());
            Some(Notice::Refund { refund_id, reference, state: refund.refunded().state })
        }
        "charge.refunded" => {
            let Charge { payment_intent, amount_refunded: total_minor } = serde_json::from_value(object)?;
            payment_intent.map(|payment_reference| Notice::Returned { payment_reference, total_minor })
        }
        "charge.dispute.created" => {
            let dispute: Dispute = serde_json::from_value(object)?;
            dispute.payment_intent.map(|payment_reference| Notice::Disputed { payment_reference })
        }
        _ => None,
    })
}

fn id_in(metadata: &HashMap<String, String>, name: &str) -> Option<Uuid> {
    metadata.get(name)?.parse().ok()
}

/// A code and nothing but one.
fn code(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(LONGEST_CODE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn observed(status: &str, error: Value) -> Outcome {
        let intent = json!({
            "id": "pi_1", "status": status, "amount_received": 500, "currency": "sgd", "last_payment_error": error,
            "metadata": {"order_id": "018f3a52-0000-7000-8000-000000000001"},
        });
        let observed = serde_json::from_value::<Intent>(intent).unwrap().observation();
        assert_eq!(observed.order_id.unwrap().to_string(), "018f3a52-0000-7000-8000-000000000001");
        observed.outcome
    }

    #[test]
    fn the_status_of_a_payment_is_what_counts() {
        let declined = json!({"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds"});
        let paid = Outcome::Paid { amount_minor: 500, currency: "SGD".into() };
        assert_eq!(observed("succeeded", Value::Null), paid);
        assert_eq!(observed("succeeded", declined.clone()), paid);
        assert_eq!(observed("canceled", Value::Null), Outcome::Cancelled);
        let code = "insufficient_funds".into();
        assert_eq!(observed("requires_payment_method", declined), Outcome::Declined { code });
        for status in ["requires_payment_method", "requires_action", "processing", "something new"] {
            assert_eq!(observed(status, Value::Null), Outcome::Open, "{status}");
        }
    }

    #[test]
    fn messages_we_do_not_know_say_nothing_and_nonsense_is_refused() {
        let read = |event: Value| parse(event.to_string().as_bytes());
        let unknown = read(json!({"id": "evt_1", "type": "invoice.paid", "data": {"object": {"id": "in_1"}}})).unwrap();
        assert!(unknown.notice.is_none());
        for nonsense in [
            json!([]),
            json!({"id": "evt_1", "type": "payment_intent.succeeded"}),
            json!({"id": "evt_1", "type": "payment_intent.succeeded", "data": {"object": {"id": 3}}}),
            json!({"id": "e".repeat(200), "type": "invoice.paid", "data": {"object": {}}}),
        ] {
            assert!(read(nonsense.clone()).is_err(), "{nonsense}");
        }
    }
}
