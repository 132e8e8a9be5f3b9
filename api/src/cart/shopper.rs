//! Whose cart a request is about: the signed-in customer's, or that of the token.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use jewel_journal::Actor;
use uuid::Uuid;

use crate::{
    app::App,
    auth::Customer,
    capability::Opens,
    error::ApiError,
    work::{Caller, RequestId},
};

/// The header with a visitor's cart token, in requests and answers.
pub(crate) const CART_TOKEN: &str = "x-cart-token";

/// Who is shopping.
#[derive(Debug, Clone)]
pub(crate) struct Shopper {
    /// The customer's id in the user pool, when signed in.
    pub(crate) customer: Option<String>,
    /// The cart that the token opens, when there is one.
    pub(crate) cart: Option<Uuid>,
    caller: Caller,
}

impl Shopper {
    /// Who asks for a change.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who this is, for keys that mean something to one shopper only.
    pub(crate) fn scope(&self) -> Option<String> {
        let cart = || self.cart.map(|cart| format!("cart:{cart}"));
        self.customer.as_ref().map(|customer| format!("customer:{customer}")).or_else(cart)
    }
}

impl FromRequestParts<App> for Shopper {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let customer: Option<Customer> =
            <Customer as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
        let cart = match parts.headers.get(CART_TOKEN) {
            None => None,
            Some(token) => {
                let token = token.to_str().map_err(|_| ApiError::NotFound)?;
                Some(app.capabilities().check(Opens::Cart, token).ok_or(ApiError::NotFound)?)
            }
        };
        let caller = match &customer {
            Some(customer) => customer.caller(),
            None => {
                let Ok(RequestId(request_id)) = RequestId::from_request_parts(parts, app).await;
                Caller { actor: Actor::Visitor, request_id }
            }
        };
        Ok(Self { customer: customer.map(|customer| customer.subject), cart, caller })
    }
}
