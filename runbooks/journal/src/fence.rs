//! Ending the epochs of processes that may still run, before a restore reads what they wrote.
//!
//! A fence is two objects in a row at the end of an epoch, which no writer passes (see [`writer`](crate::Writer)): of the
//! second of them it cannot think that it wrote it. Once both stand, nothing of that epoch is acknowledged any more, and
//! all that was acknowledged stands before them.
//!
//! A fence ends epochs that there are. A process that starts anew opens another one, so whoever restores takes the old
//! machine's key away, or stops it, before the fence.

use time::OffsetDateTime;

use crate::{
    Answer, Append, FORMAT, Hash, Header, Key, Kind, Object, Source, SourceError,
    format::{self, Malformed},
};

/// How often an epoch's end is looked for: each time, its writer was faster or an answer was lost.
const ATTEMPTS: usize = 1000;

/// An epoch that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its last object.
    pub last: Key,
    /// Whether its writer closed it itself.
    pub closed: bool,
}

/// Why an epoch could not be ended.
#[derive(Debug, thiserror::Error)]
pub enum FenceError {
    /// The journal cannot be read.
    #[error("the journal cannot be read")]
    Source(#[source] SourceError),
    /// The end of an epoch is no object of the journal.
    #[error("object {key} is no object of the journal")]
    Malformed {
        /// Where.
        key: Key,
        /// What is wrong with it.
        #[source]
        source: Malformed,
    },
    /// The fence could not be written down.
    #[error("an object could not be made")]
    Encode(#[from] serde_json::Error),
    /// It did not come to an end.
    #[error("epoch {0} could not be ended: somebody goes on writing it, or no answer arrives")]
    Restless(u64),
}

/// Ends every epoch from this one on, and returns where. What is over already stays as it is.
///
/// # Errors
/// When the journal can't be read or written. Then some epochs are ended, and it can be done again.
pub async fn fence<S: Source + Append>(store: &S, from: u64, at: OffsetDateTime) -> Result<Vec<Ended>, FenceError> {
    let keys = store.keys(Key { epoch: from, seq: 0 }).await.map_err(FenceError::Source)?;
    let mut ended = Vec::new();
    for (index, key) in keys.iter().enumerate() {
        if keys.get(index + 1).is_none_or(|next| next.epoch != key.epoch) {
            ended.push(end(store, *key, at).await?);
        }
    }
    Ok(ended)
}

/// Ends an epoch that has at least the objects up to `seen`.
async fn end<S: Source + Append>(store: &S, seen: Key, at: OffsetDateTime) -> Result<Ended, FenceError> {
    let Key { epoch, seq } = seen;
    let mut from = Key { epoch, seq: seq.saturating_sub(1) };
    for _ in 0..ATTEMPTS {
        let keys = store.keys(from).await.map_err(FenceError::Source)?;
        let mut from_the_end = keys.into_iter().rev().filter(|key| key.epoch == epoch);
        let Some(last) = from_the_end.next() else { continue };
        from.seq = last.seq.saturating_sub(1);
        let bytes = store.get(last).await.map_err(FenceError::Source)?;
        match kind(last, &bytes)? {
            Kind::Close => return Ok(Ended { last, closed: true }),
            Kind::Fence => {
                let Some(before) = from_the_end.next() else { continue };
                let bytes = store.get(before).await.map_err(FenceError::Source)?;
                if kind(before, &bytes)? == Kind::Fence {
                    return Ok(Ended { last, closed: false });
                }
            }
            Kind::Open | Kind::Events => {}
        }
        let key = last.next();
        let header = Header {
            format: FORMAT,
            kind: Kind::Fence,
            epoch,
            seq: key.seq,
            previous: Some(Hash::of(&bytes)),
            before_fence: None,
            at,
            release: None,
            count: 0,
        };
        // Whatever the answer, the next look says how it is.
        let (Answer::Stored | Answer::Taken | Answer::Unknown) =
            store.put_new(key, &format::encode(&header, &[])?).await;
    }
    Err(FenceError::Restless(epoch))
}

fn kind(key: Key, bytes: &[u8]) -> Result<Kind, FenceError> {
    let object = Object::decode(bytes).map_err(|source| FenceError::Malformed { key, source })?;
    Ok(object.header.kind)
}
