//! The shop's journal in its bucket, read and fenced with the operator's credentials. The API itself can only add to it.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use jewel_aws::{Clients, Outputs, classify};
use jewel_engine::Failure;
use jewel_journal::{Answer, Append, Key, Object, Source, SourceError};
use jiff::Timestamp;

use crate::Error;

/// Below it is the journal; the API's policy names it.
pub(crate) const PREFIX: &str = "journal";
/// What a database may lack although it is as old as it says: clocks differ, and a row may be in its outbox for a while
/// before it is in the journal.
const MARGIN_SECONDS: i64 = 24 * 60 * 60;

/// Where the journal is.
#[derive(Clone, Debug)]
pub struct Journal {
    s3: Client,
    bucket: String,
}

impl Journal {
    /// The shop's.
    #[must_use]
    pub fn of(clients: &Clients, outputs: &Outputs) -> Self {
        Self { s3: clients.s3.clone(), bucket: outputs.backups_bucket.clone() }
    }

    /// Its address, for people.
    #[must_use]
    pub fn place(&self) -> String {
        format!("s3://{}/{PREFIX}", self.bucket)
    }

    /// The first epoch that may have something which a database of this time lacks: the last that began a day before it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn first_epoch_for(&self, time: Timestamp) -> Result<u64, Error> {
        let unreadable = |source| Error::Journal { place: self.place(), source };
        let before = time.as_second() - MARGIN_SECONDS;
        let mut epochs: Vec<Key> = self.keys(Key { epoch: 0, seq: 0 }).await.map_err(unreadable)?;
        epochs.dedup_by_key(|key| key.epoch);
        for key in epochs.into_iter().rev() {
            let bytes = self.get(key).await.map_err(unreadable)?;
            let object = Object::decode(&bytes).map_err(|error| unreadable(error.into()))?;
            if object.header.at.unix_timestamp() < before {
                return Ok(key.epoch);
            }
        }
        Ok(0)
    }

    fn object_key(key: Key) -> String {
        format!("{PREFIX}/{key}")
    }
}

impl Source for Journal {
    async fn keys(&self, from: Key) -> Result<Vec<Key>, SourceError> {
        let list = self.s3.list_objects_v2().bucket(&self.bucket).prefix(format!("{PREFIX}/"));
        // The names sort as the keys do. Its own object is to be there too, and `start_after` leaves that one out.
        let mut pages = list.start_after(format!("{PREFIX}/{:020}/", from.epoch)).into_paginator().send();
        let mut keys = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| classify(format!("list {}", self.place()), error))?;
            for object in page.contents() {
                let name = object.key().and_then(|name| name.strip_prefix(PREFIX)?.strip_prefix('/'));
                let key: Key = name.unwrap_or_default().parse()?;
                if key >= from {
                    keys.push(key);
                }
            }
        }
        Ok(keys)
    }

    async fn get(&self, key: Key) -> Result<Vec<u8>, SourceError> {
        let name = Self::object_key(key);
        let sent = self.s3.get_object().bucket(&self.bucket).key(&name).send().await;
        let answer = sent.map_err(|error| classify(format!("read s3://{}/{name}", self.bucket), error))?;
        Ok(answer.body.collect().await?.to_vec())
    }
}

impl Append for Journal {
    async fn put_new(&self, key: Key, object: &[u8]) -> Answer {
        let name = Self::object_key(key);
        let put = self.s3.put_object().bucket(&self.bucket).key(&name).if_none_match("*");
        let put = put.content_type("application/x-ndjson").body(ByteStream::from(object.to_vec()));
        match put.send().await {
            Ok(_) => Answer::Stored,
            Err(error) if error.raw_response().is_some_and(|answer| answer.status().as_u16() == 412) => Answer::Taken,
            Err(error) => {
                let failure: Failure = classify(format!("write s3://{}/{name}", self.bucket), error);
                tracing::warn!(%failure, "an object of the journal may not have arrived");
                Answer::Unknown
            }
        }
    }
}
