//! Format 1: how events stand in objects, and how an object says what came before it.
//!
//! Written down for others in `runbooks/pages/journal.md`; the files in `golden/` must stay readable.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::Digest as _;
use time::OffsetDateTime;

use crate::Event;

/// The format written here.
pub const FORMAT: u32 = 1;

/// Where an object stands: which process's, and which of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The number of the process's part of the journal.
    pub epoch: u64,
    /// The object's number in that part, from 0.
    pub seq: u64,
}

impl Key {
    /// The first there can be.
    pub const FIRST: Self = Self { epoch: 0, seq: 0 };

    /// The one after it in the same epoch.
    #[must_use]
    pub fn next(self) -> Self {
        Self { seq: self.seq + 1, ..self }
    }
}

/// The key below the journal's prefix: names sort as numbers do.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:020}/{:020}", self.epoch, self.seq)
    }
}

/// A name that is no key of the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an epoch and a number of 20 digits each")]
pub struct NotAKey;

impl FromStr for Key {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let number = |part: &str| {
            let is_number = part.len() == 20 && part.bytes().all(|byte| byte.is_ascii_digit());
            part.parse().ok().filter(|_| is_number).ok_or(NotAKey)
        };
        let (epoch, seq) = text.split_once('/').ok_or(NotAKey)?;
        Ok(Self { epoch: number(epoch)?, seq: number(seq)? })
    }
}

/// The SHA-256 of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash([u8; 32]);

impl Hash {
    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The bytes of the hash itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hex::encode(hash.0)
    }
}

impl TryFrom<String> for Hash {
    type Error = hex::FromHexError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map(|()| Self(bytes))
    }
}

/// What an object is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The first of an epoch: the process is there.
    Open,
    /// Events.
    Events,
    /// The last of an epoch: the process ended well.
    Close,
    /// Somebody else ended the epoch (see [`fence`](crate::fence)).
    Fence,
}

/// An object's first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: u32,
    /// What it is for.
    pub kind: Kind,
    /// Its epoch, as in its key.
    pub epoch: u64,
    /// Its number, as in its key.
    pub seq: u64,
    /// The hash of the object before it; none before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// When the writer could not learn whether the object before is its own or a fence: the hash of the one before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_fence: Option<Hash>,
    /// When it was made, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The release of the program that opened the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// How many events follow, one a line.
    pub count: u64,
}

impl Header {
    pub(crate) fn key(&self) -> Key {
        Key { epoch: self.epoch, seq: self.seq }
    }
}

/// An object read.
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    /// Its first line.
    pub header: Header,
    /// The other lines: the event, and its text, which is what the outbox held.
    pub events: Vec<(Event, String)>,
}

/// Why bytes are no object of the journal.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// It is not text.
    #[error("it is not UTF-8")]
    Text(#[from] std::str::Utf8Error),
    /// Some line is not what it should be.
    #[error("line {line} cannot be read")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// A format that this program does not know.
    #[error("it has format {0}, and this program knows {FORMAT}")]
    Format(u32),
    /// It is cut off, or has more than it should.
    #[error("its header counts {counted} events, and it has {found}")]
    Count {
        /// As its header says.
        counted: u64,
        /// The lines there are.
        found: u64,
    },
}

/// The bytes of an object. Each event is the text of one, which has no line breaks.
pub(crate) fn encode(header: &Header, lines: &[&str]) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(header)?;
    bytes.push(b'\n');
    for line in lines {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
    }
    Ok(bytes)
}

impl Object {
    /// Reads an object.
    ///
    /// # Errors
    /// When it is not one.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        /// The header of any format.
        #[derive(Deserialize)]
        struct AnyHeader {
            format: u32,
        }
        let mut lines = std::str::from_utf8(bytes)?.lines().zip(1..);
        let (first, _) = lines.next().unwrap_or_default();
        let unreadable = |source| Malformed::Line { line: 1, source };
        let AnyHeader { format } = serde_json::from_str(first).map_err(unreadable)?;
        if format != FORMAT {
            return Err(Malformed::Format(format));
        }
        let header: Header = serde_json::from_str(first).map_err(unreadable)?;
        let events = lines.map(|(text, line)| {
            let event = serde_json::from_str(text).map_err(|source| Malformed::Line { line, source })?;
            Ok((event, text.to_owned()))
        });
        let events = events.collect::<Result<Vec<_>, Malformed>>()?;
        let found = events.len() as u64;
        if found != header.count {
            return Err(Malformed::Count { counted: header.count, found });
        }
        Ok(Self { header, events })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_as_numbers_and_come_back() {
        let keys = [(0, 0), (1, 9), (1, 10), (9, 1), (10, 0)].map(|(epoch, seq)| Key { epoch, seq });
        let names = keys.map(|key| key.to_string());
        assert!(names.is_sorted());
        assert_eq!(names[1], "00000000000000000001/00000000000000000009");
        assert_eq!(names.map(|name| name.parse::<Key>().unwrap()), keys);
        for wrong in ["", "1/2", "0000000000000000000+/00000000000000000001", "00000000000000000001"] {
            assert_eq!(wrong.parse::<Key>(), Err(NotAKey), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_object_is_told_from_one() {
        let header = |rest: &str| {
            format!(r#"{{"format":1,"kind":"events","epoch":1,"seq":2,"at":"2026-01-02T03:04:05Z"{rest}}}"#)
        };
        let read = |text: String| Object::decode(text.as_bytes()).unwrap_err().to_string();
        assert_eq!(read(String::new()), "line 1 cannot be read");
        assert_eq!(read(r#"{"format":2}"#.into()), "it has format 2, and this program knows 1");
        assert_eq!(read(header("")), "line 1 cannot be read");
        assert_eq!(read(header(r#","count":1"#)), "its header counts 1 events, and it has 0");
        assert_eq!(read(header(r#","count":0,"more":1"#)), "line 1 cannot be read");
        assert_eq!(read(format!("{}\n{{}}\n", header(r#","count":1"#))), "line 2 cannot be read");
        assert_eq!(Object::decode(&[0xff]).unwrap_err().to_string(), "it is not UTF-8");
        assert!(Object::decode(header(r#","count":0"#).as_bytes()).is_ok());
    }
}
