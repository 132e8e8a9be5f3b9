//! Placing an order: one transaction from the cart to the promise of its items.
//!
//! The items are promised last, because from then on others who want the same wait.

use std::collections::BTreeMap;

use sqlx::{MySql, QueryBuilder};
use time::Duration;
use uuid::Uuid;

use super::{PaymentMethod, Status, Terms, checkout::Checkout, moves, store, terms::Totals};
use crate::{
    cart::{self, Offer, Shopper, offers},
    error::{ApiError, FieldError, Shortage},
    idempotency::{Claim, Intent, is_duplicate},
    inventory::stock::{self, Item, Movement},
    payments,
    work::Work,
};

/// What is needed to place an order.
pub(super) struct Placing {
    pub(super) checkout: Checkout,
    pub(super) shopper: Shopper,
    pub(super) intent: Intent,
    pub(super) terms: Terms,
}

/// An order that was placed, now or by an earlier request with the same key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed {
    pub(super) order: Uuid,
    pub(super) earlier: bool,
}

struct NewLine<'a> {
    offer: &'a Offer,
    quantity: i32,
}

/// Places an order.
///
/// # Errors
/// [`ApiError::OutOfStock`] with all that is missing, [`ApiError::PriceChanged`] when the buyer was shown another
/// total, [`ApiError::WrongState`] when the cart was ordered already.
pub(super) async fn place(work: &mut Work, placing: &Placing) -> Result<Placed, ApiError> {
    let Placing { checkout, shopper, intent, terms } = placing;
    let id = Uuid::now_v7();
    if let Claim::Done(order) = intent.claim(work, id).await? {
        return Ok(Placed { order, earlier: true });
    }
    let cart = cart::store::lock(work, shopper).await?;
    let cart = cart.ok_or_else(|| ApiError::WrongState("there is no open cart: perhaps it was ordered".to_owned()))?;
    let offers = offers(work.connection(), cart.lines.iter().map(|line| line.variant_id)).await?;
    let lines = lines(&cart, &offers)?;
    let sum: i64 = lines.iter().map(|line| line.offer.price_minor * i64::from(line.quantity)).sum();
    let totals = terms.totals(sum, checkout.shipping_method);
    if totals.total_minor != checkout.expected_total_minor {
        return Err(ApiError::PriceChanged { total_minor: totals.total_minor });
    }
    let currency = lines.first().map(|line| line.offer.currency.clone()).unwrap_or_default();
    cart::store::close(work, cart.id).await?;
    let status = insert(work, id, cart.id, placing, &totals, &currency).await?;
    insert_lines(work, id, &lines).await?;
    moves::record(work, id, None, status, "placed").await?;
    if let Some(order) = store::find(work.connection(), id).await? {
        payments::begin(work, &order).await?;
    }
    let items: Vec<Item> =
        lines.iter().map(|line| Item { variant_id: line.offer.variant_id, quantity: line.quantity }).collect();
    stock::shift(work, Movement::Reserve, &items).await?;
    Ok(Placed { order: id, earlier: false })
}

/// The cart's lines with their offers. What is plainly not there is refused before anything is written.
fn lines<'a>(cart: &cart::store::OpenCart, offers: &'a BTreeMap<Uuid, Offer>) -> Result<Vec<NewLine<'a>>, ApiError> {
    if cart.lines.is_empty() {
        let empty = FieldError::new("cart", "is empty");
        return Err(ApiError::Validation { detail: None, errors: vec![empty] });
    }
    let (mut lines, mut shortages) = (Vec::new(), Vec::new());
    for line in &cart.lines {
        let missing = |sku: &str, available| Shortage {
            variant_id: line.variant_id,
            sku: sku.to_owned(),
            requested: line.quantity,
            available,
        };
        match offers.get(&line.variant_id) {
            None => shortages.push(missing("", 0)),
            Some(offer) if offer.available() < line.quantity => shortages.push(missing(&offer.sku, offer.available())),
            Some(offer) => lines.push(NewLine { offer, quantity: line.quantity }),
        }
    }
    if shortages.is_empty() { Ok(lines) } else { Err(ApiError::OutOfStock { shortages }) }
}

async fn insert(
    work: &mut Work,
    id: Uuid,
    cart: Uuid,
    placing: &Placing,
    totals: &Totals,
    currency: &str,
) -> Result<Status, ApiError> {
    let Placing { checkout, shopper, .. } = placing;
    let now = work.now();
    let (status, patience) = terms_of(checkout.payment_method);
    let address = serde_json::to_string(&checkout.address).map_err(|error| ApiError::Internal(error.into()))?;
    sqlx::query(
        "INSERT INTO orders (id, number, cart_id, customer, email, address, status, currency, items_minor,
            shipping_minor, total_minor, tax_name, tax_basis_points, tax_minor, shipping_method, payment_method,
            expires_at, document, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'due', ?, ?)",
    )
    .bind(id)
    .bind(number())
    .bind(cart)
    .bind(&shopper.customer)
    .bind(&checkout.email)
    .bind(address)
    .bind(status.code())
    .bind(currency)
    .bind(totals.items_minor)
    .bind(totals.shipping_minor)
    .bind(totals.total_minor)
    .bind(&totals.tax_name)
    .bind(totals.tax_basis_points)
    .bind(totals.tax_minor)
    .bind(checkout.shipping_method.code())
    .bind(checkout.payment_method.code())
    .bind(patience.map(|patience| now + patience))
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    // The number is taken, by one chance in very many: with another one, then.
    .map_err(|error| if is_duplicate(&error) { ApiError::Contended } else { error.into() })?;
    work.touch("orders", id);
    Ok(status)
}

/// How an order begins, and how long its items are kept without a payment. Who pays at the door is trusted.
const fn terms_of(method: PaymentMethod) -> (Status, Option<Duration>) {
    match method {
        PaymentMethod::Card => (Status::PendingPayment, Some(Duration::minutes(30))),
        PaymentMethod::BankTransfer => (Status::PendingPayment, Some(Duration::days(7))),
        PaymentMethod::CashOnDelivery => (Status::Confirmed, None),
    }
}

async fn insert_lines(work: &mut Work, order: Uuid, lines: &[NewLine<'_>]) -> Result<(), ApiError> {
    let ids: Vec<Uuid> = lines.iter().map(|_| Uuid::now_v7()).collect();
    let mut query = QueryBuilder::<MySql>::new(
        "INSERT INTO order_lines (id, order_id, position, variant_id, sku, name, details, price_minor, quantity) ",
    );
    let rows = lines.iter().zip(&ids).zip(0_i32..);
    query.push_values(rows, |mut row, ((NewLine { offer, quantity }, id), position)| {
        row.push_bind(*id)
            .push_bind(order)
            .push_bind(position)
            .push_bind(offer.variant_id)
            .push_bind(offer.sku.clone())
            .push_bind(offer.name.clone())
            .push_bind(offer.details())
            .push_bind(offer.price_minor)
            .push_bind(*quantity);
    });
    query.build().execute(work.connection()).await?;
    for id in ids {
        work.touch("order_lines", id);
    }
    Ok(())
}

/// An order's name for people: short, without letters that look or sound alike, and saying nothing about how many
/// orders there are. It opens nothing.
fn number() -> String {
    const LETTERS: &[u8] = b"23456789BCDFGHJKLMNPQRSTVWXZ";
    let letter = || char::from(LETTERS[rand::random_range(0..LETTERS.len())]);
    let first: String = (0..4).map(|_| letter()).collect();
    let second: String = (0..4).map(|_| letter()).collect();
    format!("{first}-{second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_differ() {
        let numbers: std::collections::HashSet<String> = (0..1000).map(|_| number()).collect();
        assert_eq!(numbers.len(), 1000);
        assert!(numbers.iter().all(|number| number.len() == 9 && !number.contains(['0', 'O', '1', 'I', 'E', 'U'])));
    }
}
