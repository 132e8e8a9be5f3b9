//! The parts of the list's SQL that depend on what is asked for: conditions, order, and where to go on.

use sqlx::{MySql, QueryBuilder, Row, mysql::MySqlRow};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    cursor::Cursor,
    listing::{Listing, Sort},
};

/// False when nothing can match.
pub(super) fn push_filters(query: &mut QueryBuilder<MySql>, listing: &Listing) -> bool {
    if let Some(category) = &listing.category {
        query
            .push(" AND s.category_id = (SELECT id FROM categories WHERE slug = ")
            .push_bind(category.clone())
            .push(")");
    }
    if let Some(terms) = &listing.search {
        let Some(terms) = terms.boolean_query() else { return false };
        query.push(" AND MATCH (p.name, p.description) AGAINST (").push_bind(terms).push(" IN BOOLEAN MODE)");
    }
    if let Some(collection) = &listing.collection {
        query
            .push(" AND p.id IN (SELECT m.product_id FROM collection_products m JOIN collections g ON g.id = m.collection_id")
            .push(" WHERE m.removed_at IS NULL AND g.status = 'active' AND g.slug = ")
            .push_bind(collection.clone())
            .push(")");
    }
    push_variant_filters(query, listing);
    true
}

pub(super) fn push_variant_filters(query: &mut QueryBuilder<MySql>, listing: &Listing) {
    let codes = [("metal", &listing.metal), ("stone", &listing.stone), ("ring_size", &listing.ring_size)];
    let prices = [(">=", listing.min_price), ("<=", listing.max_price)];
    let is_asked = codes.iter().any(|(_, code)| code.is_some()) || prices.iter().any(|(_, price)| price.is_some());
    if !is_asked && !listing.in_stock {
        return;
    }
    // One product at a time, along the list: of an EXISTS, the servers make a join that reads all variants first.
    query.push(" AND (SELECT 1 FROM variants v");
    if listing.in_stock {
        query.push(" JOIN inventory n ON n.variant_id = v.id AND n.on_hand > n.reserved");
    }
    query.push(" WHERE v.product_id = s.product_id AND v.status = 'active'");
    for (column, code) in codes {
        if let Some(code) = code {
            query.push(format_args!(" AND v.{column} = ")).push_bind(code.clone());
        }
    }
    for (sign, price) in prices {
        if let Some(price) = price {
            query.push(format_args!(" AND v.price_minor {sign} ")).push_bind(price);
        }
    }
    query.push(" LIMIT 1) = 1");
}

/// Starts after the cursor. Written as `key <= x AND (key < x OR id < y)` and not as a row comparison, which MySQL
/// cannot use an index for.
pub(super) fn push_after(query: &mut QueryBuilder<MySql>, cursor: &Cursor) {
    match cursor {
        Cursor::Newest { created_at, id } => {
            push_key(query, "s.created_at", '<', *id, from_micros(*created_at));
        }
        Cursor::Price { descending, price_minor, id } => {
            push_key(query, "s.price_from_minor", if *descending { '<' } else { '>' }, *id, *price_minor);
        }
        Cursor::Name { name, id } => push_key(query, "s.name", '>', *id, name.clone()),
    }
}

fn push_key<T>(query: &mut QueryBuilder<MySql>, column: &'static str, sign: char, id: Uuid, key: T)
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Clone + Send + 'static,
{
    query.push(format_args!(" AND {column} {sign}= ")).push_bind(key.clone());
    query.push(format_args!(" AND ({column} {sign} ")).push_bind(key);
    query.push(format_args!(" OR s.product_id {sign} ")).push_bind(id).push(")");
}

/// The index of the showcase that has this order, in a category or in all of them.
pub(super) fn index(sort: Sort, in_category: bool) -> &'static str {
    match (sort, in_category) {
        (Sort::Newest, true) => "PRIMARY",
        (Sort::Newest, false) => "showcase_newest",
        (Sort::PriceAsc | Sort::PriceDesc, true) => "showcase_category_price",
        (Sort::PriceAsc | Sort::PriceDesc, false) => "showcase_price",
        (Sort::Name, true) => "showcase_category_name",
        (Sort::Name, false) => "showcase_name",
    }
}

pub(super) fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => " ORDER BY s.created_at DESC, s.product_id DESC",
        Sort::PriceAsc => " ORDER BY s.price_from_minor, s.product_id",
        Sort::PriceDesc => " ORDER BY s.price_from_minor DESC, s.product_id DESC",
        Sort::Name => " ORDER BY s.name, s.product_id",
    }
}

/// The column that has this order.
pub(super) fn key(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "created_at",
        Sort::PriceAsc | Sort::PriceDesc => "price_from_minor",
        Sort::Name => "name",
    }
}

/// Where the list goes on after this row: its id is the first column, the sort key the fourth.
pub(super) fn place(row: &MySqlRow, sort: Sort) -> Result<Cursor, sqlx::Error> {
    let id = row.try_get(0)?;
    Ok(match sort {
        Sort::Newest => Cursor::Newest { created_at: to_micros(row.try_get(3)?), id },
        Sort::PriceAsc => Cursor::Price { descending: false, price_minor: row.try_get(3)?, id },
        Sort::PriceDesc => Cursor::Price { descending: true, price_minor: row.try_get(3)?, id },
        Sort::Name => Cursor::Name { name: row.try_get(3)?, id },
    })
}

/// As cursors have it.
pub(super) fn to_micros(time: PrimitiveDateTime) -> i64 {
    i64::try_from(time.assume_utc().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The epoch for what no column can hold: such a cursor was forged, and starts wherever it likes.
pub(super) fn from_micros(micros: i64) -> PrimitiveDateTime {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).ok();
    let time = time.filter(|time| (1000..=9999).contains(&time.year())).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    PrimitiveDateTime::new(time.date(), time.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_cursor() {
        let time = OffsetDateTime::from_unix_timestamp_nanos(1_790_000_000_123_456_000).unwrap();
        let time = PrimitiveDateTime::new(time.date(), time.time());
        assert_eq!(from_micros(to_micros(time)), time);
        for nowhere in [i64::MAX, i64::MIN, -100_000_000_000_000_000] {
            assert_eq!(from_micros(nowhere), from_micros(0));
        }
    }
}
