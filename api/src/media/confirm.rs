//! From a file that was sent to a picture that is shown: fetched, looked into, made in several sizes, stored, and only
//! then entered, in one transaction. Killed anywhere, it is done again from the beginning: the keys and the bytes are
//! the same ones.

use std::panic::{AssertUnwindSafe, catch_unwind};

use axum::body::Bytes;
use futures::FutureExt;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::{
    objects::{self, Sent},
    picture::{Derived, Kind, Refusal, derive},
    store::{self, UploadRow},
};
use crate::{
    app::App,
    catalogue::show::StoredSize,
    error::ApiError,
    work::{Caller, transact},
};

/// One at a time in the whole process: a large file takes tens of megabytes while it is looked into.
static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// Whether it is too late to confirm it.
pub(crate) fn is_late(upload: &UploadRow) -> bool {
    upload.state == "pending" && upload.expires_at.assume_utc() < OffsetDateTime::now_utc()
}

/// Decides what an upload is. Afterwards its row says so.
pub(crate) async fn confirm(app: &App, caller: &Caller, upload: UploadRow) -> Result<(), ApiError> {
    if upload.state != "pending" {
        return enter(app, caller, upload, Vec::new()).await;
    }
    if is_late(&upload) {
        return Err(ApiError::WrongState("it was not confirmed in time: ask for another upload".to_owned()));
    }
    let place = ONE_AT_A_TIME.acquire().await.map_err(|error| ApiError::Internal(error.into()))?;
    // Who waited for somebody who confirmed the same has nothing left to do.
    let upload = store::upload(app.pool(), upload.id, &upload.author).await?;
    if upload.state != "pending" {
        return enter(app, caller, upload, Vec::new()).await;
    }
    let (_place, made) = make(app, &upload, place).await?;
    match made {
        Ok(sizes) => enter(app, caller, upload, sizes).await,
        Err(problem) => {
            tracing::info!(upload = %upload.id, problem, "a file was refused");
            let about = (upload, problem);
            transact(app, "media.rejected", caller, &about, |work, about| store::reject(work, about).boxed()).await
        }
    }
}

/// Enters the picture, or waits until the journal has what was decided before.
async fn enter(app: &App, caller: &Caller, upload: UploadRow, sizes: Vec<StoredSize>) -> Result<(), ApiError> {
    let about = (upload, sizes);
    transact(app, "media.confirmed", caller, &about, |work, about| store::confirm(work, about).boxed()).await
}

/// The one place there is, for as long as it is held.
type Place = SemaphorePermit<'static>;

/// Makes and stores the sizes; the inner error says why there are none.
async fn make(
    app: &App,
    upload: &UploadRow,
    place: Place,
) -> Result<(Place, Result<Vec<StoredSize>, String>), ApiError> {
    let storage = objects::storage(app)?;
    let file = match objects::fetch(storage, upload).await? {
        Sent::Nothing => return Err(ApiError::WrongState("the file has not been sent".to_owned())),
        Sent::OtherLength => return Ok((place, Err("it is not as long as was announced".to_owned()))),
        Sent::File(file) => file,
    };
    let (kind, digest) = (Kind::of(&upload.content_type), upload.sha256.clone());
    // The place goes along: it must not be free before the work has ended, even when the caller has left.
    let looking = tokio::task::spawn_blocking(move || {
        // A decoder that panics has met a file that nobody should open.
        let looked = catch_unwind(AssertUnwindSafe(|| check(kind, digest.as_deref(), file)));
        (place, looked.unwrap_or_else(|_| Err(Refusal::Unreadable.to_string())))
    });
    let (place, looked) = looking.await.map_err(|error| ApiError::Internal(error.into()))?;
    let pictures = match looked {
        Ok(pictures) => pictures,
        Err(problem) => return Ok((place, Err(problem))),
    };
    let mut sizes = Vec::with_capacity(pictures.len());
    for picture in pictures {
        let size = |length: u32| i32::try_from(length).map_err(|error| ApiError::Internal(error.into()));
        sizes.push(StoredSize { width: size(picture.width)?, height: size(picture.height)? });
        objects::store(storage, upload, picture).await?;
    }
    Ok((place, Ok(sizes)))
}

fn check(kind: Option<Kind>, digest: Option<&str>, file: Bytes) -> Result<Vec<Derived>, String> {
    if digest.is_some_and(|digest| hex::encode(Sha256::digest(&file)) != digest) {
        return Err("it is not the file that was announced".to_owned());
    }
    let kind = kind.ok_or(Refusal::OtherType).map_err(|refusal| refusal.to_string())?;
    derive(kind, file).map_err(|refusal| refusal.to_string())
}
