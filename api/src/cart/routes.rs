//! The routes of carts. Each answers with the whole cart, its prices and stock looked up anew.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{Cart, CartLine, Line, LineChange, NewLine, Quantity, Quote, quantity_problems},
    offers::{Offer, offers},
    shopper::{CART_TOKEN, Shopper},
    store::{self, Edit, EditQuantity},
};
use crate::{
    app::App,
    capability::Opens,
    catalogue::model::Money,
    error::{ApiError, Problem},
    http::extract::{Json, Path},
    orders::{ShippingMethod, TaxLine},
    work::transact,
};

/// The cart.
///
/// That of the customer who is signed in, else that of the token; an empty one when there is none yet.
#[utoipa::path(get, path = "/cart", tag = "cart", security((), ("token" = [])), params(
    ("x-cart-token" = Option<String>, Header, description = "A visitor's cart"),
), responses(
    (status = OK, body = Cart),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "The token opens no open cart: forget it"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn get_cart(State(app): State<App>, shopper: Shopper) -> Result<Response, ApiError> {
    answer(&app, StatusCode::OK, &shopper).await
}

/// Put a variant into the cart.
///
/// A visitor without a token gets a cart and its token.
#[utoipa::path(post, path = "/cart/lines", tag = "cart", security((), ("token" = [])), request_body = NewLine, params(
    ("x-cart-token" = Option<String>, Header, description = "A visitor's cart"),
), responses(
    (status = OK, body = Cart),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "The token opens no open cart: forget it"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "There are not so many"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn add_line(
    State(app): State<App>,
    shopper: Shopper,
    Json(line): Json<NewLine>,
) -> Result<Response, ApiError> {
    let errors = quantity_problems(line.quantity);
    if !errors.is_empty() {
        return Err(ApiError::Validation { detail: None, errors });
    }
    edit(&app, shopper, line.variant_id, EditQuantity::More(line.quantity)).await
}

/// Say how many of a variant there should be.
#[utoipa::path(put, path = "/cart/lines/{variant_id}", tag = "cart", security((), ("token" = [])), request_body = Quantity, params(
    ("variant_id" = Uuid, Path, description = "Which variant"),
    ("x-cart-token" = Option<String>, Header, description = "A visitor's cart"),
), responses(
    (status = OK, body = Cart),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "The token opens no open cart: forget it"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "There are not so many"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn set_line(
    State(app): State<App>,
    shopper: Shopper,
    Path(variant): Path<Uuid>,
    Json(Quantity { quantity }): Json<Quantity>,
) -> Result<Response, ApiError> {
    let errors = quantity_problems(quantity);
    if !errors.is_empty() {
        return Err(ApiError::Validation { detail: None, errors });
    }
    edit(&app, shopper, variant, EditQuantity::Exactly(quantity)).await
}

/// Take a variant out of the cart.
#[utoipa::path(delete, path = "/cart/lines/{variant_id}", tag = "cart", security((), ("token" = [])), params(
    ("variant_id" = Uuid, Path, description = "Which variant"),
    ("x-cart-token" = Option<String>, Header, description = "A visitor's cart"),
), responses(
    (status = OK, body = Cart),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no cart"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove_line(
    State(app): State<App>,
    shopper: Shopper,
    Path(variant): Path<Uuid>,
) -> Result<Response, ApiError> {
    edit(&app, shopper, variant, EditQuantity::None).await
}

/// Put a visitor's cart into that of the customer who has just signed in.
///
/// Quantities are cut to what is in stock. The visitor's cart is gone after.
#[utoipa::path(post, path = "/cart/merge", tag = "cart", security(("token" = [])), params(
    ("x-cart-token" = String, Header, description = "The visitor's cart"),
), responses(
    (status = OK, body = Cart),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no token, or not one of a cart"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn merge_carts(State(app): State<App>, shopper: Shopper) -> Result<Response, ApiError> {
    if shopper.customer.is_none() {
        return Err(ApiError::Unauthorized("sign in, then merge"));
    }
    transact(&app, "cart.merged", shopper.caller(), &shopper, |work, shopper| store::merge(work, shopper).boxed())
        .await?;
    answer(&app, StatusCode::OK, &shopper).await
}

async fn edit(app: &App, shopper: Shopper, variant: Uuid, quantity: EditQuantity) -> Result<Response, ApiError> {
    let mut change = Edit { shopper, variant, quantity };
    let cart = transact(app, "cart.changed", change.shopper.caller(), &change, |work, change| {
        store::edit(work, change).boxed()
    })
    .await?;
    change.shopper.cart = Some(cart);
    answer(app, StatusCode::OK, &change.shopper).await
}

async fn answer(app: &App, status: StatusCode, shopper: &Shopper) -> Result<Response, ApiError> {
    let mut connection = app.pool().acquire().await?;
    let cart = store::find(&mut connection, shopper).await?;
    let by_token = shopper.cart.filter(|_| shopper.customer.is_none());
    if cart.is_none() && by_token.is_some() {
        return Err(ApiError::NotFound);
    }
    let lines = cart.map(|cart| cart.lines).unwrap_or_default();
    let offers = offers(&mut connection, lines.iter().map(|line| line.variant_id)).await?;
    let lines: Vec<CartLine> =
        lines.iter().filter_map(|line| Some(shown(line, offers.get(&line.variant_id)?))).collect();
    let token = by_token.map(|cart| app.capabilities().issue(Opens::Cart, cart));
    let mut response = (status, Answer(whole(app, token.clone(), lines))).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(token) = token.and_then(|token| HeaderValue::try_from(token).ok()) {
        headers.insert(HeaderName::from_static(CART_TOKEN), token);
    }
    Ok(response)
}

fn whole(app: &App, token: Option<String>, lines: Vec<CartLine>) -> Cart {
    let sum: i64 = lines.iter().map(|line| line.total.amount).sum();
    let money = |amount, currency: &str| Money { amount, currency: currency.to_owned() };
    let currency = lines.first().map(|line| line.price.currency.clone());
    let quote = |shipping_method, currency: &str| {
        let totals = app.terms().totals(sum, shipping_method);
        Quote {
            shipping_method,
            shipping: money(totals.shipping_minor, currency),
            total: money(totals.total_minor, currency),
            tax: TaxLine::new(&totals.tax_name, totals.tax_basis_points, money(totals.tax_minor, currency)),
        }
    };
    let quotes = currency.iter().flat_map(|currency| ShippingMethod::ALL.map(|method| quote(method, currency)));
    Cart {
        token,
        quotes: quotes.collect(),
        items: currency.as_ref().map(|currency| money(sum, currency)),
        can_be_ordered: !lines.is_empty() && lines.iter().all(|line| line.available >= line.quantity),
        lines,
    }
}

fn shown(line: &Line, offer: &Offer) -> CartLine {
    let mut changes = Vec::new();
    if offer.price_minor != line.price_minor {
        changes.push(LineChange::Price { was_minor: line.price_minor });
    }
    if !offer.is_on_sale() {
        changes.push(LineChange::Withdrawn);
    } else if offer.available() < line.quantity {
        changes.push(LineChange::Short);
    }
    let money = |amount| Money { amount, currency: offer.currency.clone() };
    CartLine {
        variant_id: line.variant_id,
        sku: offer.sku.clone(),
        slug: offer.slug.clone(),
        name: offer.name.clone(),
        details: offer.details(),
        quantity: line.quantity,
        price: money(offer.price_minor),
        total: money(offer.price_minor * i64::from(line.quantity)),
        available: offer.available(),
        changes,
    }
}
