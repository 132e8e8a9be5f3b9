//! What there is of each variant: the shop's bookkeeping of stock, and the administrators' view of it.

pub(crate) mod stock;
