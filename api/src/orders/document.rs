//! The confirmation of an order: a page to keep and to print, stored in the bucket where the CDN does not look.
//!
//! The page is made of what was agreed when the order was placed and of nothing that changes after, so it comes out the
//! same whenever and wherever it is made. A task stores it, and says so in the order's row; cut off in between, it does
//! the same again.

use std::fmt::Write;

use aws_sdk_s3::primitives::ByteStream;
use axum::http::HeaderValue;
use base64::{Engine, prelude::BASE64_STANDARD};
use futures::{FutureExt, StreamExt, stream};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    checkout::Address,
    model::Order,
    store::{self, LineRow},
};
use crate::{
    app::App,
    error::ApiError,
    storage::Storage,
    work::{Caller, Work, transact},
};

/// How many are stored in one round.
const ROUND: u32 = 50;
/// How many are on their way to the bucket at once.
const AT_ONCE: usize = 8;

/// The value of `orders.document` once the page is in the bucket.
const STORED: &str = "stored";

const STYLE: &str = "body{font:16px/1.5 serif;max-width:44em;margin:2em auto;padding:0 1em}\
    table{width:100%;border-collapse:collapse}td,th{padding:.4em 0;border-bottom:1px solid #ccc;text-align:left}\
    td:last-child,th:last-child{text-align:right}@media print{body{margin:0}}";

/// Stores what is due. Without a bucket there is nothing to do: the pages are made when they are asked for.
pub(crate) async fn store_due(app: &App) -> Result<(), ApiError> {
    let Some(storage) = app.storage() else { return Ok(()) };
    let due = store::documents_due(&mut *app.pool().acquire().await?, ROUND).await?;
    let stored: Vec<Uuid> = stream::iter(due)
        .map(|order| async move {
            let put = put(app, storage, order).await;
            put.inspect_err(|error| tracing::warn!(%order, %error, "a confirmation was not stored"))
                .ok()
                .map(|()| order)
        })
        .buffer_unordered(AT_ONCE)
        .filter_map(async |order| order)
        .collect()
        .await;
    if stored.is_empty() {
        return Ok(());
    }
    let caller = Caller::system("documents");
    transact(app, "order.confirmed", &caller, &stored, |work, stored| mark(work, stored).boxed()).await
}

async fn put(app: &App, storage: &Storage, id: Uuid) -> Result<(), ApiError> {
    let page = made(app, id).await?;
    let sent = storage
        .client()
        .put_object()
        .bucket(storage.bucket())
        .key(key(id))
        .content_type("text/html; charset=utf-8")
        .cache_control("private, no-store")
        .body(ByteStream::from(page.into_bytes()))
        .send()
        .await;
    sent.map(drop).map_err(unavailable)
}

async fn mark(work: &mut Work, stored: &[Uuid]) -> Result<(), ApiError> {
    let mut stored = stored.to_vec();
    stored.sort_unstable();
    for order in stored {
        if store::set_document(work, order, STORED).await? {
            work.touch("orders", order);
        }
    }
    Ok(())
}

/// The confirmation of an order: the stored one, or a new one where that is not there yet.
pub(super) async fn read(app: &App, order: &Order) -> Result<Vec<u8>, ApiError> {
    match app.storage().filter(|_| order.document == STORED) {
        None => made(app, order.id).await.map(String::into_bytes),
        Some(storage) => {
            let object = storage.client().get_object().bucket(storage.bucket()).key(key(order.id)).send().await;
            let body = object.map_err(unavailable)?.body.collect().await;
            Ok(body.map_err(unavailable)?.into_bytes().to_vec())
        }
    }
}

/// What a browser may do with the page: show it, in its own style.
pub(super) fn policy() -> Result<HeaderValue, ApiError> {
    let style = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!("default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'");
    HeaderValue::try_from(policy).map_err(|error| ApiError::Internal(error.into()))
}

fn key(order: Uuid) -> String {
    format!("documents/orders/{order}.html")
}

fn unavailable(error: impl std::error::Error + Send + Sync + 'static) -> ApiError {
    ApiError::Unavailable { dependency: "the document store", source: Some(Box::new(error)) }
}

async fn made(app: &App, id: Uuid) -> Result<String, ApiError> {
    let mut connection = app.pool().acquire().await?;
    let order = store::find(&mut connection, id).await?.ok_or(ApiError::NotFound)?;
    let lines = store::lines(&mut connection, id).await?;
    let address = serde_json::from_str(&order.address).map_err(|error| ApiError::Internal(error.into()))?;
    page(&order, &address, &lines).map_err(|error| ApiError::Internal(error.into()))
}

fn page(order: &Order, address: &Address, lines: &[LineRow]) -> Result<String, std::fmt::Error> {
    let (number, email) = (escaped(&order.number), escaped(&order.email));
    let money = |minor| amount(minor, &order.currency);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Order {number}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\n\
         <h1>Order {number}</h1>\n<p>Placed on {} (UTC) by {email}.</p>\n<h2>Delivery</h2>\n<p>",
        order.created_at.date()
    );
    let city = format!("{} {}", address.postal_code, address.city);
    let rows = [
        Some(&address.name),
        Some(&address.line1),
        address.line2.as_ref(),
        Some(&city),
        address.region.as_ref(),
        Some(&address.country),
    ];
    let rows: Vec<String> = rows.into_iter().flatten().map(|row| escaped(row)).collect();
    page.push_str(&rows.join("<br>"));
    page.push_str("</p>\n<h2>Items</h2>\n<table><tr><th>Item</th><th>Number</th><th>Each</th><th>Sum</th></tr>\n");
    for line in lines {
        let sum = money(line.price_minor * i64::from(line.quantity));
        let (name, details, sku) = (escaped(&line.name), escaped(&line.details), escaped(&line.sku));
        let each = money(line.price_minor);
        writeln!(
            page,
            "<tr><td>{name}<br>{details} ({sku})</td><td>{}</td><td>{each}</td><td>{sum}</td></tr>",
            line.quantity
        )?;
    }
    let percent = format!("{}.{:02}", order.tax_basis_points / 100, order.tax_basis_points % 100);
    for (what, minor) in [
        (format!("Shipping, {}", escaped(&order.shipping_method)), order.shipping_minor),
        ("<strong>Total</strong>".to_owned(), order.total_minor),
        (format!("of which {} at {percent} %", escaped(&order.tax_name)), order.tax_minor),
    ] {
        writeln!(page, "<tr><td colspan=\"3\">{what}</td><td>{}</td></tr>", money(minor))?;
    }
    let method = order.payment_method.code().replace('_', " ");
    writeln!(page, "</table>\n<p>Paid by {method}.</p>\n</body></html>")?;
    Ok(page)
}

/// Text that cannot become markup.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// An amount for people. Most currencies have hundredths, these have none (ISO 4217).
fn amount(minor: i64, currency: &str) -> String {
    const WHOLE: [&str; 5] = ["JPY", "KRW", "VND", "CLP", "ISK"];
    if WHOLE.contains(&currency) {
        return format!("{currency} {minor}");
    }
    format!("{currency} {}.{:02}", minor / 100, minor % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_for_people() {
        assert_eq!(amount(129_005, "SGD"), "SGD 1290.05");
        assert_eq!(amount(0, "SGD"), "SGD 0.00");
        assert_eq!(amount(1200, "JPY"), "JPY 1200");
    }

    proptest! {
        #[test]
        fn no_text_becomes_markup(text in any::<String>()) {
            let safe = escaped(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']));
            let back = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
            prop_assert_eq!(back.replace("&amp;", "&"), text);
        }
    }
}
