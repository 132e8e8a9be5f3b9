//! The SQL of profiles and addresses. Each statement names whose they are: nobody reaches another's.

use sqlx::{FromRow, MySqlPool};
use uuid::Uuid;

use super::model::{AddressDetails, ProfileDetails, SavedAddress};
use crate::{
    error::{ApiError, FieldError},
    ids,
    work::Work,
};

/// The most addresses of one person.
const MOST_ADDRESSES: i64 = 20;

/// The row of a person.
pub(super) fn customer_id(subject: &str) -> Uuid {
    ids::derived("customer", subject)
}

/// What somebody told of themselves.
pub(super) async fn profile(pool: &MySqlPool, subject: &str) -> Result<Option<ProfileDetails>, sqlx::Error> {
    sqlx::query_as("SELECT name, phone, language FROM customers WHERE id = ?")
        .bind(customer_id(subject))
        .fetch_optional(pool)
        .await
}

/// Replaces it.
pub(super) async fn put_profile(
    work: &mut Work,
    (subject, details): &(String, ProfileDetails),
) -> Result<(), ApiError> {
    let id = lock_customer(work, subject).await?;
    let now = work.now();
    sqlx::query(
        "UPDATE customers SET name = ?, phone = ?, language = ?, erased_at = NULL, updated_at = ?,
            version = version + 1 WHERE id = ?",
    )
    .bind(&details.name)
    .bind(&details.phone)
    .bind(&details.language)
    .bind(now)
    .bind(id)
    .execute(work.connection())
    .await?;
    Ok(())
}

/// The row of a person, made if there is none; nobody else changes it or their addresses before this transaction ends.
async fn lock_customer(work: &mut Work, subject: &str) -> Result<Uuid, ApiError> {
    let (id, now) = (customer_id(subject), work.now());
    sqlx::query(
        "INSERT INTO customers (id, subject, created_at, updated_at) VALUES (?, ?, ?, ?)
         ON DUPLICATE KEY UPDATE updated_at = ?, version = version + 1",
    )
    .bind(id)
    .bind(subject)
    .bind(now)
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await?;
    work.touch("customers", id);
    Ok(id)
}

/// Somebody's addresses, the oldest first.
pub(super) async fn addresses(pool: &MySqlPool, subject: &str) -> Result<Vec<SavedAddress>, sqlx::Error> {
    #[derive(FromRow)]
    struct Row {
        id: Uuid,
        #[sqlx(flatten)]
        details: AddressDetails,
    }
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, label, name, phone, line1, line2, city, region, postal_code, country FROM addresses
         WHERE customer_id = ? AND removed_at IS NULL ORDER BY id",
    )
    .bind(customer_id(subject))
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(|Row { id, details }| SavedAddress { id, details }).collect())
}

/// Adds an address, and returns its id.
pub(super) async fn add_address(
    work: &mut Work,
    (subject, details): &(String, AddressDetails),
) -> Result<Uuid, ApiError> {
    let customer = lock_customer(work, subject).await?;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM addresses WHERE customer_id = ? AND removed_at IS NULL")
        .bind(customer)
        .fetch_one(work.connection())
        .await?;
    if count >= MOST_ADDRESSES {
        let full = format!("are {MOST_ADDRESSES} already: remove one first");
        return Err(ApiError::Conflict { errors: vec![FieldError::new("addresses", full)] });
    }
    let (id, now) = (Uuid::now_v7(), work.now());
    sqlx::query(
        "INSERT INTO addresses (id, customer_id, label, name, phone, line1, line2, city, region, postal_code, country,
            created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(customer)
    .bind(&details.label)
    .bind(&details.name)
    .bind(&details.phone)
    .bind(&details.line1)
    .bind(&details.line2)
    .bind(&details.city)
    .bind(&details.region)
    .bind(&details.postal_code)
    .bind(&details.country)
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await?;
    work.touch("addresses", id);
    Ok(id)
}

/// Replaces an address.
pub(super) async fn change_address(
    work: &mut Work,
    (subject, id, details): &(String, Uuid, AddressDetails),
) -> Result<(), ApiError> {
    let now = work.now();
    let changed = sqlx::query(
        "UPDATE addresses SET label = ?, name = ?, phone = ?, line1 = ?, line2 = ?, city = ?, region = ?,
            postal_code = ?, country = ?, updated_at = ?, version = version + 1
         WHERE id = ? AND customer_id = ? AND removed_at IS NULL",
    )
    .bind(&details.label)
    .bind(&details.name)
    .bind(&details.phone)
    .bind(&details.line1)
    .bind(&details.line2)
    .bind(&details.city)
    .bind(&details.region)
    .bind(&details.postal_code)
    .bind(&details.country)
    .bind(now)
    .bind(id)
    .bind(customer_id(subject))
    .execute(work.connection())
    .await?;
    if changed.rows_affected() != 1 {
        return Err(ApiError::NotFound);
    }
    work.touch("addresses", *id);
    Ok(())
}

/// Removes an address: its row stays, with nothing in it.
pub(super) async fn remove_address(work: &mut Work, (subject, id): &(String, Uuid)) -> Result<(), ApiError> {
    if blank_address(work, customer_id(subject), *id).await? { Ok(()) } else { Err(ApiError::NotFound) }
}

async fn blank_address(work: &mut Work, customer: Uuid, id: Uuid) -> Result<bool, ApiError> {
    let now = work.now();
    let blanked = sqlx::query(
        "UPDATE addresses SET label = '', name = '', phone = NULL, line1 = '', line2 = NULL, city = '', region = NULL,
            postal_code = NULL, country = '', removed_at = ?, updated_at = ?, version = version + 1
         WHERE id = ? AND customer_id = ? AND removed_at IS NULL",
    )
    .bind(now)
    .bind(now)
    .bind(id)
    .bind(customer)
    .execute(work.connection())
    .await?;
    let done = blanked.rows_affected() == 1;
    if done {
        work.touch("addresses", id);
    }
    Ok(done)
}

/// Erases a profile and its addresses; the answer is how many addresses there were and how many orders stay.
pub(super) async fn erase(work: &mut Work, subject: &String) -> Result<(u64, i64), ApiError> {
    let customer = lock_customer(work, subject).await?;
    let now = work.now();
    sqlx::query(
        "UPDATE customers SET name = NULL, phone = NULL, language = NULL, erased_at = ?, updated_at = ?,
            version = version + 1 WHERE id = ?",
    )
    .bind(now)
    .bind(now)
    .bind(customer)
    .execute(work.connection())
    .await?;
    let addresses: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM addresses WHERE customer_id = ? AND removed_at IS NULL ORDER BY id")
            .bind(customer)
            .fetch_all(work.connection())
            .await?;
    let mut erased = 0;
    for id in addresses {
        erased += u64::from(blank_address(work, customer, id).await?);
    }
    let orders = sqlx::query_scalar("SELECT COUNT(*) FROM orders WHERE customer = ?")
        .bind(subject)
        .fetch_one(work.connection())
        .await?;
    Ok((erased, orders))
}
