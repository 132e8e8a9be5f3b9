//! The composition root: from settings to the libraries' own option structs, and from their errors to failures.

mod failures;
mod local;
pub(crate) mod lock;
mod shop;

pub(crate) use local::local_options;
pub(crate) use shop::{Shop, spec};
