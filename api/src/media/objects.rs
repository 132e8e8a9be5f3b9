//! Pictures in the media bucket. The API's key may read and write below `media/` there and nothing else: nothing is
//! listed, nothing is deleted, and every key is made here.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    error::{DisplayErrorContext, ProvideErrorMetadata},
    presigning::PresigningConfig,
    primitives::ByteStream,
};
use axum::body::Bytes;
use base64::{Engine, prelude::BASE64_STANDARD};
use uuid::Uuid;

use super::{picture::Derived, store::UploadRow};
use crate::{app::App, error::ApiError, storage::Storage};

/// How long a file may be sent.
const VALID: Duration = Duration::from_secs(15 * 60);

/// What is below `media/products/` never changes under its name.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// The bucket.
pub(crate) fn storage(app: &App) -> Result<&Storage, ApiError> {
    app.storage().ok_or(ApiError::Unavailable { dependency: "the media bucket", source: None })
}

/// A key that nobody can guess: what was sent is kept there, and it may say where it was taken.
pub(crate) fn upload_key() -> String {
    format!("media/uploads/{}", Uuid::new_v4())
}

/// The key of a picture in one size.
pub(crate) fn image_key(product: Uuid, image: Uuid, width: impl std::fmt::Display) -> String {
    format!("media/products/{product}/{image}/{width}.jpg")
}

/// Where and with which headers a file is sent. Type, exact length and, when it is known, digest are signed; and that
/// it is sent once: who has the address cannot change what was confirmed.
pub(crate) async fn presign(
    storage: &Storage,
    upload: &UploadRow,
) -> Result<(String, BTreeMap<String, String>), ApiError> {
    let digest = upload.sha256.as_deref().and_then(|digest| hex::decode(digest).ok());
    let valid = PresigningConfig::expires_in(VALID).map_err(|error| ApiError::Internal(error.into()))?;
    let signed = storage
        .client()
        .put_object()
        .bucket(storage.bucket())
        .key(&upload.object_key)
        .content_type(&upload.content_type)
        .content_length(upload.bytes)
        .if_none_match("*")
        .set_checksum_sha256(digest.map(|digest| BASE64_STANDARD.encode(digest)))
        .presigned(valid)
        .await
        .map_err(|error| ApiError::Internal(format!("signing failed: {}", DisplayErrorContext(error)).into()))?;
    let headers = signed.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    Ok((signed.uri().to_owned(), headers))
}

/// What came of an upload.
pub(crate) enum Sent {
    /// Nothing.
    Nothing,
    /// More or less than was announced.
    OtherLength,
    /// The file.
    File(Bytes),
}

/// Fetches a file that was sent, of exactly the announced length.
pub(crate) async fn fetch(storage: &Storage, upload: &UploadRow) -> Result<Sent, ApiError> {
    let got = storage.client().get_object().bucket(storage.bucket()).key(&upload.object_key).send().await;
    let got = match got {
        Ok(got) => got,
        // Who may not list hears of a missing object that it is not allowed.
        Err(error) if matches!(error.code(), Some("NoSuchKey" | "AccessDenied")) => return Ok(Sent::Nothing),
        Err(error) => return Err(away(DisplayErrorContext(error).to_string())),
    };
    if got.content_length() != Some(upload.bytes) {
        return Ok(Sent::OtherLength);
    }
    let body = got.body.collect().await.map_err(|error| away(error.to_string()))?;
    Ok(Sent::File(body.into_bytes()))
}

/// Stores a picture in one size.
pub(crate) async fn store(storage: &Storage, upload: &UploadRow, derived: Derived) -> Result<(), ApiError> {
    let key = image_key(upload.product_id, upload.image_id, derived.width);
    let sent = storage
        .client()
        .put_object()
        .bucket(storage.bucket())
        .key(key)
        .content_type("image/jpeg")
        .cache_control(FOR_EVER)
        .body(ByteStream::from(derived.bytes))
        .send()
        .await;
    sent.map(drop).map_err(|error| away(DisplayErrorContext(error).to_string()))
}

fn away(error: String) -> ApiError {
    ApiError::Unavailable { dependency: "the media bucket", source: Some(error.into()) }
}
