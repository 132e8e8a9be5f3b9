//! Stripe, over its REST API. The customer's browser gives the card to Stripe and never to us: a payment is a
//! PaymentIntent, which the browser confirms with the client secret that we pass on and do not keep.
//!
//! What must stay true: each POST has a key that the same request always has, so a lost answer is found by asking again.
//! Stripe remembers keys for a day only, and gives a 5xx again to the key that got it; so a refund that was asked for
//! before is looked for before it is asked for again.

mod message;
mod signature;

use std::time::Duration;

use axum::http::{HeaderMap, StatusCode};
use futures::{FutureExt, future::BoxFuture};
use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, de::DeserializeOwned};
use time::OffsetDateTime;

use super::provider::{Message, NotGenuine, Provider, ProviderError, Refunded, Started, Wanted, WantedRefund};
use crate::config::StripeConfig;
use message::{Intent, RefundObject};
use signature::Signatures;

/// The version of Stripe's API that this was written for.
const VERSION: &str = "2026-01-28.clover";

/// How long an answer may take. A customer waits for it, and the request has ten seconds in all.
const TIMEOUT: Duration = Duration::from_secs(5);

/// An account at Stripe.
pub(crate) struct Stripe {
    url: String,
    secret_key: SecretString,
    signatures: Signatures,
    client: Client,
}

impl Stripe {
    pub(crate) fn new(config: &StripeConfig) -> Self {
        let client = Client::builder()
            .connect_timeout(Duration::from_secs(2))
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap_or_default();
        Self {
            url: config.url.clone(),
            secret_key: config.secret_key.clone(),
            signatures: Signatures::new(&config.webhook_secrets),
            client,
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, &str)]) -> Result<T, ProviderError> {
        self.send(self.client.get(format!("{}{path}", self.url)).query(query)).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        key: &str,
        form: &[(&str, &str)],
    ) -> Result<T, ProviderError> {
        self.send(self.client.post(format!("{}{path}", self.url)).header("idempotency-key", key).form(form)).await
    }

    async fn send<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ProviderError> {
        let request = request.bearer_auth(self.secret_key.expose_secret()).header("stripe-version", VERSION);
        // The address of a failed request can hold ids of people's payments, and logs are for longer than those.
        let away = |error: reqwest::Error| ProviderError::Away(error.without_url().into());
        let response = request.send().await.map_err(away)?;
        let status = response.status();
        if status.is_success() {
            return response.json().await.map_err(away);
        }
        match status {
            // Another request with the same key is at work, or there are too many: nothing was done for this one.
            // A key that is refused is our mistake and can be mended: it says nothing about the payment.
            StatusCode::CONFLICT | StatusCode::TOO_MANY_REQUESTS | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Err(ProviderError::Away(format!("it answered {status}").into()))
            }
            _ if status.is_client_error() => {
                let refusal: Refusal = response.json().await.map_err(away)?;
                Err(ProviderError::Refused { code: refusal.error.code() })
            }
            _ => Err(ProviderError::Broken(status.as_u16())),
        }
    }

    async fn existing_refund(&self, wanted: &WantedRefund) -> Result<Option<Refunded>, ProviderError> {
        #[derive(Deserialize)]
        struct List {
            data: Vec<RefundObject>,
        }
        // A payment of ours has a few refunds, and never as many as a page holds.
        let query = [("payment_intent", wanted.payment_reference.as_str()), ("limit", "100")];
        let list: List = self.get("/v1/refunds", &query).await?;
        let ours = list.data.into_iter().find(|refund| refund.refund_id() == Some(wanted.refund_id));
        Ok(ours.map(RefundObject::refunded))
    }
}

impl Provider for Stripe {
    fn start<'a>(&'a self, wanted: &'a Wanted) -> BoxFuture<'a, Result<Started, ProviderError>> {
        async move {
            let (order, amount) = (wanted.order_id.to_string(), wanted.amount_minor.to_string());
            let form = [
                ("amount", amount.as_str()),
                ("currency", &wanted.currency.to_ascii_lowercase()),
                ("automatic_payment_methods[enabled]", "true"),
                ("description", &wanted.order_number),
                ("metadata[order_id]", &order),
            ];
            let key = format!("payment-{order}-{}", wanted.attempt);
            let intent: Intent = self.post("/v1/payment_intents", &key, &form).await?;
            Ok(intent.started())
        }
        .boxed()
    }

    fn status<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Started, ProviderError>> {
        async move { Ok(self.get::<Intent>(&format!("/v1/payment_intents/{reference}"), &[]).await?.started()) }.boxed()
    }

    fn cancel<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Started, ProviderError>> {
        async move {
            let path = format!("/v1/payment_intents/{reference}/cancel");
            let form = [("cancellation_reason", "abandoned")];
            match self.post::<Intent>(&path, &format!("cancel-{reference}"), &form).await {
                Ok(intent) => Ok(intent.started()),
                // It was paid, cancelled, or is being paid just now.
                Err(ProviderError::Refused { .. }) => self.status(reference).await,
                Err(error) => Err(error),
            }
        }
        .boxed()
    }

    fn refund<'a>(&'a self, wanted: &'a WantedRefund) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        async move {
            if wanted.asked_before
                && let Some(refunded) = self.existing_refund(wanted).await?
            {
                return Ok(refunded);
            }
            let (id, amount) = (wanted.refund_id.to_string(), wanted.amount_minor.to_string());
            let form = [
                ("payment_intent", wanted.payment_reference.as_str()),
                ("amount", &amount),
                ("metadata[refund_id]", &id),
            ];
            let key = format!("refund-{id}-{}", wanted.attempt);
            let refund: RefundObject = self.post("/v1/refunds", &key, &form).await?;
            Ok(refund.refunded())
        }
        .boxed()
    }

    fn verify(&self, headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> Result<Message, NotGenuine> {
        let header = headers.get("stripe-signature").and_then(|value| value.to_str().ok()).ok_or(NotGenuine)?;
        self.signatures.check(header, body, now.unix_timestamp())?;
        message::parse(body)
    }
}

#[derive(Deserialize)]
struct Refusal {
    error: message::StripeError,
}
