//! What a resource costs by the month.

use serde::{Deserialize, Serialize};

/// The fixed monthly price of one resource. Usage (traffic, storage) is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// What is paid for, such as `Lightsail instance small_3_0`.
    pub item: String,
    /// US cents a month, before tax.
    pub monthly_cents: u64,
    /// Where the price was read.
    pub source: String,
    /// The day it was read, `YYYY-MM-DD`.
    pub as_of: String,
    /// False when no first-hand source confirms it for this Region.
    pub confirmed: bool,
}
