//! Objects of a versioned bucket, put back as they were at a time: deleted ones come back, overwritten ones too.
//!
//! What came later is left: nothing is removed, and what is replaced stays as a version of its own.

use std::collections::BTreeMap;

use aws_sdk_s3::Client;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jewel_aws::classify;
use jewel_engine::Failure;
use jiff::Timestamp;
use serde::Serialize;

use crate::{Context, Error};

/// How many objects are copied at once.
const AT_ONCE: usize = 16;

/// What putting back did, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MediaReport {
    /// Keys that were gone.
    pub deleted: Vec<String>,
    /// Keys that held something else.
    pub overwritten: Vec<String>,
    /// How many are as they were.
    pub unchanged: usize,
    /// How many came later, and stay.
    pub later: usize,
}

/// One object as it was, and as it is.
#[derive(Debug, Default, PartialEq)]
struct History {
    /// The version it had at the time.
    then: Option<Version>,
    /// The version it has now; `None` when it is deleted.
    now: Option<Version>,
}

#[derive(Clone, Debug, PartialEq)]
struct Version {
    id: String,
    /// Of its bytes: a version that was put back is a new one with the same.
    etag: String,
}

/// Puts the shop's pictures back as they were at a time. With `dry_run` nothing is written.
///
/// # Errors
/// When the bucket cannot be read or written; doing it again does the rest.
pub async fn restore_media(context: &Context<'_>, at: Timestamp, dry_run: bool) -> Result<MediaReport, Error> {
    let (s3, bucket) = (&context.clients.s3, context.outputs.media_bucket.as_str());
    let mut report = MediaReport::default();
    let mut copies = Vec::new();
    for (key, history) in histories(s3, bucket, at).await? {
        match (history.then, history.now) {
            (Some(then), Some(now)) if then.etag == now.etag => report.unchanged += 1,
            (Some(then), Some(_)) => {
                report.overwritten.push(key.clone());
                copies.push((key, then.id));
            }
            (Some(then), None) => {
                report.deleted.push(key.clone());
                copies.push((key, then.id));
            }
            (None, Some(_)) => report.later += 1,
            (None, None) => {}
        }
    }
    if !dry_run {
        let copying = stream::iter(copies).map(|(key, version)| copy(s3, bucket, key, version));
        copying.buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    }
    Ok(report)
}

async fn copy(s3: &Client, bucket: &str, key: String, version: String) -> Result<(), Failure> {
    let encoded: String = key.bytes().map(escaped).collect();
    let source = format!("{bucket}/{encoded}?versionId={version}");
    let sent = s3.copy_object().bucket(bucket).key(&key).copy_source(source).send().await;
    sent.map(drop).map_err(|error| classify(format!("put s3://{bucket}/{key} back"), error))
}

/// A byte of a key as a header may have it.
fn escaped(byte: u8) -> String {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    }
}

async fn histories(s3: &Client, bucket: &str, at: Timestamp) -> Result<BTreeMap<String, History>, Failure> {
    let mut all: BTreeMap<String, History> = BTreeMap::new();
    let (mut key_marker, mut version_marker) = (None, None);
    // The time of each key's version that counts: pages list versions and markers apart.
    let mut of: BTreeMap<String, i64> = BTreeMap::new();
    loop {
        let list = s3.list_object_versions().bucket(bucket).set_key_marker(key_marker);
        let sent = list.set_version_id_marker(version_marker).send().await;
        let page = sent.map_err(|error| classify(format!("list the versions in s3://{bucket}"), error))?;
        for one in page.versions() {
            let (Some(key), Some(id), Some(time)) = (one.key(), one.version_id(), one.last_modified()) else {
                continue;
            };
            let version = Version { id: id.to_owned(), etag: one.e_tag().unwrap_or_default().to_owned() };
            let history = all.entry(key.to_owned()).or_default();
            if one.is_latest().unwrap_or(false) {
                history.now = Some(version.clone());
            }
            note(history, &mut of, key, time.secs(), at, Some(version));
        }
        for one in page.delete_markers() {
            let (Some(key), Some(time)) = (one.key(), one.last_modified()) else { continue };
            note(all.entry(key.to_owned()).or_default(), &mut of, key, time.secs(), at, None);
        }
        if !page.is_truncated().unwrap_or(false) {
            return Ok(all);
        }
        (key_marker, version_marker) = (page.next_key_marker, page.next_version_id_marker);
    }
}

/// Takes a version, or its absence, as what was there at the time when none that is nearer to it is known.
fn note(
    history: &mut History,
    of: &mut BTreeMap<String, i64>,
    key: &str,
    second: i64,
    at: Timestamp,
    version: Option<Version>,
) {
    let is_later = second > at.as_second();
    // Of the same second the first one listed is the newest.
    if is_later || of.get(key).is_some_and(|nearest| *nearest >= second) {
        return;
    }
    of.insert(key.to_owned(), second);
    history.then = version;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_there_is_the_last_before_the_time() {
        let at = Timestamp::from_second(100).unwrap();
        let version = |id: &str| Some(Version { id: id.into(), etag: id.into() });
        let (mut history, mut of) = (History::default(), BTreeMap::new());
        for (second, what) in [(120, version("new")), (90, version("then")), (90, version("older")), (10, None)] {
            note(&mut history, &mut of, "k", second, at, what);
        }
        assert_eq!(history.then, version("then"));
        note(&mut history, &mut of, "k", 95, at, None);
        assert_eq!(history.then, None, "it was deleted before the time");
    }

    #[test]
    fn keys_go_into_a_header() {
        assert_eq!("media/größe 1.jpg".bytes().map(escaped).collect::<String>(), "media/gr%C3%B6%C3%9Fe%201.jpg");
    }
}
