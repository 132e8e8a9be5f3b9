//! What concerns HTTP and no business area: extractors with our own errors, and the layers around every route.

pub(crate) mod cache;
pub(crate) mod extract;
pub(crate) mod guard;
pub(crate) mod observe;
pub(crate) mod origin;
pub(crate) mod page;
pub(crate) mod unfold;
