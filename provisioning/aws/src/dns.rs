//! Route 53: the zone of the shop's own domain, and the records in it. Nothing of it without a domain.

mod record;
mod zone;

pub(crate) use record::{Record, Target, Text};
pub(crate) use zone::{Zone, Zones};
