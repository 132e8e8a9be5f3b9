//! The composition root: from settings to the libraries' own option structs, and from their errors to failures.

mod failures;
mod local;
pub mod lock;
mod shop;

pub use local::local_options;
pub use shop::Shop;
