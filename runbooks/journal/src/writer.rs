//! Writing an epoch, by whom may only add objects and never look.
//!
//! # The protocol
//! A process writes the objects 0, 1, 2 and so on of an epoch of its own, one at a time, each only if there is none of its
//! key. It goes on to the next when it knows that there is one of this key, so there is never a gap. Of an attempt it may
//! not learn what became: then it sends the same bytes again, until it is told.
//!
//! * `Stored`: the events are durable, and whoever waits for them is told.
//! * `Taken` at the first attempt: somebody ended the epoch with a [fence](crate::fence). Nothing is acknowledged again.
//! * `Taken` after an attempt of unknown outcome: that attempt arrived, or somebody fenced. The events go into the next
//!   object as well, and are durable when that one is stored: twice does no harm, an event has an id. When that one is
//!   taken too, the epoch is given up, even if both are our own: a fence is two objects in a row, and so no writer passes it.
//!
//! Why nothing acknowledged is missing for whoever fences first and reads then: an acknowledged event is in an object that
//! answered `Stored`, all objects before that one exist, and the two of the fence stand after it.

use time::OffsetDateTime;

use crate::{Answer, Append, FORMAT, Hash, Header, Key, Kind, format};

/// Writes one epoch.
#[derive(Debug)]
pub struct Writer {
    next: Key,
    previous: Option<Hash>,
}

/// Why an epoch is written no further. Another process, or this one started anew, opens another.
#[derive(Debug, thiserror::Error)]
pub enum GivenUp {
    /// The epoch's number was taken before.
    #[error("epoch {0} is there already")]
    Taken(u64),
    /// Somebody ended it.
    #[error("the journal was fenced at {0}: another database is the shop's now")]
    Fenced(Key),
    /// It cannot be told whether somebody ended it.
    #[error("two answers in a row were lost up to {0}: this part of the journal is given up")]
    Doubtful(Key),
    /// A header could not be written down.
    #[error("an object could not be made")]
    Encode(#[from] serde_json::Error),
}

/// An object to write: its header but for its place.
struct Content<'a> {
    kind: Kind,
    at: OffsetDateTime,
    release: Option<&'a str>,
    lines: &'a [&'a str],
}

enum Put {
    Stored,
    /// Taken; `ours` when it may be an earlier attempt that took it.
    Taken {
        perhaps_ours: bool,
    },
}

impl Writer {
    /// Begins an epoch.
    ///
    /// # Errors
    /// When there is one of this number: then another number is tried. That it may be ours does no harm, it stays empty.
    pub async fn open(
        store: &impl Append,
        epoch: u64,
        release: Option<&str>,
        at: OffsetDateTime,
    ) -> Result<Self, GivenUp> {
        let mut writer = Self { next: Key { epoch, seq: 0 }, previous: None };
        let object = writer.seal(&Content { kind: Kind::Open, at, release, lines: &[] }, None)?;
        match put(store, writer.next, &object).await {
            Put::Stored => {
                writer.advance(&object);
                Ok(writer)
            }
            Put::Taken { .. } => Err(GivenUp::Taken(epoch)),
        }
    }

    /// Writes events, each the text of one, and returns when they are durable.
    ///
    /// # Errors
    /// When the epoch is over: then it is not known what became of them, and nothing more may be written with this writer.
    pub async fn append(&mut self, store: &impl Append, events: &[&str], at: OffsetDateTime) -> Result<Key, GivenUp> {
        self.write(store, &Content { kind: Kind::Events, at, release: None, lines: events }).await
    }

    /// Says that this was all.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub async fn close(mut self, store: &impl Append, at: OffsetDateTime) -> Result<Key, GivenUp> {
        self.write(store, &Content { kind: Kind::Close, at, release: None, lines: &[] }).await
    }

    /// The epoch's number.
    pub fn epoch(&self) -> u64 {
        self.next.epoch
    }

    async fn write(&mut self, store: &impl Append, content: &Content<'_>) -> Result<Key, GivenUp> {
        let object = self.seal(content, None)?;
        let key = self.next;
        match put(store, key, &object).await {
            Put::Stored => {
                self.advance(&object);
                return Ok(key);
            }
            Put::Taken { perhaps_ours: false } => return Err(GivenUp::Fenced(key)),
            Put::Taken { perhaps_ours: true } => {}
        }
        let before_fence = self.previous;
        self.advance(&object);
        let object = self.seal(content, before_fence)?;
        let key = self.next;
        match put(store, key, &object).await {
            Put::Stored => {
                self.advance(&object);
                Ok(key)
            }
            Put::Taken { perhaps_ours: false } => Err(GivenUp::Fenced(key)),
            Put::Taken { perhaps_ours: true } => Err(GivenUp::Doubtful(key)),
        }
    }

    fn seal(&self, content: &Content<'_>, before_fence: Option<Hash>) -> Result<Vec<u8>, GivenUp> {
        let header = Header {
            format: FORMAT,
            kind: content.kind,
            epoch: self.next.epoch,
            seq: self.next.seq,
            previous: self.previous,
            before_fence,
            at: content.at,
            release: content.release.map(ToOwned::to_owned),
            count: content.lines.len() as u64,
        };
        Ok(format::encode(&header, content.lines)?)
    }

    fn advance(&mut self, object: &[u8]) {
        self.previous = Some(Hash::of(object));
        self.next = self.next.next();
    }
}

/// The same bytes again until there is an answer.
async fn put(store: &impl Append, key: Key, object: &[u8]) -> Put {
    let mut perhaps_ours = false;
    loop {
        match store.put_new(key, object).await {
            Answer::Stored => return Put::Stored,
            Answer::Taken => return Put::Taken { perhaps_ours },
            Answer::Unknown => perhaps_ours = true,
        }
    }
}
