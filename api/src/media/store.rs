//! The SQL of uploads, and of the pictures they become.

use serde_json::json;
use sqlx::{FromRow, MySqlPool};
use time::{Duration, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    model::{NewFile, NewUpload, UploadKind},
    objects::{image_key, upload_key},
};
use crate::{
    admin::product_held,
    catalogue::{show::StoredSize, store::ImageRow},
    error::ApiError,
    work::Work,
};

/// How long a file may be confirmed.
const CONFIRMABLE: Duration = Duration::hours(1);
/// The most pictures of one product.
const MOST_IMAGES: i64 = 100;

/// A file that may be sent, or was.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct UploadRow {
    pub(crate) id: Uuid,
    pub(crate) author: String,
    pub(crate) product_id: Uuid,
    pub(crate) frame_set_id: Option<Uuid>,
    pub(crate) frame: Option<i32>,
    pub(crate) image_id: Uuid,
    pub(crate) object_key: String,
    pub(crate) content_type: String,
    pub(crate) bytes: i64,
    pub(crate) sha256: Option<String>,
    pub(crate) alt: String,
    pub(crate) state: String,
    pub(crate) problem: Option<String>,
    pub(crate) event_id: Option<Uuid>,
    pub(crate) expires_at: PrimitiveDateTime,
}

const UPLOAD: &str = "
    SELECT id, author, product_id, frame_set_id, frame, image_id, object_key, content_type, bytes, sha256, alt, state,
        problem, event_id, expires_at
    FROM media_uploads WHERE id = ?";

/// The upload with this id, when it is this author's: others learn nothing of it.
pub(crate) async fn upload(pool: &MySqlPool, id: Uuid, author: &str) -> Result<UploadRow, ApiError> {
    let row: Option<UploadRow> = sqlx::query_as(UPLOAD).bind(id).fetch_optional(pool).await?;
    row.filter(|row| row.author == author).ok_or(ApiError::NotFound)
}

/// The picture that an upload became, whether or not it is still shown.
pub(crate) async fn image(pool: &MySqlPool, upload: &UploadRow) -> Result<Option<ImageRow>, ApiError> {
    let row = sqlx::query_as(
        "SELECT object_key, alt, width, height, sizes, frame_set_id IS NOT NULL AS is_frame FROM images WHERE id = ?",
    );
    Ok(row.bind(upload.image_id).fetch_optional(pool).await?)
}

/// Notes which files may be sent.
pub(crate) async fn create(work: &mut Work, (author, new): &(String, NewUpload)) -> Result<Vec<UploadRow>, ApiError> {
    product_held(work, new.product).await?;
    let now = work.now();
    let frame_set = match new.kind {
        UploadKind::Image => None,
        UploadKind::FrameSet => {
            let id = Uuid::now_v7();
            sqlx::query(
                "INSERT INTO frame_sets (id, product_id, alt, frame_count, state, created_at, updated_at)
                 VALUES (?, ?, ?, ?, 'pending', ?, ?)",
            )
            .bind(id)
            .bind(new.product)
            .bind(&new.alt)
            .bind(i32::try_from(new.files.len()).unwrap_or(i32::MAX))
            .bind(now)
            .bind(now)
            .execute(work.connection())
            .await?;
            work.touch("frame_sets", id);
            Some(id)
        }
    };
    let mut uploads = Vec::with_capacity(new.files.len());
    for (frame, file) in (0..).zip(&new.files) {
        uploads.push(insert(work, author, new, file, frame_set.map(|set| (set, frame))).await?);
    }
    Ok(uploads)
}

async fn insert(
    work: &mut Work,
    author: &str,
    new: &NewUpload,
    file: &NewFile,
    frame: Option<(Uuid, i32)>,
) -> Result<UploadRow, ApiError> {
    let now = work.now();
    let row = UploadRow {
        id: Uuid::now_v7(),
        author: author.to_owned(),
        product_id: new.product,
        frame_set_id: frame.map(|(set, _)| set),
        frame: frame.map(|(_, frame)| frame),
        image_id: Uuid::now_v7(),
        object_key: upload_key(),
        content_type: file.content_type.clone(),
        bytes: file.bytes,
        sha256: file.sha256.clone(),
        alt: new.alt.clone(),
        state: "pending".to_owned(),
        problem: None,
        event_id: None,
        expires_at: now.saturating_add(CONFIRMABLE),
    };
    sqlx::query(
        "INSERT INTO media_uploads (id, author, product_id, frame_set_id, frame, image_id, object_key, content_type,
            bytes, sha256, alt, state, created_at, expires_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.id)
    .bind(&row.author)
    .bind(row.product_id)
    .bind(row.frame_set_id)
    .bind(row.frame)
    .bind(row.image_id)
    .bind(&row.object_key)
    .bind(&row.content_type)
    .bind(row.bytes)
    .bind(&row.sha256)
    .bind(&row.alt)
    .bind(&row.state)
    .bind(now)
    .bind(row.expires_at)
    .bind(now)
    .execute(work.connection())
    .await?;
    work.touch("media_uploads", row.id);
    Ok(row)
}

/// The upload, held together with its product, when it is still to be decided. `None`: it was decided before, and the
/// answer is that of then.
async fn pending(work: &mut Work, upload: &UploadRow) -> Result<Option<UploadRow>, ApiError> {
    product_held(work, upload.product_id).await?;
    let row: UploadRow = sqlx::query_as(UPLOAD).bind(upload.id).fetch_one(work.connection()).await?;
    if row.state == "pending" {
        return Ok(Some(row));
    }
    if let Some(event) = row.event_id {
        work.repeats(event);
    }
    Ok(None)
}

/// Makes an upload, whose sizes are stored, a picture of its product. Done again it does nothing.
pub(crate) async fn confirm(work: &mut Work, (upload, sizes): &(UploadRow, Vec<StoredSize>)) -> Result<(), ApiError> {
    let Some(row) = pending(work, upload).await? else { return Ok(()) };
    let largest = sizes.last().ok_or_else(|| ApiError::Internal("a picture without sizes".into()))?;
    let position = match row.frame {
        Some(frame) => frame,
        None => next_position(work, row.product_id).await?,
    };
    sqlx::query(
        "INSERT INTO images
            (id, product_id, position, object_key, alt, width, height, created_at, frame_set_id, sizes)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(row.image_id)
    .bind(row.product_id)
    .bind(position)
    .bind(image_key(row.product_id, row.image_id, largest.width))
    .bind(&row.alt)
    .bind(largest.width)
    .bind(largest.height)
    .bind(work.now())
    .bind(row.frame_set_id)
    .bind(json!(sizes).to_string())
    .execute(work.connection())
    .await?;
    work.touch("images", row.image_id);
    if let Some(set) = row.frame_set_id {
        add_frame(work, row.product_id, set).await?;
    }
    decide(work, row.id, "confirmed", None).await
}

/// Notes that an upload is no picture, and why.
pub(crate) async fn reject(work: &mut Work, (upload, problem): &(UploadRow, String)) -> Result<(), ApiError> {
    match pending(work, upload).await? {
        Some(row) => decide(work, row.id, "rejected", Some(problem)).await,
        None => Ok(()),
    }
}

async fn decide(work: &mut Work, id: Uuid, state: &str, problem: Option<&str>) -> Result<(), ApiError> {
    let (now, event) = (work.now(), work.event_id());
    sqlx::query(
        "UPDATE media_uploads SET state = ?, problem = ?, event_id = ?, updated_at = ?, version = version + 1
         WHERE id = ?",
    )
    .bind(state)
    .bind(problem)
    .bind(event)
    .bind(now)
    .bind(id)
    .execute(work.connection())
    .await?;
    work.touch("media_uploads", id);
    Ok(())
}

/// The place after a product's other pictures.
async fn next_position(work: &mut Work, product: Uuid) -> Result<i32, ApiError> {
    let (count, next): (i64, i32) = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(MAX(position), 0) + 1 AS SIGNED) FROM images
         WHERE product_id = ? AND frame_set_id IS NULL AND removed_at IS NULL",
    )
    .bind(product)
    .fetch_one(work.connection())
    .await?;
    if count < MOST_IMAGES {
        Ok(next)
    } else {
        Err(ApiError::WrongState(format!("a product has at most {MOST_IMAGES} pictures: remove one first")))
    }
}

/// Counts a frame that was added to its set. The last one makes the set the one that is shown.
async fn add_frame(work: &mut Work, product: Uuid, set: Uuid) -> Result<(), ApiError> {
    let (state, wanted): (String, i64) =
        sqlx::query_as("SELECT state, CAST(frame_count AS SIGNED) FROM frame_sets WHERE id = ? FOR UPDATE")
            .bind(set)
            .fetch_one(work.connection())
            .await?;
    if state != "pending" {
        return Err(ApiError::WrongState("the frame set was taken away".to_owned()));
    }
    let present: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM images WHERE frame_set_id = ?")
        .bind(set)
        .fetch_one(work.connection())
        .await?;
    if present < wanted {
        return Ok(());
    }
    let before: Vec<Uuid> =
        sqlx::query_scalar("SELECT id FROM frame_sets WHERE product_id = ? AND state = 'complete' ORDER BY id")
            .bind(product)
            .fetch_all(work.connection())
            .await?;
    let replaced = before.into_iter().map(|old| (old, "replaced"));
    for (id, state) in replaced.chain([(set, "complete")]) {
        let now = work.now();
        sqlx::query("UPDATE frame_sets SET state = ?, updated_at = ?, version = version + 1 WHERE id = ?")
            .bind(state)
            .bind(now)
            .bind(id)
            .execute(work.connection())
            .await?;
        work.touch("frame_sets", id);
    }
    Ok(())
}
