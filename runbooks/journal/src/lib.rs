//! The journal of everything the API acknowledged: what an event is, how a transaction's effect becomes one, how events
//! are written so that none is lost, and how they become rows again.
//!
//! The API writes it (`api/src/journal`), a restore reads it. This crate must not know S3, HTTP or who changed what for
//! which reason: it is given connections, and a place to put bytes in and to get them from.

mod apply;
mod capture;
mod chain;
mod event;
mod fence;
mod format;
mod replay;
mod store;
mod tables;
mod upcast;
mod writer;

pub use apply::ApplyError;
pub use capture::{CaptureError, capture};
pub use chain::{Broken, Chain};
pub use event::{Actor, Change, Event};
pub use fence::{Ended, FenceError, fence};
pub use format::{FORMAT, Hash, Header, Key, Kind, Malformed, NotAKey, Object};
pub use replay::{ReplayError, ReplayOptions, Report, replay, replay_with};
pub use store::{Answer, Append, Source, SourceError};
pub use tables::{TABLES, Table, table};
pub use upcast::{UPCASTS, Upcast};
pub use writer::{GivenUp, Writer};
