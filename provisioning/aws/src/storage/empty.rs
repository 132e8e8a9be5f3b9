//! Empties a bucket to the last version, which S3 demands before it deletes one.

use aws_sdk_s3::{
    Client,
    types::{Delete, ObjectIdentifier},
};
use jewel_engine::{Failure, FailureKind};

use crate::{classify, failure::kind_of, lease, runs};

/// Whether nothing but our lock and the records of runs is in the bucket: no object, no old version, no delete marker.
pub(super) async fn is_blank(s3: &Client, bucket: &str) -> Result<bool, Failure> {
    let sent = s3.list_object_versions().bucket(bucket).send().await;
    let page = sent.map_err(|error| classify(format!("list bucket {bucket}"), error))?;
    let mut keys = page.versions().iter().map(|v| v.key()).chain(page.delete_markers().iter().map(|m| m.key()));
    let first = |key: &str| key == lease::KEY || key.starts_with(runs::PREFIX);
    Ok(page.is_truncated() != Some(true) && keys.all(|key| key.is_some_and(first)))
}

/// Deletes every version, delete marker and unfinished upload. `progress` is told how many are gone.
///
/// `locked` says that the bucket has an Object Lock in governance mode, which is bypassed.
pub(super) async fn empty(s3: &Client, bucket: &str, locked: bool, progress: impl Fn(usize)) -> Result<(), Failure> {
    let action = format!("empty bucket {bucket}");
    let mut gone = 0;
    loop {
        // Always the first page: what it listed is deleted before the next look.
        let sent = s3.list_object_versions().bucket(bucket).max_keys(1000).send().await;
        let page = sent.map_err(|error| classify(&action, error))?;
        let versions = page.versions().iter().map(|v| (v.key(), v.version_id()));
        let markers = page.delete_markers().iter().map(|m| (m.key(), m.version_id()));
        let objects: Vec<ObjectIdentifier> = versions
            .chain(markers)
            .filter_map(|(key, id)| {
                ObjectIdentifier::builder().key(key?).set_version_id(id.map(Into::into)).build().ok()
            })
            .collect();
        if objects.is_empty() {
            break;
        }
        gone += objects.len();
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build();
        let delete = delete.map_err(|error| Failure::permanent(&action, error.to_string()))?;
        let delete = s3.delete_objects().bucket(bucket).delete(delete);
        let sent = delete.set_bypass_governance_retention(locked.then_some(true)).send().await;
        let answer = sent.map_err(|error| classify(&action, error))?;
        // Each object has an answer of its own; one that was asked too often or failed inside is listed again.
        let mut failures = answer.errors().iter().map(|error| {
            let message = format!("{}: {}", error.key().unwrap_or("?"), error.message().unwrap_or("refused"));
            let failure = Failure::new(kind_of(error.code(), error.message(), 200), &action, message);
            Failure { code: error.code().map(Into::into), ..failure }
        });
        if let Some(failure) = failures.find(|failure| failure.kind != FailureKind::NotFound) {
            return Err(failure);
        }
        progress(gone);
    }
    abort_uploads(s3, bucket, &action).await
}

async fn abort_uploads(s3: &Client, bucket: &str, action: &str) -> Result<(), Failure> {
    loop {
        let sent = s3.list_multipart_uploads().bucket(bucket).send().await;
        let page = sent.map_err(|error| classify(action, error))?;
        for upload in page.uploads() {
            let abort = s3.abort_multipart_upload().bucket(bucket).set_key(upload.key().map(Into::into));
            let sent = abort.set_upload_id(upload.upload_id().map(Into::into)).send().await;
            crate::failure::optional(sent.map_err(|error| classify(action, error)))?;
        }
        if page.uploads().is_empty() {
            return Ok(());
        }
    }
}
