//! The journal of everything the API acknowledged: what an event is, how a transaction's effect becomes one, and how
//! events become rows again.
//!
//! The API writes it (`api/src/journal`), a restore reads it. This crate must not know S3, HTTP or who changed what for
//! which reason: it is given connections and bytes.

mod capture;
mod event;
mod tables;

pub use capture::{CaptureError, capture};
pub use event::{Actor, Change, Event};
pub use tables::{TABLES, Table, table};
