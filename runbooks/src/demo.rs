//! The demo shop: a believable catalogue and its pictures, for a shop that has none of its own yet.
//!
//! [`seed`] may be run any number of times: identities come from slugs and stock numbers, so it finds its own rows
//! again, changes only what differs, and never touches the stock of what is already there.

pub mod catalogue;
mod identity;
pub mod picture;
mod pictures;
mod rows;
mod seed;

pub use seed::{Event, Report, seed};

/// Why the demo shop could not be put in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The catalogue is not one.
    #[error(transparent)]
    Catalogue(#[from] catalogue::Error),
    /// The bucket refused, or could not be reached.
    #[error(transparent)]
    Aws(#[from] jewel_engine::Failure),
    /// The database refused, or could not be reached.
    #[error("{doing} in the shop's database failed")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What the server or the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// Somebody's own product has the name of a demo piece.
    #[error("{what} {name} is already there and is not the demo's")]
    Taken {
        /// `product` or `variant`.
        what: &'static str,
        /// Its slug or stock number.
        name: String,
    },
}
