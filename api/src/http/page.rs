//! Pages of lists in the order of ids: how long, and after which one. Ids grow with time, so the newest come first.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::error::{ApiError, FieldError};

const DEFAULT_LIMIT: u32 = 24;
const LARGEST_LIMIT: u32 = 100;

/// The query string as it comes. All text, so that everything wrong can be said at once; empty means absent.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// How many at most; 24 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
}

/// A checked request for a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) limit: u32,
    pub(crate) after: Option<Uuid>,
}

impl PageParams {
    pub(crate) fn check(&self) -> Result<Page, ApiError> {
        let mut errors = Vec::new();
        let present = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let limit = present(&self.limit)
            .map_or(Some(DEFAULT_LIMIT), |text| text.parse().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit)));
        if limit.is_none() {
            errors.push(FieldError::new("limit", "is not a number from 1 to 100"));
        }
        let after = present(&self.cursor).map(|text| decode(&text));
        if after == Some(None) {
            errors.push(FieldError::new("cursor", "is not one of ours"));
        }
        match limit {
            Some(limit) if errors.is_empty() => Ok(Page { limit, after: after.flatten() }),
            _ => Err(ApiError::InvalidRequest { detail: None, errors }),
        }
    }
}

impl Page {
    /// One more than asked for: it tells whether there is a next page.
    pub(crate) fn probe(self) -> u32 {
        self.limit + 1
    }

    /// Cuts the one too many, and gives the cursor for the next page if there is one.
    pub(crate) fn cut<T>(self, rows: &mut Vec<T>, id: impl Fn(&T) -> Uuid) -> Option<String> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > limit;
        rows.truncate(limit);
        rows.last().filter(|_| more).map(|last| BASE64_URL_SAFE_NO_PAD.encode(id(last)))
    }
}

fn decode(text: &str) -> Option<Uuid> {
    let mut bytes = [0; 16];
    let length = BASE64_URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    (length == bytes.len()).then(|| Uuid::from_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pages_follow_each_other_without_gaps() {
        let all: Vec<Uuid> = (0..7).rev().map(Uuid::from_u128).collect();
        let (mut seen, mut cursor) = (Vec::new(), None);
        loop {
            let page = PageParams { limit: Some("3".into()), cursor }.check().unwrap();
            let after = page.after.unwrap_or(Uuid::max());
            let probe = usize::try_from(page.probe()).unwrap();
            let mut rows: Vec<Uuid> = all.iter().copied().filter(|id| *id < after).take(probe).collect();
            cursor = page.cut(&mut rows, |id| *id);
            seen.extend(rows);
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, all);
    }

    proptest! {
        #[test]
        fn any_text_is_refused_quietly(limit in any::<String>(), cursor in any::<String>()) {
            let _ = PageParams { limit: Some(limit), cursor: Some(cursor) }.check();
        }
    }
}
