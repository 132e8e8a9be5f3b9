//! Backups of a database, whole and read back: what is in one, how it is made, checked and restored.
//!
//! This crate knows a MySQL or MariaDB server and a [`Store`] of objects, and neither clouds nor terminals.
//! `runbooks/pages/backups.md` describes the format and how to restore one without any of this.

mod alarm;
mod create;
mod error;
mod event;
mod folder;
mod hand;
mod hash;
mod keys;
mod list;
mod manifest;
mod pack;
mod prune;
mod restore;
pub mod retention;
mod schema;
mod server;
mod store;
mod text;
mod verify;

pub use alarm::{Shrinking, Shrunk};
pub use create::{CreateOptions, Patience, create};
pub use error::{Damage, Difference, Distrust, Error, Finding};
pub use event::Event;
pub use folder::Folder;
pub use hash::Hash;
pub use keys::{MakingKeys, ReadingKeys, Seal, generate};
pub use list::{State, Summary, list, manifest};
pub use manifest::{Chunk, FORMAT, Manifest, Object, Table};
pub use prune::{Plan, prune};
pub use restore::{RestoreOptions, Restored, restore};
pub use server::{Server, Tls};
pub use store::{Answer, Store, StoreError, Stored};
pub use verify::{Slice, Verified, verify};
