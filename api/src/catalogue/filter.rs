//! The parts of the list's SQL that depend on what is asked for: conditions, order, and where to go on.

use sqlx::{MySql, QueryBuilder};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    cursor::Cursor,
    listing::{Listing, Sort},
    store::ProductRow,
};

/// False when nothing can match.
pub(super) fn push_filters(query: &mut QueryBuilder<MySql>, listing: &Listing) -> bool {
    if let Some(category) = &listing.category {
        query
            .push(" AND p.category_id = (SELECT id FROM categories WHERE slug = ")
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
        query.push(" JOIN inventory s ON s.variant_id = v.id AND s.on_hand > s.reserved");
    }
    query.push(" WHERE v.product_id = p.id AND v.status = 'active'");
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
            push_key(query, "p.created_at", '<', *id, from_micros(*created_at));
        }
        Cursor::Price { descending, price_minor, id } => {
            push_key(query, "p.price_from_minor", if *descending { '<' } else { '>' }, *id, *price_minor);
        }
        Cursor::Name { name, id } => push_key(query, "p.name", '>', *id, name.clone()),
    }
}

fn push_key<T>(query: &mut QueryBuilder<MySql>, column: &'static str, sign: char, id: Uuid, key: T)
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Clone + Send + 'static,
{
    query.push(format_args!(" AND {column} {sign}= ")).push_bind(key.clone());
    query.push(format_args!(" AND ({column} {sign} ")).push_bind(key);
    query.push(format_args!(" OR p.id {sign} ")).push_bind(id).push(")");
}

/// What the indexes that have this order end in.
pub(super) fn index(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => "newest",
        Sort::PriceAsc | Sort::PriceDesc => "price",
        Sort::Name => "name",
    }
}

pub(super) fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => " ORDER BY p.created_at DESC, p.id DESC",
        Sort::PriceAsc => " ORDER BY p.price_from_minor, p.id",
        Sort::PriceDesc => " ORDER BY p.price_from_minor DESC, p.id DESC",
        Sort::Name => " ORDER BY p.name, p.id",
    }
}

pub(super) fn place(row: &ProductRow, sort: Sort) -> Cursor {
    let id = row.id;
    match sort {
        Sort::Newest => Cursor::Newest { created_at: to_micros(row.created_at), id },
        Sort::PriceAsc => Cursor::Price { descending: false, price_minor: row.price_from_minor, id },
        Sort::PriceDesc => Cursor::Price { descending: true, price_minor: row.price_from_minor, id },
        Sort::Name => Cursor::Name { name: row.name.clone(), id },
    }
}

fn to_micros(time: PrimitiveDateTime) -> i64 {
    i64::try_from(time.assume_utc().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The epoch for what is out of range: such a cursor was forged, and starts wherever it likes.
fn from_micros(micros: i64) -> PrimitiveDateTime {
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
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
        let _ = (from_micros(i64::MAX), from_micros(i64::MIN));
    }
}
