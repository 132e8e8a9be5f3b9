//! Orders: from a cart to the door, and everything that can happen on the way.
//!
//! `states` says where an order can go, `moves` takes it there, and nothing else changes its status.

mod model;
mod moves;
mod states;
pub(crate) mod store;

pub(crate) use model::{Order, PaymentMethod};
pub(crate) use moves::{Settlement, payment_failed, refunded, settle};
pub(crate) use states::Status;
