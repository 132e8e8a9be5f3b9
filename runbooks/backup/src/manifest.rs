//! The manifest: what a backup consists of, written last. Without it there is no backup.
//!
//! Two lines: one JSON object, and its [seal](crate::Seal). It says of every object what it must be, and of itself which
//! backup it belongs to, so that no object can be changed, left out or put in another's place, and no manifest stand for
//! another backup's. `runbooks/pages/backups.md` describes it for those who have no program.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{alarm::Shrunk, error::Distrust, hash::Hash, keys::Seal};

/// The format this crate writes and reads.
pub const FORMAT: u32 = 1;

/// The name of the manifest below the backup's id.
pub(crate) const NAME: &str = "manifest";

/// What a backup consists of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// The backup's name, and the first part of its objects' keys.
    pub id: String,
    /// The program and the version that made it.
    pub tool: String,
    /// The moment that it shows: all of it is as it was then.
    pub at: Timestamp,
    /// When it was complete.
    pub finished: Timestamp,
    /// The backup that was the newest then.
    pub previous: Option<String>,
    /// The schema (database) that was backed up.
    pub schema: String,
    /// What the server calls itself and its version.
    pub server: String,
    /// Settings of the server that tell how its data is to be understood.
    pub variables: BTreeMap<String, String>,
    /// The journal's position, as the maker's query found it at that moment: its rows.
    pub position: Option<serde_json::Value>,
    /// Tables much smaller than in the previous backup, that nobody had said may be.
    pub shrunk: Vec<Shrunk>,
    /// The tables, in the order of their numbers.
    pub tables: Vec<Table>,
    /// Everything that is no row.
    pub files: Vec<Object>,
}

/// A table's part of a backup.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// How many rows.
    pub rows: u64,
    /// Sum over all rows of the CRC-32 of each, see `text.rs`.
    pub sum: u64,
    /// Its rows as text, in bytes.
    pub plain_bytes: u64,
    /// SHA-256 of its definition.
    pub definition: Hash,
    /// Its rows, in the order of its key.
    pub chunks: Vec<Chunk>,
}

/// Some rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chunk {
    /// How many.
    pub rows: u64,
    /// Where.
    #[serde(flatten)]
    pub object: Object,
}

/// An object of the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its name below the backup's id.
    pub name: String,
    /// Its length as it is stored.
    pub bytes: u64,
    /// Its hash as it is stored.
    pub sha256: Hash,
    /// The length of what is in it.
    pub plain_bytes: u64,
    /// The hash of what is in it.
    pub plain_sha256: Hash,
}

impl Manifest {
    /// Every object but the manifest.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        let chunks = self.tables.iter().flat_map(|table| &table.chunks).map(|chunk| &chunk.object);
        self.files.iter().chain(chunks)
    }

    /// What is stored, in bytes.
    pub fn stored_bytes(&self) -> u64 {
        self.objects().map(|object| object.bytes).sum()
    }

    /// The rows of all tables as text, in bytes.
    pub fn plain_bytes(&self) -> u64 {
        self.tables.iter().map(|table| table.plain_bytes).sum()
    }

    /// How many rows there are in all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    pub(crate) fn file(&self, name: &str) -> Option<&Object> {
        self.files.iter().find(|object| object.name == name)
    }

    /// As it is stored.
    pub(crate) fn encode(&self, seal: &Seal) -> Result<Vec<u8>, serde_json::Error> {
        let body = serde_json::to_string(self)?;
        let sealed = seal.over(body.as_bytes());
        Ok(format!("{body}\n{sealed}\n").into_bytes())
    }

    /// From what is stored under this id; only after the seal was compared is anything in it believed.
    pub(crate) fn decode(id: &str, stored: &[u8], seal: &Seal) -> Result<Self, Distrust> {
        let body_end = stored.iter().position(|byte| *byte == b'\n').ok_or(Distrust::Seal)?;
        let (body, sealed) = (&stored[..body_end], &stored[body_end + 1..]);
        // As text: of hexadecimal digits there are two spellings, and only one is written.
        if sealed != format!("{}\n", seal.over(body)).as_bytes() {
            return Err(Distrust::Seal);
        }
        #[derive(Deserialize)]
        struct Version {
            format: u32,
        }
        let Version { format } = serde_json::from_slice(body)?;
        if format != FORMAT {
            return Err(Distrust::Format(format));
        }
        let manifest: Self = serde_json::from_slice(body)?;
        if manifest.id == id { Ok(manifest) } else { Err(Distrust::Id(manifest.id)) }
    }
}
