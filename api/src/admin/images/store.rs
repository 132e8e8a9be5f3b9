//! The SQL that changes pictures. Each of these holds the product first, as making a picture does.

use sqlx::FromRow;
use uuid::Uuid;

use super::model::{ImageChange, ImageOrder};
use crate::{admin::products::store::held, error::ApiError, http::version::IfMatch, work::Work};

/// Puts a product's pictures in this order.
pub(crate) async fn order(work: &mut Work, (product, order): &(Uuid, ImageOrder)) -> Result<(), ApiError> {
    held(work, *product).await?;
    let shown: Vec<(Uuid, i32)> = sqlx::query_as(
        "SELECT id, position FROM images
         WHERE product_id = ? AND frame_set_id IS NULL AND removed_at IS NULL ORDER BY id FOR UPDATE",
    )
    .bind(product)
    .fetch_all(work.connection())
    .await?;
    let is_complete = shown.len() == order.images.len() && shown.iter().all(|(id, _)| order.images.contains(id));
    if !is_complete {
        return Err(ApiError::WrongState("these are not the pictures that the product has now".to_owned()));
    }
    for (id, position) in shown {
        // Counted from one, as the pictures of the first release are.
        let Some(place) = (1..).zip(&order.images).find_map(|(place, other)| (*other == id).then_some(place)) else {
            continue;
        };
        if position == place {
            continue;
        }
        sqlx::query("UPDATE images SET position = ?, version = version + 1 WHERE id = ?")
            .bind::<i32>(place)
            .bind(id)
            .execute(work.connection())
            .await?;
        work.touch("images", id);
    }
    Ok(())
}

/// Changes a picture's words, and returns its product.
pub(crate) async fn replace(
    work: &mut Work,
    (id, known, change): &(Uuid, IfMatch, ImageChange),
) -> Result<Uuid, ApiError> {
    let image = image(work, *id).await?;
    known.check(image.version)?;
    sqlx::query("UPDATE images SET alt = ?, version = version + 1 WHERE id = ?")
        .bind(&change.alt)
        .bind(id)
        .execute(work.connection())
        .await?;
    work.touch("images", *id);
    Ok(image.product_id)
}

/// Takes a picture away, and returns its product.
pub(crate) async fn remove(work: &mut Work, (id, known): &(Uuid, IfMatch)) -> Result<Uuid, ApiError> {
    let image = image(work, *id).await?;
    known.check(image.version)?;
    let now = work.now();
    sqlx::query("UPDATE images SET removed_at = ?, version = version + 1 WHERE id = ?")
        .bind(now)
        .bind(id)
        .execute(work.connection())
        .await?;
    work.touch("images", *id);
    Ok(image.product_id)
}

/// Takes a frame set away, and returns its product.
pub(crate) async fn remove_frames(work: &mut Work, (id, known): &(Uuid, IfMatch)) -> Result<Uuid, ApiError> {
    let set: Option<Owned> =
        sqlx::query_as("SELECT product_id, version FROM frame_sets WHERE id = ? AND state IN ('pending', 'complete')")
            .bind(id)
            .fetch_optional(work.connection())
            .await?;
    let product = set.ok_or(ApiError::NotFound)?.product_id;
    held(work, product).await?;
    let version: Option<i64> = sqlx::query_scalar(
        "SELECT version FROM frame_sets WHERE id = ? AND state IN ('pending', 'complete') FOR UPDATE",
    )
    .bind(id)
    .fetch_optional(work.connection())
    .await?;
    known.check(version.ok_or(ApiError::NotFound)?)?;
    let now = work.now();
    sqlx::query("UPDATE frame_sets SET state = 'removed', updated_at = ?, version = version + 1 WHERE id = ?")
        .bind(now)
        .bind(id)
        .execute(work.connection())
        .await?;
    work.touch("frame_sets", *id);
    Ok(product)
}

#[derive(FromRow)]
struct Owned {
    product_id: Uuid,
    version: i64,
}

/// A picture that is shown, held together with its product. Frames go with their set.
async fn image(work: &mut Work, id: Uuid) -> Result<Owned, ApiError> {
    const IMAGE: &str =
        "SELECT product_id, version FROM images WHERE id = ? AND frame_set_id IS NULL AND removed_at IS NULL";
    let image: Option<Owned> = sqlx::query_as(IMAGE).bind(id).fetch_optional(work.connection()).await?;
    held(work, image.ok_or(ApiError::NotFound)?.product_id).await?;
    let image: Option<Owned> = sqlx::query_as(IMAGE).bind(id).fetch_optional(work.connection()).await?;
    image.ok_or(ApiError::NotFound)
}
