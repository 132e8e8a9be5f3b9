//! The body of an answer, which may end before its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::Cut;

/// A whole body, or the first half of one.
pub(super) struct Content {
    data: Option<Bytes>,
    torn: bool,
}

impl Content {
    pub(super) fn whole(data: Bytes) -> Self {
        Self { data: Some(data), torn: false }
    }

    /// Half of it, then the connection breaks.
    pub(super) fn torn(data: &Bytes) -> Self {
        Self { data: Some(data.slice(..data.len() / 2)), torn: true }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.data.take().filter(|data| !data.is_empty()) {
            Some(data) => Poll::Ready(Some(Ok(Frame::data(data)))),
            None if self.torn => Poll::Ready(Some(Err(Cut))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        !self.torn && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.data {
            Some(data) if !self.torn => SizeHint::with_exact(data.len() as u64),
            None if !self.torn => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
