//! What a caller may ask of the product list, checked field by field.

use serde::Deserialize;
use utoipa::IntoParams;

use super::{cursor::Cursor, search};
use crate::error::{ApiError, FieldError};

/// Pages are this long unless asked otherwise.
const DEFAULT_LIMIT: u32 = 24;
/// And at most this long.
const LARGEST_LIMIT: u32 = 100;
/// Longer filter values match nothing we could have stored.
const LONGEST_CODE: usize = 120;
/// Longer stones and ring sizes are stored nowhere, in characters.
const LONGEST_TEXT: usize = 64;
/// Longer searches are refused, in characters.
const LONGEST_SEARCH: usize = 200;

/// The query string as it comes. All text, so that everything wrong can be said at once; empty means absent, because
/// that is what an HTML form sends.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only products of the category with this slug.
    #[param(value_type = Option<String>, example = "rings")]
    category: Option<String>,
    /// Only products of the collection with this slug.
    #[param(value_type = Option<String>, example = "tides")]
    collection: Option<String>,
    /// Only products with a variant in this metal.
    #[param(value_type = Option<String>, example = "gold_18k")]
    metal: Option<String>,
    /// Only products with a variant with this stone.
    #[param(value_type = Option<String>, max_length = 64, example = "Citrine")]
    stone: Option<String>,
    /// Only products with a variant of this ring size.
    #[param(value_type = Option<String>, max_length = 64, example = "12")]
    ring_size: Option<String>,
    /// Only products with a variant that costs at least this, in minor units.
    #[param(value_type = Option<u64>)]
    min_price: Option<String>,
    /// Only products with a variant that costs at most this, in minor units.
    #[param(value_type = Option<u64>)]
    max_price: Option<String>,
    /// Only products with a variant that can be bought now.
    #[param(value_type = Option<bool>)]
    in_stock: Option<String>,
    /// Only products whose name or description has words beginning with all of these.
    #[param(value_type = Option<String>, max_length = 200)]
    q: Option<String>,
    /// The order.
    #[param(value_type = Option<Sort>, inline)]
    sort: Option<String>,
    /// How many products at most; 24 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    limit: Option<String>,
    /// The `next_cursor` of the page before, asked for with the same `sort`.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
}

/// The orders there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    #[default]
    Newest,
    PriceAsc,
    PriceDesc,
    Name,
}

impl Sort {
    const NAMES: [(&str, Self); 4] = [
        ("newest", Self::Newest),
        ("price_asc", Self::PriceAsc),
        ("price_desc", Self::PriceDesc),
        ("name", Self::Name),
    ];
}

/// A checked request for a page. Metal, stone, size, prices and stock have to be met by one and the same variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) category: Option<String>,
    pub(crate) collection: Option<String>,
    pub(crate) metal: Option<String>,
    pub(crate) stone: Option<String>,
    pub(crate) ring_size: Option<String>,
    pub(crate) min_price: Option<i64>,
    pub(crate) max_price: Option<i64>,
    pub(crate) in_stock: bool,
    pub(crate) search: Option<search::Terms>,
    pub(crate) sort: Sort,
    pub(crate) limit: u32,
    pub(crate) after: Option<Cursor>,
}

impl ListParams {
    pub(crate) fn check(self) -> Result<Listing, ApiError> {
        let mut errors = Vec::new();
        let mut wrong = |field: &str, message: &str| errors.push(FieldError::new(field, message));
        let present = |value: Option<String>| value.filter(|value| !value.is_empty());

        let mut code = |field: &str, value: Option<String>| {
            let value = present(value)?;
            let is_code = value.len() <= LONGEST_CODE
                && value.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
            if !is_code {
                wrong(field, "has characters other than a-z, 0-9, - and _, or too many");
            }
            Some(value)
        };
        let category = code("category", self.category);
        let collection = code("collection", self.collection);
        let metal = code("metal", self.metal);

        let mut text = |field: &str, value: Option<String>| {
            let value = present(value)?;
            if value.chars().count() > LONGEST_TEXT || value.chars().any(char::is_control) {
                wrong(field, "is not one line of at most 64 characters");
            }
            Some(value)
        };
        let stone = text("stone", self.stone);
        let ring_size = text("ring_size", self.ring_size);

        let mut price = |field: &str, value: Option<String>| {
            let price = present(value)?.parse::<i64>().ok().filter(|price| *price >= 0);
            if price.is_none() {
                wrong(field, "is not a whole number of minor units");
            }
            price
        };
        let min_price = price("min_price", self.min_price);
        let max_price = price("max_price", self.max_price);
        if min_price.zip(max_price).is_some_and(|(min, max)| min > max) {
            wrong("max_price", "is less than min_price");
        }

        let in_stock = match present(self.in_stock).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                wrong("in_stock", "is neither true nor false");
                false
            }
        };
        let q = present(self.q);
        if q.as_ref().is_some_and(|q| q.chars().count() > LONGEST_SEARCH) {
            wrong("q", "has more than 200 characters");
        }
        let sort = present(self.sort).map(|name| Sort::NAMES.iter().find(|(known, _)| *known == name).map(|(_, s)| *s));
        if sort == Some(None) {
            wrong("sort", "is none of newest, price_asc, price_desc, name");
        }
        let sort = sort.flatten().unwrap_or_default();
        let limit = present(self.limit)
            .map(|limit| limit.parse::<u32>().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit)));
        if limit == Some(None) {
            wrong("limit", "is not a number from 1 to 100");
        }
        let limit = limit.flatten().unwrap_or(DEFAULT_LIMIT);
        let after = present(self.cursor).map(|text| Cursor::decode(&text).filter(|cursor| cursor.sort() == sort));
        if after == Some(None) {
            wrong("cursor", "is not a next_cursor of a list with this sort");
        }

        if !errors.is_empty() {
            return Err(ApiError::InvalidRequest { detail: None, errors });
        }
        Ok(Listing {
            category,
            collection,
            metal,
            stone,
            ring_size,
            min_price,
            max_price,
            in_stock,
            search: q.as_deref().map(search::Terms::new),
            sort,
            limit,
            after: after.flatten(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_are_absent_ones() {
        let empty = || Some(String::new());
        let params = ListParams {
            category: empty(),
            collection: empty(),
            metal: empty(),
            stone: empty(),
            ring_size: empty(),
            min_price: empty(),
            max_price: empty(),
            in_stock: empty(),
            q: empty(),
            sort: empty(),
            limit: empty(),
            cursor: empty(),
        };
        assert_eq!(params.check().unwrap(), Listing { limit: DEFAULT_LIMIT, ..Listing::default() });
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let text = |value: &str| Some(value.to_owned());
        let params = ListParams {
            category: text("Rings'"),
            collection: text("a/b"),
            metal: text("gold 18k"),
            stone: text("a\u{0}b"),
            ring_size: text(&"1".repeat(65)),
            min_price: text("-1"),
            max_price: text("9223372036854775808"),
            in_stock: text("maybe"),
            q: text(&"x".repeat(201)),
            sort: text("random"),
            limit: text("101"),
            cursor: text("!"),
        };
        let Err(ApiError::InvalidRequest { errors, .. }) = params.check() else { panic!("it was accepted") };
        let fields: Vec<&str> = errors.iter().map(|error| error.field.as_str()).collect();
        let expected = "category collection metal stone ring_size min_price max_price in_stock q sort limit cursor";
        assert_eq!(fields.join(" "), expected);
    }

    #[test]
    fn a_cursor_belongs_to_its_sort() {
        let cursor = Cursor::Price { descending: false, price_minor: 5, id: uuid::Uuid::nil() }.encode();
        let params = |sort: &str| ListParams {
            sort: Some(sort.to_owned()),
            cursor: Some(cursor.clone()),
            ..ListParams::default()
        };
        assert!(params("price_asc").check().unwrap().after.is_some());
        assert!(params("price_desc").check().is_err());
    }
}
