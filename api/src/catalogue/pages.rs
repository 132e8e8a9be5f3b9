//! Pages of a category, the newest products first: what visitors ask for most.
//!
//! To find out how to read a page takes a server longer than to read it. All products between two moments are found
//! at once, though, and any number of such stretches in one statement. So it is remembered how far a page went, and the
//! next time the stretch down to there is read. Nothing else is remembered: whatever was added, changed or taken away
//! is in what is read, and where that is less than a page, the page is looked for as any other (`store.rs`).

use std::{
    cmp::Reverse,
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use sqlx::{MySql, MySqlConnection, MySqlPool, QueryBuilder, Row, mysql::MySqlRow};
use time::{Date, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    cursor::Cursor,
    details::push_list,
    filter::{from_micros, to_micros},
    listing::{Listing, Sort},
    show::Showing,
    store::{self, Page},
    together::Together,
};
use crate::error::ApiError;

/// How many pages' ends are remembered: some hundred kilobytes.
const MOST: usize = 4096;

/// Before anything that the database can hold, and after it.
const EARLIEST: PrimitiveDateTime = new_year(1000);
const LATEST: PrimitiveDateTime = new_year(9999);

/// Which page.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    category: String,
    /// The product it comes after.
    after: Option<(PrimitiveDateTime, Uuid)>,
    /// How many products it has at most.
    limit: u32,
}

/// A page, and how far back it may go: to the first product of the next page when it was read last.
struct Stretch {
    place: Place,
    end: PrimitiveDateTime,
}

/// A row of what was read. In the order of lists backwards, which is that of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    category: Uuid,
    created_at: PrimitiveDateTime,
    product: Uuid,
}

/// Reads pages for whoever asks.
pub(crate) struct Pages {
    pool: MySqlPool,
    showing: Showing,
    together: Together<Stretch, Option<Page>>,
    ends: Mutex<HashMap<Place, PrimitiveDateTime>>,
}

impl Pages {
    /// Begins to read. Must be called within a runtime.
    pub(crate) fn new(pool: &MySqlPool, showing: &Showing) -> Self {
        let (pool, showing) = (pool.clone(), showing.clone());
        let with = (pool.clone(), showing.clone());
        let together = Together::new(move |stretches| {
            let (pool, showing) = with.clone();
            async move { read(&pool, &showing, stretches).await }
        });
        Self { pool, showing, together, ends: Mutex::default() }
    }

    /// The page that this asks for.
    pub(crate) async fn get(&self, listing: &Listing) -> Result<Page, ApiError> {
        let place = place(listing);
        if let Some(place) = &place
            && let Some(end) = self.end(place)
            && let Some(Some(page)) = self.together.ask(Stretch { place: place.clone(), end }).await
        {
            self.remember(place, &page);
            return Ok(page);
        }
        let page = store::page(&self.pool, &self.showing, listing).await?;
        // Where there is nothing, somebody may ask for anything.
        if let Some(place) = place.filter(|_| !page.items.is_empty()) {
            self.remember(&place, &page);
        }
        Ok(page)
    }

    fn end(&self, place: &Place) -> Option<PrimitiveDateTime> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner).get(place).copied()
    }

    fn remember(&self, place: &Place, page: &Page) {
        let end = match page.beyond {
            Some(Cursor::Newest { created_at, .. }) => from_micros(created_at),
            _ => EARLIEST,
        };
        let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = ends.get_mut(place) {
            *known = end;
            return;
        }
        if ends.len() == MOST {
            ends.clear();
        }
        ends.insert(place.clone(), end);
    }
}

/// The place of a page that lies in one stretch: a category's, in the order of its rows, with nothing left out.
fn place(listing: &Listing) -> Option<Place> {
    let after = match listing.after {
        None => None,
        Some(Cursor::Newest { created_at, id }) => Some((from_micros(created_at), id)),
        Some(_) => return None,
    };
    let place = Place { category: listing.category.clone()?, after, limit: listing.limit };
    let nothing_else = Listing {
        category: listing.category.clone(),
        sort: Sort::Newest,
        limit: listing.limit,
        after: listing.after.clone(),
        ..Listing::default()
    };
    (*listing == nothing_else).then_some(place)
}

/// The pages, where their stretches have them.
async fn read(pool: &MySqlPool, showing: &Showing, stretches: Vec<Stretch>) -> Result<Vec<Option<Page>>, ApiError> {
    let mut connection = pool.acquire().await?;
    // First: whatever is renamed from now on is out of date in the rows.
    let categories = categories(&mut connection, &stretches).await?;
    let known: Vec<(Uuid, &Stretch)> = stretches
        .iter()
        .filter_map(|stretch| categories.get(&stretch.place.category).map(|category| (*category, stretch)))
        .collect();
    let rows = rows(&mut connection, &known).await?;
    drop(connection);
    let mut keys = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let key = Key { category: row.try_get(0)?, created_at: row.try_get(1)?, product: row.try_get(2)? };
        keys.push((key, at));
    }
    keys.sort_unstable_by_key(|(key, _)| Reverse(*key));
    let page = |stretch: &Stretch| {
        let category = categories.get(&stretch.place.category)?;
        page(showing, stretch, *category, &keys, &rows).transpose()
    };
    stretches.iter().map(|stretch| page(stretch).transpose()).collect()
}

async fn categories(
    connection: &mut MySqlConnection,
    stretches: &[Stretch],
) -> Result<HashMap<String, Uuid>, sqlx::Error> {
    let mut slugs: Vec<&str> = stretches.iter().map(|stretch| stretch.place.category.as_str()).collect();
    slugs.sort_unstable();
    slugs.dedup();
    let mut query = QueryBuilder::<MySql>::new("SELECT slug, id FROM categories WHERE slug IN ");
    push_list(&mut query, &slugs);
    let found: Vec<(String, Uuid)> = query.build_query_as().fetch_all(connection).await?;
    Ok(found.into_iter().collect())
}

/// All rows of these stretches; none when there are so many that something must have changed much.
async fn rows(connection: &mut MySqlConnection, known: &[(Uuid, &Stretch)]) -> Result<Vec<MySqlRow>, sqlx::Error> {
    let Some(last) = known.last() else { return Ok(Vec::new()) };
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT s.category_id, s.created_at, s.product_id, s.format, s.summary FROM showcase s FORCE INDEX (PRIMARY) WHERE ",
    );
    let mut most = 0;
    let mut either = query.separated(" OR ");
    // A power of two of them, so that there are few statements and each is prepared once.
    let missing = known.len().next_power_of_two() - known.len();
    for (category, Stretch { place, end }) in known.iter().chain(std::iter::repeat_n(last, missing)) {
        most += 2 * u64::from(place.limit + 1);
        either.push("(s.category_id = ").push_bind_unseparated(*category);
        either.push_unseparated(" AND s.created_at BETWEEN ").push_bind_unseparated(*end);
        either.push_unseparated(" AND ").push_bind_unseparated(place.after.map_or(LATEST, |(moment, _)| moment));
        either.push_unseparated(")");
    }
    query.push(" LIMIT ").push_bind(most);
    let rows = query.build().fetch_all(connection).await?;
    let is_cut = u64::try_from(rows.len()).is_ok_and(|count| count >= most);
    Ok(if is_cut { Vec::new() } else { rows })
}

/// One stretch's page: none when the stretch has less, or something that is out of date.
fn page(
    showing: &Showing,
    stretch: &Stretch,
    category: Uuid,
    keys: &[(Key, usize)],
    rows: &[MySqlRow],
) -> Result<Option<Page>, ApiError> {
    let Stretch { place, end } = stretch;
    let (created_at, product) = place.after.unwrap_or((LATEST, Uuid::max()));
    let after = Key { category, created_at, product };
    let begin = keys.partition_point(|(key, _)| *key >= after);
    let count = keys[begin..].partition_point(|(key, _)| key.category == category && key.created_at >= *end);
    let limit = usize::try_from(place.limit).unwrap_or(usize::MAX);
    if count == 0 || count <= limit && *end > EARLIEST {
        return Ok(None);
    }
    let shown = &keys[begin..begin + count.min(limit)];
    let mut items = String::new();
    for (_, at) in shown {
        if rows[*at].try_get::<i64, _>(3)? != showing.format() {
            return Ok(None);
        }
        let item: &str = rows[*at].try_get(4)?;
        if items.is_empty() {
            // They are about as long as each other.
            items.reserve((item.len() + item.len() / 8) * shown.len());
        } else {
            items.push(',');
        }
        items.push_str(item);
    }
    let cursor = |(key, _): &(Key, usize)| Cursor::Newest { created_at: to_micros(key.created_at), id: key.product };
    let beyond = keys[begin..begin + count].get(limit).map(cursor);
    let next = shown.last().filter(|_| beyond.is_some()).map(cursor);
    Ok(Some(Page { items, next, beyond }))
}

const fn new_year(year: i32) -> PrimitiveDateTime {
    match Date::from_ordinal_date(year, 1) {
        Ok(day) => day.midnight(),
        Err(_) => PrimitiveDateTime::MIN,
    }
}
