//! What concerns HTTP and no business area: extractors with our own errors, and the layers around every route.

pub(crate) mod cache;
pub(crate) mod client;
pub(crate) mod extract;
pub(crate) mod guard;
pub(crate) mod observe;
pub(crate) mod origin;
pub(crate) mod page;
pub(crate) mod problems;
pub(crate) mod rate;
pub(crate) mod unfold;
pub(crate) mod version;
