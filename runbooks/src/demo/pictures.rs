//! The pictures' way into the media bucket.

use std::collections::HashMap;

use aws_sdk_s3::primitives::ByteStream;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jewel_aws::classify;
use jewel_engine::Failure;
use md5::{Digest as _, Md5};

use super::catalogue::{Catalogue, Piece};
use super::picture::{self, View};

/// Where all pictures are.
pub(super) const PREFIX: &str = "media/products/";
/// How many are sent at once.
const AT_ONCE: usize = 16;
/// A day in the browser, a week while a fresh one is fetched: pictures keep their names when they change.
const CACHE_CONTROL: &str = "public, max-age=86400, stale-while-revalidate=604800";

/// A picture and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Picture {
    pub(super) key: String,
    pub(super) svg: String,
}

/// The place of a piece's picture; positions begin at 1.
pub(super) fn key(piece: &Piece, position: usize) -> String {
    format!("{PREFIX}{}/{position}.svg", piece.slug)
}

/// Draws both pictures of every piece.
pub(super) fn draw(catalogue: &Catalogue) -> Vec<Picture> {
    let draw = |piece: &Piece, position: usize, view: View| Picture {
        key: key(piece, position),
        svg: picture::draw(&piece.slug, piece.design, piece.shown_in(), view),
    };
    catalogue.pieces.iter().flat_map(|piece| [draw(piece, 1, View::Front), draw(piece, 2, View::Detail)]).collect()
}

/// Sends what the bucket lacks or has differently; gives how many that were.
pub(super) async fn publish(
    s3: &aws_sdk_s3::Client,
    bucket: &str,
    pictures: Vec<Picture>,
    on_sent: &mut (dyn FnMut(usize, usize) + Send),
) -> Result<usize, Failure> {
    let there = etags(s3, bucket).await?;
    let missing: Vec<Picture> = pictures
        .into_iter()
        .filter(|picture| there.get(&picture.key) != Some(&hex::encode(Md5::digest(&picture.svg))))
        .collect();
    let total = missing.len();
    let mut sending = stream::iter(missing).map(|picture| send(s3, bucket, picture)).buffer_unordered(AT_ONCE);
    let mut sent = 0;
    while sending.try_next().await?.is_some() {
        sent += 1;
        on_sent(sent, total);
    }
    Ok(sent)
}

/// Key and ETag without its quotes: for an object sent in one piece and encrypted by S3 itself that is its MD5.
async fn etags(s3: &aws_sdk_s3::Client, bucket: &str) -> Result<HashMap<String, String>, Failure> {
    let mut pages = s3.list_objects_v2().bucket(bucket).prefix(PREFIX).into_paginator().send();
    let mut etags = HashMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify(format!("list {PREFIX} in bucket {bucket}"), error))?;
        for object in page.contents.unwrap_or_default() {
            let etag = object.e_tag.unwrap_or_default().trim_matches('"').to_owned();
            etags.insert(object.key.unwrap_or_default(), etag);
        }
    }
    Ok(etags)
}

async fn send(s3: &aws_sdk_s3::Client, bucket: &str, picture: Picture) -> Result<(), Failure> {
    let action = format!("send {} to bucket {bucket}", picture.key);
    s3.put_object()
        .bucket(bucket)
        .key(picture.key)
        .content_type("image/svg+xml")
        .cache_control(CACHE_CONTROL)
        .body(ByteStream::from(picture.svg.into_bytes()))
        .send()
        .await
        .map_err(|error| classify(action, error))?;
    Ok(())
}
