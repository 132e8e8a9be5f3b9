//! ACM: the certificate of the shop's own domain. Nothing of it without a domain.
//!
//! A certificate's names cannot be changed. When the domain does, a new certificate is requested beside the old one,
//! the distribution moves to it once it is issued, and only then the old one goes: `Certificate`, `Issue`, `Former`,
//! in this order.

mod certificate;
mod find;
mod former;
mod issue;

pub(crate) use certificate::Certificate;
pub(crate) use former::Former;
pub(crate) use issue::Issue;
