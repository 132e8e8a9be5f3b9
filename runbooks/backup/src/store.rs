//! What a backup asks of the place that it is kept in: a flat space of objects, each written once.

use bytes::Bytes;

/// Why the store could not do what it was asked.
pub type StoreError = Box<dyn std::error::Error + Send + Sync>;

/// What became of an attempt to store an object.
#[derive(Debug)]
pub enum Answer {
    /// It is there, durably.
    Stored,
    /// There was one of this key before, and it stays as it is.
    Taken,
    /// It may be there now, later or never: no answer, or one that does not say.
    Unknown(StoreError),
}

/// An object that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its key.
    pub key: String,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Objects by key. Keys are of `a-z A-Z 0-9 . - _ /` and relative to wherever the store begins.
pub trait Store: Send + Sync {
    /// Stores an object unless there is one of this key, in one attempt.
    fn put_new(&self, key: &str, object: Bytes) -> impl Future<Output = Answer> + Send;

    /// An object's bytes; none when there is no such object.
    fn get(&self, key: &str) -> impl Future<Output = Result<Option<Bytes>, StoreError>> + Send;

    /// All objects whose key begins with this, in the order of keys.
    fn list(&self, prefix: &str) -> impl Future<Output = Result<Vec<Stored>, StoreError>> + Send;

    /// Takes an object away; one that is not there is no error.
    fn delete(&self, key: &str) -> impl Future<Output = Result<(), StoreError>> + Send;
}
