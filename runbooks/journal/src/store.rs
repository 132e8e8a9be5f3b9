//! What the journal asks of the place that it is kept in. Writing and reading are apart: whoever writes may not read.

use crate::Key;

/// Why something could not be read.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// What became of an attempt to store an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is there, durably.
    Stored,
    /// There was one of this key before, and it stays as it is.
    Taken,
    /// It may be there now, later or never: no answer, or one that does not say.
    Unknown,
}

/// Where objects can be added.
pub trait Append {
    /// Stores an object unless there is one of this key, in one attempt.
    fn put_new(&self, key: Key, object: &[u8]) -> impl Future<Output = Answer> + Send;
}

/// Where objects can be read.
pub trait Source {
    /// The keys of all objects from this one on, in order.
    fn keys(&self, from: Key) -> impl Future<Output = Result<Vec<Key>, SourceError>> + Send;

    /// An object's bytes.
    fn get(&self, key: Key) -> impl Future<Output = Result<Vec<u8>, SourceError>> + Send;
}
