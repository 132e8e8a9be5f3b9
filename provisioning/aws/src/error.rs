//! What the functions of this crate fail with.

use jewel_engine::{Failure, StackError};

use crate::SpecError;

/// A failure outside any single resource's step.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// AWS refused or could not be reached; the failure says what was attempted and what AWS said.
    #[error(transparent)]
    Aws(#[from] Failure),
    /// The stack cannot be as specified.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// The stack makes no sense; a mistake in this crate.
    #[error("the stack is not sound")]
    Stack(#[from] StackError),
}

impl Error {
    /// The failure AWS answered with, if it did.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Aws(failure) => Some(failure),
            Self::Spec(_) | Self::Stack(_) => None,
        }
    }
}
