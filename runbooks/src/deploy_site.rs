//! Publishing the site: what changed goes to the bucket, assets first and pages last, and the content network forgets
//! the pages that changed. Old assets stay, because somebody may have an old page open.

use std::collections::HashMap;
use std::path::Path;

use aws_sdk_cloudfront::types::{InvalidationBatch, Paths};
use aws_sdk_s3::primitives::ByteStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jewel_aws::classify;
use jewel_engine::Failure;
use serde::Serialize;

use crate::site::{self, SiteFile};
use crate::{Context, Error};

/// How many files are sent at once.
const AT_ONCE: usize = 16;

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
    /// The folder and the bucket were compared.
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
    /// The content network was told to forget these.
    Invalidated {
        /// Paths, possibly with a wildcard.
        paths: Vec<String>,
    },
}

/// What publishing did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SiteReport {
    /// Files sent.
    pub sent: usize,
    /// Bytes sent.
    pub bytes: u64,
    /// Files that were there already.
    pub unchanged: usize,
    /// Objects of earlier sites that stay.
    pub left_over: usize,
    /// The invalidation's id, if one was needed.
    pub invalidation: Option<String>,
}

/// Publishes a site. Doing it again with the same files sends nothing.
///
/// # Errors
/// When the folder cannot be read or AWS refuses. Pages change only after every asset is there.
pub async fn deploy_site(
    context: &Context<'_>,
    wanted: &DeploySite<'_>,
    on_event: &mut (dyn FnMut(SiteEvent) + Send),
) -> Result<SiteReport, Error> {
    let files = site::read(wanted.folder)?;
    let changes = site::changes(files, &objects(context).await?);
    let changed = changes.assets.len() + changes.pages.len();
    on_event(SiteEvent::Compared { changed, unchanged: changes.unchanged });
    let mut report = SiteReport { unchanged: changes.unchanged, left_over: changes.left_over, ..SiteReport::default() };
    for group in [&changes.assets, &changes.pages] {
        let mut sending = stream::iter(group).map(|file| send(context, file)).buffer_unordered(AT_ONCE);
        while let Some(file) = sending.try_next().await? {
            report.sent += 1;
            report.bytes += file.size;
            on_event(SiteEvent::Sent { key: file.key.clone() });
        }
    }
    let paths = site::invalidation(&changes);
    if !paths.is_empty() {
        report.invalidation = Some(invalidate(context, &paths, &changes).await?);
        on_event(SiteEvent::Invalidated { paths });
    }
    Ok(report)
}

/// What [`deploy_site`] would send, without sending anything.
///
/// # Errors
/// When the folder or the bucket cannot be read.
pub async fn compare_site(context: &Context<'_>, folder: &Path) -> Result<SiteReport, Error> {
    let files = site::read(folder)?;
    let changes = site::changes(files, &objects(context).await?);
    let to_send = || changes.assets.iter().chain(&changes.pages);
    Ok(SiteReport {
        sent: to_send().count(),
        bytes: to_send().map(|file| file.size).sum(),
        unchanged: changes.unchanged,
        left_over: changes.left_over,
        invalidation: None,
    })
}

/// The bucket's objects: key and ETag without its quotes.
async fn objects(context: &Context<'_>) -> Result<HashMap<String, String>, Failure> {
    let bucket = &context.outputs.site_bucket;
    let mut pages = context.clients.s3.list_objects_v2().bucket(bucket).into_paginator().send();
    let mut objects = HashMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify(format!("list bucket {bucket}"), error))?;
        for object in page.contents.unwrap_or_default() {
            let etag = object.e_tag.unwrap_or_default().trim_matches('"').to_owned();
            objects.insert(object.key.unwrap_or_default(), etag);
        }
    }
    Ok(objects)
}

async fn send<'f>(context: &Context<'_>, file: &'f SiteFile) -> Result<&'f SiteFile, Error> {
    let unreadable = |source| Error::SiteFile { path: file.path.clone(), source };
    let body = tokio::fs::read(&file.path).await.map_err(unreadable)?;
    let put = context
        .clients
        .s3
        .put_object()
        .bucket(&context.outputs.site_bucket)
        .key(&file.key)
        .content_type(site::content_type(&file.key))
        .cache_control(file.cache_control())
        .body(ByteStream::from(body));
    put.send().await.map_err(|error| classify(format!("send {} to the site", file.key), error))?;
    Ok(file)
}

async fn invalidate(context: &Context<'_>, paths: &[String], changes: &site::Changes) -> Result<String, Failure> {
    let distribution = &context.outputs.distribution_id;
    let action = || format!("invalidate distribution {distribution}");
    let unfit = |error: aws_sdk_cloudfront::error::BuildError| Failure::permanent(action(), error.to_string());
    let items = Paths::builder()
        .quantity(i32::try_from(paths.len()).unwrap_or(i32::MAX))
        .set_items(Some(paths.to_vec()))
        .build()
        .map_err(unfit)?;
    let batch =
        InvalidationBatch::builder().paths(items).caller_reference(reference(changes)).build().map_err(unfit)?;
    let create = context.clients.cloudfront.create_invalidation().distribution_id(distribution);
    let answer = create.invalidation_batch(batch).send().await.map_err(|error| classify(action(), error))?;
    Ok(answer.invalidation.map(|invalidation| invalidation.id).unwrap_or_default())
}

/// A name for this invalidation: the time alone could be had twice, the content alone could come back.
fn reference(changes: &site::Changes) -> String {
    let first = changes.pages.first().or(changes.assets.first()).map_or("", |file| file.md5.as_str());
    format!("site-{}-{first}", jiff::Timestamp::now().as_millisecond())
}
