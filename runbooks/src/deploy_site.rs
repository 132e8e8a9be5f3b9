//! Publishing the site: what changed goes to the bucket, assets first and pages last, and the content network forgets
//! what changed. Old assets stay as long as one of the last releases has them, because somebody may have an old page
//! open; pages that are no longer part of the site go at once.
//!
//! What a release consists of is written down, with the versions of the bucket's objects, so that an earlier one can be
//! put back without the folder it came from.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use aws_sdk_s3::primitives::ByteStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jewel_aws::classify;
use jewel_engine::Failure;
use jiff::Timestamp;
use serde::Serialize;

use crate::site::manifest::{Releases, SiteObject, SiteRelease, superseded};
use crate::site::{self, SiteFile};
use crate::{Context, Error};

/// How many files are sent at once.
const AT_ONCE: usize = 16;

/// How many releases can be put back. The bucket keeps replaced versions for 30 days.
const KEEP: usize = 5;

/// What to publish.
#[derive(Clone, Copy, Debug)]
pub struct DeploySite<'a> {
    /// A folder with an `index.html`.
    pub folder: &'a Path,
}

/// What happens while a site is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum SiteEvent {
    /// The files and the bucket were compared.
    Compared {
        /// Files to send.
        changed: usize,
        /// Files that are there already.
        unchanged: usize,
    },
    /// A file is in the bucket.
    Sent {
        /// Its path.
        key: String,
    },
    /// A file that is no longer part of the site is gone.
    Removed {
        /// Its path.
        key: String,
    },
    /// The content network was told to forget these.
    Invalidated {
        /// Paths, possibly with a wildcard.
        paths: Vec<String>,
    },
}

/// What publishing did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SiteReport {
    /// The release that visitors see; `None` when nothing was published.
    pub release: Option<String>,
    /// Files sent.
    pub sent: usize,
    /// Bytes sent.
    pub bytes: u64,
    /// Files that were there already.
    pub unchanged: usize,
    /// Files that are gone, because this or every kept release is without them.
    pub removed: usize,
    /// Objects of earlier sites that stay.
    pub left_over: usize,
    /// The invalidation's id, if one was needed.
    pub invalidation: Option<String>,
}

/// A callback for events.
pub type OnSiteEvent<'a> = &'a mut (dyn FnMut(SiteEvent) + Send);

/// Publishes a site. Doing it again with the same files sends nothing.
///
/// # Errors
/// When the folder cannot be read or AWS refuses. Pages change only after every asset is there.
pub async fn deploy_site(
    context: &Context<'_>,
    wanted: &DeploySite<'_>,
    on_event: OnSiteEvent<'_>,
) -> Result<SiteReport, Error> {
    let releases = releases(context);
    let (files, mut objects, earlier, current) = tokio::try_join!(
        read(wanted.folder),
        async { Ok(objects(context).await?) },
        async { Ok(releases.all().await?) },
        async { Ok(releases.current().await?) },
    )?;
    let keys: Vec<String> = files.iter().map(|file| file.key.clone()).collect();
    let changes = site::changes(files, &objects);
    let changed = changes.assets.len() + changes.pages.len();
    on_event(SiteEvent::Compared { changed, unchanged: changes.unchanged });
    let mut report = SiteReport { unchanged: changes.unchanged, ..SiteReport::default() };
    for group in [&changes.assets, &changes.pages] {
        let mut sending = stream::iter(group).map(|file| send(context, file)).buffer_unordered(AT_ONCE);
        while let Some((file, version_id)) = sending.try_next().await? {
            report.sent += 1;
            report.bytes += file.size;
            objects.insert(file.key.clone(), SiteObject { md5: file.md5.clone(), version_id });
            on_event(SiteEvent::Sent { key: file.key.clone() });
        }
    }
    let files: BTreeMap<String, SiteObject> =
        keys.into_iter().filter_map(|key| objects.remove(&key).map(|object| (key, object))).collect();
    let before = earlier.iter().find(|release| Some(&release.id) == current.as_ref());
    let gone = pages_gone(before, &files, &objects);
    remove(context, &gone, &mut report, on_event).await?;
    let sent = changes.assets.iter().chain(&changes.pages).map(|file| file.key.as_str());
    forget(context, sent.chain(gone.iter().map(String::as_str)), &mut report, on_event).await?;
    if before.is_some_and(|before| before.files == files) {
        report.release = current;
    } else {
        // Last: what is written down is there.
        let release = SiteRelease::new(files, Timestamp::now());
        releases.put(&release).await?;
        report.release = Some(release.id.clone());
        let all: Vec<SiteRelease> = earlier.into_iter().chain([release]).collect();
        tidy(context, &releases, &all, &mut report, on_event).await?;
    }
    report.left_over = objects.len().saturating_sub(report.removed);
    Ok(report)
}

/// What [`deploy_site`] would send, without sending anything.
///
/// # Errors
/// When the folder or the bucket cannot be read.
pub async fn compare_site(context: &Context<'_>, folder: &Path) -> Result<SiteReport, Error> {
    let (files, objects) = tokio::try_join!(read(folder), async { Ok(objects(context).await?) })?;
    let changes = site::changes(files, &objects);
    let to_send = || changes.assets.iter().chain(&changes.pages);
    Ok(SiteReport {
        sent: to_send().count(),
        bytes: to_send().map(|file| file.size).sum(),
        unchanged: changes.unchanged,
        left_over: changes.left_over,
        ..SiteReport::default()
    })
}

/// The releases of the site that can be put back, newest first, and the id of the one that visitors see.
///
/// # Errors
/// When AWS refuses.
pub async fn site_releases(context: &Context<'_>) -> Result<(Vec<SiteRelease>, Option<String>), Error> {
    let releases = releases(context);
    let (mut all, current) = tokio::try_join!(releases.all(), releases.current())?;
    all.reverse();
    Ok((all, current))
}

/// Puts a release of the site back: what differs is copied from the versions that the bucket has kept, assets first.
///
/// # Errors
/// When AWS refuses, as when a version is gone. Pages change only after every asset is there.
pub async fn put_back_site(
    context: &Context<'_>,
    wanted: &SiteRelease,
    on_event: OnSiteEvent<'_>,
) -> Result<SiteReport, Error> {
    let releases = releases(context);
    let (objects, all, current) = tokio::try_join!(objects(context), releases.all(), releases.current())?;
    let differs = |(key, object): &(&String, &SiteObject)| objects.get(*key).is_none_or(|now| now.md5 != object.md5);
    let (pages, assets): (Vec<_>, Vec<_>) =
        wanted.files.iter().filter(differs).partition(|(key, _)| site::is_page(key));
    let changed = pages.len() + assets.len();
    let mut report = SiteReport { unchanged: wanted.files.len() - changed, ..SiteReport::default() };
    on_event(SiteEvent::Compared { changed, unchanged: report.unchanged });
    for group in [&assets, &pages] {
        let mut copying =
            stream::iter(group.iter()).map(|(key, object)| copy(context, key, object)).buffer_unordered(AT_ONCE);
        while let Some(key) = copying.try_next().await? {
            report.sent += 1;
            on_event(SiteEvent::Sent { key: key.to_owned() });
        }
    }
    let before = all.iter().find(|release| Some(&release.id) == current.as_ref());
    let gone = pages_gone(before, &wanted.files, &objects);
    remove(context, &gone, &mut report, on_event).await?;
    let copied = assets.iter().chain(&pages).map(|(key, _)| key.as_str());
    forget(context, copied.chain(gone.iter().map(String::as_str)), &mut report, on_event).await?;
    releases.point(&wanted.id).await?;
    report.release = Some(wanted.id.clone());
    Ok(report)
}

fn releases<'a>(context: &Context<'a>) -> Releases<'a> {
    Releases { s3: &context.clients.s3, bucket: &context.outputs.operations_bucket }
}

/// The folder's files, read while AWS is asked.
async fn read(folder: &Path) -> Result<Vec<SiteFile>, Error> {
    let folder = folder.to_owned();
    match tokio::task::spawn_blocking(move || site::read(&folder)).await {
        Ok(files) => files,
        Err(died) => std::panic::resume_unwind(died.into_panic()),
    }
}

/// The bucket's objects in their newest version.
async fn objects(context: &Context<'_>) -> Result<HashMap<String, SiteObject>, Failure> {
    let bucket = &context.outputs.site_bucket;
    let mut objects = HashMap::new();
    let (mut key, mut version) = (None, None);
    loop {
        let list = context.clients.s3.list_object_versions().bucket(bucket);
        let list = list.set_key_marker(key).set_version_id_marker(version).send().await;
        let page = list.map_err(|error| classify(format!("list bucket {bucket}"), error))?;
        for object in page.versions.unwrap_or_default().into_iter().filter(|one| one.is_latest == Some(true)) {
            let md5 = object.e_tag.unwrap_or_default().trim_matches('"').to_owned();
            objects.insert(object.key.unwrap_or_default(), SiteObject { md5, version_id: object.version_id });
        }
        if page.is_truncated != Some(true) {
            return Ok(objects);
        }
        (key, version) = (page.next_key_marker, page.next_version_id_marker);
    }
}

async fn send<'f>(context: &Context<'_>, file: &'f SiteFile) -> Result<(&'f SiteFile, Option<String>), Error> {
    let unreadable = |source| Error::SiteFile { path: file.path.clone(), source };
    let body = tokio::fs::read(&file.path).await.map_err(unreadable)?;
    let put = context
        .clients
        .s3
        .put_object()
        .bucket(&context.outputs.site_bucket)
        .key(&file.key)
        .content_type(site::content_type(&file.key))
        .cache_control(site::cache_control(&file.key))
        .body(ByteStream::from(body));
    let answer = put.send().await.map_err(|error| classify(format!("send {} to the site", file.key), error))?;
    Ok((file, answer.version_id))
}

async fn copy<'f>(context: &Context<'_>, key: &'f str, object: &SiteObject) -> Result<&'f str, Error> {
    let bucket = &context.outputs.site_bucket;
    let version = object.version_id.as_deref().map_or_else(String::new, |id| format!("?versionId={id}"));
    let copy = context
        .clients
        .s3
        .copy_object()
        .bucket(bucket)
        .key(key)
        .copy_source(format!("{bucket}/{}{version}", site::encoded(key)));
    copy.send().await.map_err(|error| classify(format!("put {key} of the site back"), error))?;
    Ok(key)
}

/// Pages of the release before that this one is without, as far as they are there.
fn pages_gone(
    before: Option<&SiteRelease>,
    files: &BTreeMap<String, SiteObject>,
    objects: &HashMap<String, SiteObject>,
) -> Vec<String> {
    let before = before.into_iter().flat_map(|before| before.files.keys());
    let gone = before.filter(|key| site::is_page(key) && !files.contains_key(*key) && objects.contains_key(*key));
    gone.cloned().collect()
}

async fn remove(
    context: &Context<'_>,
    keys: &[String],
    report: &mut SiteReport,
    on_event: OnSiteEvent<'_>,
) -> Result<(), Error> {
    for key in keys {
        let delete = context.clients.s3.delete_object().bucket(&context.outputs.site_bucket).key(key);
        delete.send().await.map_err(|error| classify(format!("remove {key} from the site"), error))?;
        report.removed += 1;
        on_event(SiteEvent::Removed { key: key.clone() });
    }
    Ok(())
}

/// Forgets releases beyond the last few, after the objects that only they have.
async fn tidy(
    context: &Context<'_>,
    releases: &Releases<'_>,
    all: &[SiteRelease],
    report: &mut SiteReport,
    on_event: OnSiteEvent<'_>,
) -> Result<(), Error> {
    let current = all.last().map_or("", |release| release.id.as_str());
    let (ids, objects) = superseded(all, current, KEEP);
    remove(context, &objects, report, on_event).await?;
    for id in ids {
        releases.forget(&id).await?;
    }
    Ok(())
}

async fn forget<'k>(
    context: &Context<'_>,
    changed: impl Iterator<Item = &'k str>,
    report: &mut SiteReport,
    on_event: OnSiteEvent<'_>,
) -> Result<(), Error> {
    let paths = site::invalidation(changed);
    if !paths.is_empty() {
        report.invalidation = Some(invalidate(context, &paths).await?);
        on_event(SiteEvent::Invalidated { paths });
    }
    Ok(())
}

async fn invalidate(context: &Context<'_>, paths: &[String]) -> Result<String, Failure> {
    let distribution = &context.outputs.distribution_id;
    let action = || format!("invalidate distribution {distribution}");
    let unfit = |error: aws_sdk_cloudfront::error::BuildError| Failure::permanent(action(), error.to_string());
    let items = Paths::builder()
        .quantity(i32::try_from(paths.len()).unwrap_or(i32::MAX))
        .set_items(Some(paths.to_vec()))
        .build()
        .map_err(unfit)?;
    let reference = format!("site-{}", Timestamp::now().as_microsecond());
    let batch = InvalidationBatch::builder().paths(items).caller_reference(reference).build().map_err(unfit)?;
    let create = context.clients.cloudfront.create_invalidation().distribution_id(distribution);
    let answer = create.invalidation_batch(batch).send().await.map_err(|error| classify(action(), error))?;
    Ok(answer.invalidation.map(|invalidation| invalidation.id).unwrap_or_default())
}
