//! Where a page ended: the sort key and id of its last product, so that the next page starts right there whatever was
//! added or removed meanwhile. Opaque to callers; worth nothing to forge, since it only says where to start reading.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::listing::Sort;

/// Longer texts are not looked at, in bytes: a name of 200 characters, encoded.
const LONGEST: usize = 2048;

/// A place in one of the orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub(crate) enum Cursor {
    Newest {
        /// Microseconds since 1970, UTC.
        created_at: i64,
        id: Uuid,
    },
    Price {
        descending: bool,
        price_minor: i64,
        id: Uuid,
    },
    Name {
        name: String,
        id: Uuid,
    },
}

impl Cursor {
    pub(crate) fn sort(&self) -> Sort {
        match self {
            Self::Newest { .. } => Sort::Newest,
            Self::Price { descending: false, .. } => Sort::PriceAsc,
            Self::Price { descending: true, .. } => Sort::PriceDesc,
            Self::Name { .. } => Sort::Name,
        }
    }

    pub(crate) fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    pub(crate) fn decode(text: &str) -> Option<Self> {
        if text.len() > LONGEST {
            return None;
        }
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_cursor() -> impl Strategy<Value = Cursor> {
        let id = || any::<u128>().prop_map(Uuid::from_u128);
        prop_oneof![
            (any::<i64>(), id()).prop_map(|(created_at, id)| Cursor::Newest { created_at, id }),
            (any::<bool>(), any::<i64>(), id()).prop_map(|(descending, price_minor, id)| Cursor::Price {
                descending,
                price_minor,
                id
            }),
            (".{0,200}", id()).prop_map(|(name, id)| Cursor::Name { name, id }),
        ]
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_decoded(cursor in any_cursor()) {
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Some(cursor));
        }

        #[test]
        fn anything_else_is_refused_quietly(text in any::<String>()) {
            let _ = Cursor::decode(&text);
        }
    }
}
