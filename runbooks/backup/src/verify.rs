//! Reading a backup back, without restoring it: is every object there, unchanged, and can it be opened.

use crate::{
    Error, Event,
    error::{Damage, Finding},
    keys::ReadingKeys,
    list,
    manifest::{Manifest, NAME, Object},
    pack::Unpacker,
    store::Store,
};

/// The part of a backup's objects that is read. The others are only looked for, with their lengths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    index: u64,
    of: u64,
}

impl Slice {
    /// Everything.
    pub const ALL: Self = Self { index: 0, of: 1 };

    /// The part for this day, of so many: a daily run reads everything once in as many days.
    pub fn of_day(day: jiff::civil::Date, days: u32) -> Self {
        let of = u64::from(days.max(1));
        let since = jiff::civil::date(1970, 1, 1).until(day).map_or(0, |span| span.get_days());
        Self { index: u64::from(since.unsigned_abs()) % of, of }
    }

    fn contains(self, place: usize) -> bool {
        place as u64 % self.of == self.index
    }
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    /// The backup.
    pub manifest: Manifest,
    /// Objects that were read.
    pub read: usize,
    /// Objects of which only the length was compared.
    pub seen: usize,
    /// What is wrong.
    pub damaged: Vec<Finding>,
    /// Objects that do not belong to it. They do no harm, and somebody put them there.
    pub foreign: Vec<String>,
}

/// Reads a backup back: the manifest's seal, what is there, and of its slice every object's hash, encryption and contents.
///
/// # Errors
/// When the manifest is missing or not to be believed, or the store cannot be read. Damage is no error here.
pub async fn verify(
    store: &impl Store,
    id: &str,
    keys: &ReadingKeys,
    slice: Slice,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Verified, Error> {
    let manifest = list::manifest(store, id, &keys.seal).await?;
    let there = list::objects(store, id).await?;
    let mut damaged = list::compare(&manifest, &there);
    let known: std::collections::BTreeSet<&str> =
        manifest.objects().map(|object| object.name.as_str()).chain([NAME]).collect();
    let foreign =
        there.keys().filter(|name| !known.contains(name.as_str())).map(|name| format!("{id}/{name}")).collect();
    damaged.iter().for_each(|finding| on_event(Event::Damaged(finding.clone())));

    let rows = |object: &Object| {
        let mut chunks = manifest.tables.iter().flat_map(|table| &table.chunks);
        chunks.find(|chunk| chunk.object.name == object.name).map(|chunk| chunk.rows)
    };
    let whole: Vec<&Object> = manifest
        .objects()
        .filter(|object| damaged.iter().all(|finding| finding.key != format!("{id}/{}", object.name)))
        .collect();
    let (mut read, mut seen) = (0, 0);
    for (place, object) in whole.iter().enumerate() {
        if !slice.contains(place) {
            seen += 1;
            continue;
        }
        read += 1;
        let key = format!("{id}/{}", object.name);
        match check(store, &key, object, rows(object), keys).await? {
            None => on_event(Event::Checked { key }),
            Some(damage) => {
                let finding = Finding { key, damage };
                on_event(Event::Damaged(finding.clone()));
                damaged.push(finding);
            }
        }
    }
    Ok(Verified { read, seen, damaged, foreign, manifest: manifest.clone() })
}

async fn check(
    store: &impl Store,
    key: &str,
    object: &Object,
    rows: Option<u64>,
    keys: &ReadingKeys,
) -> Result<Option<Damage>, Error> {
    let Some(stored) = store.get(key).await.map_err(Error::store(key))? else { return Ok(Some(Damage::Missing)) };
    let (object, keys) = (object.clone(), keys.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let mut unpacker = Unpacker::new(&object, stored, &keys)?;
        let mut lines = 0;
        while let Some(piece) = unpacker.next(&object)? {
            lines += piece.iter().filter(|byte| **byte == b'\n').count() as u64;
        }
        match rows {
            Some(expected) if expected != lines => Err(Damage::Rows { expected, found: lines }),
            _ => Ok(()),
        }
    });
    let opened = opened.await.map_err(|error| Error::local("reading an object")(std::io::Error::other(error)))?;
    Ok(opened.err())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_in_a_row_read_everything() {
        let first = jiff::civil::date(2026, 2, 25);
        for days in [1, 7, 30] {
            let slices: Vec<Slice> = (0..i64::from(days))
                .map(|day| Slice::of_day(first.saturating_add(jiff::Span::new().days(day)), days))
                .collect();
            for place in 0..100 {
                assert_eq!(slices.iter().filter(|slice| slice.contains(place)).count(), 1, "{place} of {days}");
            }
        }
    }
}
