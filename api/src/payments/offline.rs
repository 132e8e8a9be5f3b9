//! Ways to pay that a person sees to: a bank transfer, or cash to whoever delivers. Nothing is asked of anybody; an
//! administrator records that the money came, and gives it back by hand.

use axum::http::HeaderMap;
use futures::{FutureExt, future::BoxFuture};
use time::OffsetDateTime;

use super::provider::{
    Message, NotGenuine, Provider, ProviderError, RefundOutcome, Refunded, Started, Wanted, WantedRefund,
};

/// Money that arrives outside the shop's sight.
pub(crate) struct Offline;

const NOTHING: Started = Started { client_secret: None, observed: None };

impl Provider for Offline {
    fn start<'a>(&'a self, _: &'a Wanted) -> BoxFuture<'a, Result<Started, ProviderError>> {
        async { Ok(NOTHING) }.boxed()
    }

    fn status<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Started, ProviderError>> {
        async { Ok(NOTHING) }.boxed()
    }

    fn cancel<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Started, ProviderError>> {
        async { Ok(NOTHING) }.boxed()
    }

    fn refund<'a>(&'a self, _: &'a WantedRefund) -> BoxFuture<'a, Result<Refunded, ProviderError>> {
        async { Ok(Refunded { reference: None, state: RefundOutcome::ByHand }) }.boxed()
    }

    fn verify(&self, _: &HeaderMap, _: &[u8], _: OffsetDateTime) -> Result<Message, NotGenuine> {
        Err(NotGenuine)
    }
}
