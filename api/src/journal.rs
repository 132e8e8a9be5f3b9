//! The way of events from the outbox into the journal in S3, and what waits for it.

use uuid::Uuid;

use crate::error::ApiError;

/// The journal as the rest of the API sees it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Journal;

impl Journal {
    /// Refuses changes while the journal cannot be written: what could not be acknowledged must not be begun.
    pub(crate) fn accepting(&self) -> Result<(), ApiError> {
        Ok(())
    }

    /// Returns when this committed event is in the journal.
    pub(crate) async fn durable(&self, _event: Uuid) -> Result<(), ApiError> {
        Ok(())
    }
}
