//! The releases of a site: which files each has, and which versions of the bucket's objects those are. Kept in the
//! operations bucket, so that what visitors see can be put back.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_s3::{Client, primitives::ByteStream};
use jewel_aws::classify;
use jewel_engine::{Failure, FailureKind};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

const PREFIX: &str = "site/releases/";
/// Holds the id of the release that visitors see.
const CURRENT: &str = "site/current";

/// A release of the site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteRelease {
    /// The version of this form.
    pub format_version: u32,
    /// Its id; sorts by time.
    pub id: String,
    /// When it was published.
    pub published_at: Timestamp,
    /// Its files, by their path.
    pub files: BTreeMap<String, SiteObject>,
}

/// A file of a release, as an object of the site's bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SiteObject {
    /// The MD5 of its content in hex, which S3 calls its ETag.
    pub md5: String,
    /// The version of the object.
    pub version_id: Option<String>,
}

impl SiteRelease {
    /// A release of these files that is published now.
    pub(crate) fn new(files: BTreeMap<String, SiteObject>, now: Timestamp) -> Self {
        let id = now.strftime("%Y%m%dT%H%M%S%.3fZ").to_string();
        Self { format_version: 1, id, published_at: now, files }
    }
}

/// Of these releases, oldest first, those to forget when `keep` are to stay, and the objects that only they have.
pub(crate) fn superseded(releases: &[SiteRelease], current: &str, keep: usize) -> (Vec<String>, Vec<String>) {
    let old = releases.len().saturating_sub(keep);
    let (forgotten, kept): (Vec<_>, Vec<_>) =
        releases.iter().enumerate().partition(|(at, release)| *at < old && release.id != current);
    let keys = |releases: &[(usize, &SiteRelease)]| -> BTreeSet<String> {
        releases.iter().flat_map(|(_, release)| release.files.keys().cloned()).collect()
    };
    let objects = keys(&forgotten).difference(&keys(&kept)).cloned().collect();
    (forgotten.into_iter().map(|(_, release)| release.id.clone()).collect(), objects)
}

/// Where releases are kept.
pub(crate) struct Releases<'a> {
    pub(crate) s3: &'a Client,
    pub(crate) bucket: &'a str,
}

impl Releases<'_> {
    /// All of them, oldest first.
    pub(crate) async fn all(&self) -> Result<Vec<SiteRelease>, Failure> {
        let action = "list the site's releases";
        let mut pages = self.s3.list_objects_v2().bucket(self.bucket).prefix(PREFIX).into_paginator().send();
        let mut releases = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(action, error))?;
            for object in page.contents() {
                let key = object.key().unwrap_or_default();
                if let Some(text) = self.read(key).await? {
                    let release = serde_json::from_slice(&text);
                    let unfit = |error: serde_json::Error| Failure::permanent(format!("read {key}"), error.to_string());
                    releases.push(release.map_err(unfit)?);
                }
            }
        }
        Ok(releases)
    }

    /// The id of the one that visitors see.
    pub(crate) async fn current(&self) -> Result<Option<String>, Failure> {
        let text = self.read(CURRENT).await?;
        Ok(text.map(|text| String::from_utf8_lossy(&text).trim().to_owned()))
    }

    /// Writes a release down. It is the one that visitors see from now on.
    pub(crate) async fn put(&self, release: &SiteRelease) -> Result<(), Failure> {
        let action = format!("write down the site's release {}", release.id);
        let text = serde_json::to_vec(release).map_err(|error| Failure::permanent(&action, error.to_string()))?;
        self.write(&key(&release.id), text).await?;
        self.point(&release.id).await
    }

    /// Says which one visitors see.
    pub(crate) async fn point(&self, id: &str) -> Result<(), Failure> {
        self.write(CURRENT, id.as_bytes().to_vec()).await
    }

    /// Forgets a release.
    pub(crate) async fn forget(&self, id: &str) -> Result<(), Failure> {
        let sent = self.s3.delete_object().bucket(self.bucket).key(key(id)).send().await;
        sent.map(drop).map_err(|error| classify(format!("forget the site's release {id}"), error))
    }

    async fn write(&self, key: &str, content: Vec<u8>) -> Result<(), Failure> {
        let put = self.s3.put_object().bucket(self.bucket).key(key).body(ByteStream::from(content));
        put.send().await.map(drop).map_err(|error| classify(format!("write {key}"), error))
    }

    async fn read(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        let action = format!("read {key}");
        let object = match self.s3.get_object().bucket(self.bucket).key(key).send().await {
            Ok(object) => object,
            Err(error) => {
                let failure = classify(&action, error);
                return if failure.kind == FailureKind::NotFound { Ok(None) } else { Err(failure) };
            }
        };
        let lost = |why: String| Failure::new(FailureKind::Transient, &action, why);
        Ok(Some(object.body.collect().await.map_err(|error| lost(error.to_string()))?.into_bytes().to_vec()))
    }
}

fn key(id: &str) -> String {
    format!("{PREFIX}{id}.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(number: i64, keys: &[&str]) -> SiteRelease {
        let object = || SiteObject { md5: String::new(), version_id: None };
        let files = keys.iter().map(|key| ((*key).to_owned(), object())).collect();
        SiteRelease::new(files, Timestamp::from_second(number).unwrap())
    }

    #[test]
    fn ids_sort_by_time() {
        assert_eq!(release(0, &[]).id, "19700101T000000.000Z");
        assert!(release(9, &[]).id < release(10, &[]).id);
    }

    #[test]
    fn what_no_kept_release_has_is_forgotten_with_the_last_that_had_it() {
        let all = [release(1, &["a", "b"]), release(2, &["b", "c"]), release(3, &["c", "d"])];
        let newest = all[2].id.as_str();
        assert_eq!(superseded(&all, newest, 3), (vec![], vec![]));
        assert_eq!(superseded(&all, newest, 2), (vec![all[0].id.clone()], vec!["a".to_owned()]));
        let (forgotten, objects) = superseded(&all, &all[0].id, 1);
        assert_eq!((forgotten, objects), (vec![all[1].id.clone()], vec![]), "what visitors see stays");
    }
}
