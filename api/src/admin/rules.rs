//! The rules that what administrators send has to keep, and how breaking them is said.

use sqlx::mysql::MySqlDatabaseError;

use crate::error::{ApiError, FieldError};

/// The highest place in an order.
pub(crate) const LAST_POSITION: i32 = 1_000_000;

/// What is wrong, as it is found.
#[derive(Default)]
pub(crate) struct Problems(Vec<FieldError>);

impl Problems {
    /// Notes the message for the field unless it holds.
    pub(crate) fn require(&mut self, field: &str, holds: bool, message: &str) {
        if !holds {
            self.0.push(FieldError::new(field, message));
        }
    }

    /// Fails when there are any.
    pub(crate) fn refuse(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(ApiError::Validation { detail: None, errors: self.0 }) }
    }
}

/// One field that is wrong.
pub(crate) fn invalid(field: &str, message: impl Into<String>) -> ApiError {
    ApiError::Validation { detail: None, errors: vec![FieldError::new(field, message)] }
}

/// A conflict of this field when the error is about a second row with the same value in this unique key.
pub(crate) fn taken(error: sqlx::Error, key: &str, field: &str, message: &str) -> ApiError {
    const DUPLICATE_ENTRY: u16 = 1062;
    let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    // MySQL says 'products.products_slug', MariaDB 'products_slug'.
    match refused {
        Some(refused) if refused.number() == DUPLICATE_ENTRY && refused.message().contains(key) => {
            ApiError::Conflict { errors: vec![FieldError::new(field, message)] }
        }
        _ => error.into(),
    }
}

pub(crate) fn is_slug(text: &str, most: usize) -> bool {
    text.len() <= most
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

pub(crate) fn is_sku(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

pub(crate) fn is_metal(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Several lines: newlines are the only control characters.
pub(crate) fn is_prose(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(|c| c.is_control() && c != '\n')
}

/// One line, without blanks around it.
pub(crate) fn is_text(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}
