//! What happens meanwhile, for whoever watches.

use std::time::Duration;

use jiff::Timestamp;

use crate::{alarm::Shrunk, error::Finding};

/// A step of making, checking, restoring or clearing away.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Somebody held a table too long for a moment without writers; it is tried again.
    Busy {
        /// Which attempt it was.
        attempt: u32,
        /// How many there will be.
        of: u32,
        /// How long writers were held up at most.
        held: Duration,
    },
    /// The moment that the backup shows.
    Begun {
        /// The backup.
        id: String,
        /// The moment.
        at: Timestamp,
        /// How many tables.
        tables: usize,
        /// How much there is to read, as the server guesses, in bytes.
        guess: u64,
    },
    /// An object is in the store.
    Stored {
        /// Its key.
        key: String,
        /// Its rows.
        rows: u64,
        /// What is in it, in bytes.
        plain_bytes: u64,
        /// As it is stored, in bytes.
        bytes: u64,
    },
    /// A table is much smaller than in the last backup.
    Shrunk(Shrunk),
    /// An object is what the manifest says.
    Checked {
        /// Its key.
        key: String,
    },
    /// An object is not.
    Damaged(Finding),
    /// An earlier restore of this backup was not finished; this one goes on with it.
    Resumed {
        /// Chunks that are loaded.
        loaded: usize,
        /// Of how many.
        of: usize,
    },
    /// The server does not allow `LOAD DATA LOCAL`: rows go in as statements, which takes a few times as long.
    RowByRow,
    /// Rows are in the database.
    Loaded {
        /// Their object.
        key: String,
        /// How many.
        rows: u64,
    },
    /// The server took an object's rows, and had something to say.
    Warned {
        /// The object.
        key: String,
        /// The first warning.
        said: String,
    },
    /// A table has its keys.
    Keyed {
        /// The table.
        table: String,
    },
    /// A table was compared with the backup.
    Compared {
        /// The table.
        table: String,
        /// Whether it is the same.
        same: bool,
    },
    /// A backup, or what was left of one, is gone.
    Deleted {
        /// The backup.
        id: String,
        /// How many objects.
        objects: usize,
    },
}
