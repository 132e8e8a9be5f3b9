//! Money: taking it for orders, giving it back, and believing nobody but the provider about either.
//!
//! The order is made first and its payment is started after it; a provider that is away costs a second try and no order.
//! What happened to the money is learnt from signed messages (`notify`) and, because those can get lost, by asking
//! (`watch`). Both say it in the same words, and saying it twice changes nothing. No card data ever comes here.

mod begin;
mod model;
mod notify;
mod offline;
mod provider;
mod refund;
mod routes;
mod store;
mod stripe;
mod watch;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::App,
    config::{PaymentConfig, PaymentMethod},
};
pub(crate) use begin::{begin, first_step};
pub(crate) use model::NextStep;
use offline::Offline;
use provider::Provider;
use stripe::Stripe;
pub(crate) use watch::watch;

/// The name of the one provider that is asked, in tables and in addresses.
const STRIPE: &str = "stripe";

/// The ways to pay that there are.
pub(crate) struct Payments {
    methods: Vec<PaymentMethod>,
    stripe: Option<Stripe>,
    offline: Offline,
    bank_details: String,
}

impl Payments {
    pub(crate) fn new(config: &PaymentConfig) -> Self {
        Self {
            methods: config.methods.clone(),
            stripe: config.stripe.as_ref().map(Stripe::new),
            offline: Offline,
            bank_details: config.bank_details.clone(),
        }
    }

    /// The methods that orders may name.
    pub(crate) fn methods(&self) -> impl Iterator<Item = &'static str> {
        self.methods.iter().map(|method| method.name())
    }

    /// Whether orders may name this method.
    pub(crate) fn offers(&self, method: &str) -> bool {
        self.methods().any(|offered| offered == method)
    }

    /// The provider of this name. One that is no longer offered still has payments to finish and to give back.
    fn provider(&self, name: &str) -> Option<&dyn Provider> {
        if name == STRIPE {
            return self.stripe.as_ref().map(|stripe| stripe as &dyn Provider);
        }
        PaymentMethod::named(name).map(|_| &self.offline as &dyn Provider)
    }
}

/// Who sees to payments by this method.
fn provider_of(method: &str) -> &str {
    if method == PaymentMethod::Card.name() { STRIPE } else { method }
}

/// The area's routes for customers and for the provider.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list_methods))
        .routes(routes!(routes::start_payment))
        .merge(OpenApiRouter::new().routes(routes!(routes::stripe_webhook)).layer(routes::message_limit()))
}

/// The area's routes for administrators.
pub(crate) fn admin_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::admin::list_flagged_payments))
        .routes(routes!(routes::admin::get_order_money))
        .routes(routes!(routes::admin::receive_payment))
        .routes(routes!(routes::admin::refund_order))
        .routes(routes!(routes::admin::refund_payment))
        .routes(routes!(routes::admin::resolve_payment))
        .routes(routes!(routes::admin::reconcile_payments))
}
