//! The SQL of carts.

use sqlx::{FromRow, MySqlConnection};
use uuid::Uuid;

use super::{
    Shopper,
    model::{LARGEST_QUANTITY, Line, MOST_LINES},
    offers,
};
use crate::{
    error::{ApiError, FieldError, Shortage},
    idempotency::is_duplicate,
    work::Work,
};

/// An open cart.
#[derive(Debug, Clone)]
pub(crate) struct OpenCart {
    pub(crate) id: Uuid,
    pub(crate) lines: Vec<Line>,
}

/// A change of one line.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) shopper: Shopper,
    pub(crate) variant: Uuid,
    pub(crate) quantity: EditQuantity,
}

/// How many there will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EditQuantity {
    More(i32),
    Exactly(i32),
    None,
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    contents: String,
}

impl TryFrom<Row> for OpenCart {
    type Error = ApiError;

    fn try_from(row: Row) -> Result<Self, ApiError> {
        let lines = serde_json::from_str(&row.contents).map_err(|error| ApiError::Internal(error.into()))?;
        Ok(Self { id: row.id, lines })
    }
}

/// The shopper's open cart, to look at.
pub(crate) async fn find(connection: &mut MySqlConnection, shopper: &Shopper) -> Result<Option<OpenCart>, ApiError> {
    let row: Option<Row> = match (&shopper.customer, shopper.cart) {
        (Some(customer), _) => {
            sqlx::query_as("SELECT id, contents FROM carts WHERE open_for = ?")
                .bind(customer)
                .fetch_optional(connection)
                .await?
        }
        (None, Some(cart)) => {
            sqlx::query_as("SELECT id, contents FROM carts WHERE id = ? AND status = 'open' AND customer IS NULL")
                .bind(cart)
                .fetch_optional(connection)
                .await?
        }
        (None, None) => None,
    };
    row.map(OpenCart::try_from).transpose()
}

/// The shopper's open cart, which nobody else changes before this transaction ends.
pub(crate) async fn lock(work: &mut Work, shopper: &Shopper) -> Result<Option<OpenCart>, ApiError> {
    match (&shopper.customer, shopper.cart) {
        (Some(customer), _) => lock_customers(work, customer).await,
        (None, Some(cart)) => lock_visitors(work, cart).await,
        (None, None) => Ok(None),
    }
}

async fn lock_customers(work: &mut Work, customer: &str) -> Result<Option<OpenCart>, ApiError> {
    let row: Option<Row> = sqlx::query_as("SELECT id, contents FROM carts WHERE open_for = ? FOR UPDATE")
        .bind(customer)
        .fetch_optional(work.connection())
        .await?;
    row.map(OpenCart::try_from).transpose()
}

async fn lock_visitors(work: &mut Work, cart: Uuid) -> Result<Option<OpenCart>, ApiError> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT id, contents FROM carts WHERE id = ? AND status = 'open' AND customer IS NULL FOR UPDATE",
    )
    .bind(cart)
    .fetch_optional(work.connection())
    .await?;
    row.map(OpenCart::try_from).transpose()
}

/// Changes a line. Who has no cart gets one. Gives the cart's id.
pub(crate) async fn edit(work: &mut Work, edit: &Edit) -> Result<Uuid, ApiError> {
    let Edit { shopper, variant, quantity } = edit;
    let existing = lock(work, shopper).await?;
    let known = shopper.customer.is_none() && shopper.cart.is_some();
    if existing.is_none() && (known || *quantity == EditQuantity::None) {
        return Err(ApiError::NotFound);
    }
    let lines = existing.as_ref().map(|cart| cart.lines.clone()).unwrap_or_default();
    let lines = edited(work, lines, *variant, *quantity).await?;
    match existing {
        Some(cart) => write(work, cart.id, &lines).await.map(|()| cart.id),
        None => create(work, shopper.customer.as_deref(), &lines).await,
    }
}

async fn edited(
    work: &mut Work,
    mut lines: Vec<Line>,
    variant: Uuid,
    quantity: EditQuantity,
) -> Result<Vec<Line>, ApiError> {
    let at = lines.iter().position(|line| line.variant_id == variant);
    let before = at.and_then(|at| lines.get(at)).map_or(0, |line| line.quantity);
    let quantity = match quantity {
        EditQuantity::None => {
            lines.retain(|line| line.variant_id != variant);
            return Ok(lines);
        }
        EditQuantity::More(more) => before + more,
        EditQuantity::Exactly(quantity) => quantity,
    };
    if quantity > LARGEST_QUANTITY {
        return Err(invalid("quantity", "a cart has at most 10 of a variant"));
    }
    if at.is_none() && lines.len() >= MOST_LINES {
        return Err(invalid("variant_id", "a cart has at most 50 lines"));
    }
    let others = lines.iter().map(|line| line.variant_id);
    let offers = offers(work.connection(), others.chain([variant])).await?;
    let offer = offers.get(&variant).filter(|offer| offer.is_on_sale());
    let offer = offer.ok_or_else(|| invalid("variant_id", "is not sold"))?;
    if offers.values().any(|other| other.currency != offer.currency) {
        return Err(invalid("variant_id", "is not sold in the currency of what is in the cart"));
    }
    if offer.available() < quantity {
        let (sku, available) = (offer.sku.clone(), offer.available());
        let shortage = Shortage { variant_id: variant, sku, requested: quantity, available };
        return Err(ApiError::OutOfStock { shortages: vec![shortage] });
    }
    let line = Line { variant_id: variant, quantity, price_minor: offer.price_minor };
    match at.and_then(|at| lines.get_mut(at)) {
        Some(old) => *old = line,
        None => lines.push(line),
    }
    Ok(lines)
}

/// Puts what is in a visitor's cart into the customer's, as far as it fits and is in stock. A cart that was merged or
/// ordered before has nothing to give.
pub(crate) async fn merge(work: &mut Work, shopper: &Shopper) -> Result<(), ApiError> {
    let (Some(customer), Some(visitors)) = (&shopper.customer, shopper.cart) else { return Err(ApiError::NotFound) };
    let own = lock_customers(work, customer).await?;
    let Some(visitors) = lock_visitors(work, visitors).await? else {
        // Perhaps the answer to the first request was lost: this one, too, is answered when the cart is safe.
        if let Some(own) = own {
            work.touch("carts", own.id);
        }
        return Ok(());
    };
    let lines = own.as_ref().map(|cart| cart.lines.clone()).unwrap_or_default();
    let lines = merged(work, lines, visitors.lines).await?;
    let now = work.now();
    sqlx::query("UPDATE carts SET status = 'merged', updated_at = ?, version = version + 1 WHERE id = ?")
        .bind(now)
        .bind(visitors.id)
        .execute(work.connection())
        .await?;
    work.touch("carts", visitors.id);
    match own {
        Some(own) => write(work, own.id, &lines).await,
        None => create(work, Some(customer), &lines).await.map(drop),
    }
}

async fn merged(work: &mut Work, mut lines: Vec<Line>, more: Vec<Line>) -> Result<Vec<Line>, ApiError> {
    let all = lines.iter().chain(&more).map(|line| line.variant_id);
    let offers = offers(work.connection(), all).await?;
    let currency = lines.first().or(more.first()).and_then(|line| offers.get(&line.variant_id));
    let currency = currency.map(|offer| offer.currency.clone());
    for line in more {
        let Some(offer) = offers.get(&line.variant_id).filter(|offer| Some(&offer.currency) == currency.as_ref())
        else {
            continue;
        };
        let most = offer.available().min(LARGEST_QUANTITY);
        let has_room = most > 0 && lines.len() < MOST_LINES;
        match lines.iter_mut().find(|own| own.variant_id == line.variant_id) {
            Some(own) => own.quantity = (own.quantity + line.quantity).min(most).max(own.quantity),
            None if has_room => lines.push(Line { quantity: line.quantity.min(most), ..line }),
            None => {}
        }
    }
    Ok(lines)
}

/// The cart has become an order.
pub(crate) async fn close(work: &mut Work, cart: Uuid) -> Result<(), ApiError> {
    let now = work.now();
    sqlx::query(
        "UPDATE carts SET status = 'ordered', open_for = NULL, updated_at = ?, version = version + 1 WHERE id = ?",
    )
    .bind(now)
    .bind(cart)
    .execute(work.connection())
    .await?;
    work.touch("carts", cart);
    Ok(())
}

async fn create(work: &mut Work, customer: Option<&str>, lines: &[Line]) -> Result<Uuid, ApiError> {
    let (id, now) = (Uuid::now_v7(), work.now());
    sqlx::query(
        "INSERT INTO carts (id, customer, open_for, status, contents, created_at, updated_at)
         VALUES (?, ?, ?, 'open', ?, ?, ?)",
    )
    .bind(id)
    .bind(customer)
    .bind(customer)
    .bind(text(lines)?)
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    // The customer's other device was first: with its cart, then.
    .map_err(|error| if is_duplicate(&error) { ApiError::Contended } else { error.into() })?;
    work.touch("carts", id);
    Ok(id)
}

async fn write(work: &mut Work, cart: Uuid, lines: &[Line]) -> Result<(), ApiError> {
    let now = work.now();
    sqlx::query("UPDATE carts SET contents = ?, updated_at = ?, version = version + 1 WHERE id = ?")
        .bind(text(lines)?)
        .bind(now)
        .bind(cart)
        .execute(work.connection())
        .await?;
    work.touch("carts", cart);
    Ok(())
}

fn text(lines: &[Line]) -> Result<String, ApiError> {
    serde_json::to_string(lines).map_err(|error| ApiError::Internal(error.into()))
}

fn invalid(field: &str, message: &str) -> ApiError {
    ApiError::Validation { detail: None, errors: vec![FieldError::new(field, message)] }
}
