//! Which backups there are. One exists only when its manifest does; of others only leftovers can be told.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};

use crate::{
    Error,
    error::{Damage, Distrust, Finding},
    keys::Seal,
    manifest::{self, Manifest},
    store::{Store, Stored},
};

/// Manifests that are read at a time.
const AT_ONCE: usize = 8;

/// A backup, or what looks like one.
#[derive(Debug)]
pub struct Summary {
    /// Its name. Names sort by time.
    pub id: String,
    /// How many objects there are.
    pub objects: usize,
    /// What they take, in bytes.
    pub bytes: u64,
    /// What it is.
    pub state: State,
}

/// Whether it can be restored.
#[derive(Debug)]
pub enum State {
    /// Its manifest is there and ours, and every object is there in the right length.
    Complete(Box<Manifest>),
    /// Its manifest is ours, and objects are missing or have another length.
    Damaged(Box<Manifest>, Vec<Finding>),
    /// It has no manifest: it is being made, or was never finished.
    Unfinished,
    /// Its manifest is not to be believed.
    Distrusted(Distrust),
}

/// All that is in the store, oldest first.
///
/// # Errors
/// When the store cannot be read.
pub async fn list(store: &impl Store, seal: &Seal) -> Result<Vec<Summary>, Error> {
    let found = group(store.list("").await.map_err(Error::store("the list of backups"))?);
    let summaries = found.into_iter().map(|(id, objects)| async move {
        let state = state(store, &id, &objects, seal).await?;
        Ok(Summary { id, objects: objects.len(), bytes: objects.values().sum(), state })
    });
    stream::iter(summaries).buffered(AT_ONCE).collect::<Vec<_>>().await.into_iter().collect()
}

async fn state(store: &impl Store, id: &str, objects: &BTreeMap<String, u64>, seal: &Seal) -> Result<State, Error> {
    match manifest(store, id, seal).await {
        Ok(manifest) => {
            let findings = compare(&manifest, objects);
            let manifest = Box::new(manifest);
            Ok(if findings.is_empty() { State::Complete(manifest) } else { State::Damaged(manifest, findings) })
        }
        Err(Error::NoBackup { .. }) => Ok(State::Unfinished),
        Err(Error::Distrusted { source, .. }) => Ok(State::Distrusted(source)),
        Err(error) => Err(error),
    }
}

/// The manifest of a backup, if it is ours.
///
/// # Errors
/// [`Error::NoBackup`] and [`Error::Distrusted`], or when the store cannot be read.
pub async fn manifest(store: &impl Store, id: &str, seal: &Seal) -> Result<Manifest, Error> {
    let key = format!("{id}/{}", manifest::NAME);
    let stored = store.get(&key).await.map_err(Error::store(key))?;
    let stored = stored.ok_or_else(|| Error::NoBackup { id: id.to_owned() })?;
    Manifest::decode(id, &stored, seal).map_err(|source| Error::Distrusted { id: id.to_owned(), source })
}

/// The names of backups that have a manifest, oldest first.
pub(crate) async fn complete(store: &impl Store) -> Result<Vec<String>, Error> {
    let found = group(store.list("").await.map_err(Error::store("the list of backups"))?);
    Ok(found.into_iter().filter(|(_, objects)| objects.contains_key(manifest::NAME)).map(|(id, _)| id).collect())
}

/// The objects below a backup's name, with their lengths.
pub(crate) async fn objects(store: &impl Store, id: &str) -> Result<BTreeMap<String, u64>, Error> {
    let found = store.list(&format!("{id}/")).await.map_err(Error::store(format!("{id}/")))?;
    Ok(group(found).remove(id).unwrap_or_default())
}

/// What can be told of a backup without reading it.
pub(crate) fn compare(manifest: &Manifest, objects: &BTreeMap<String, u64>) -> Vec<Finding> {
    let judge = |object: &manifest::Object| {
        let damage = match objects.get(&object.name) {
            None => Damage::Missing,
            Some(found) if *found != object.bytes => Damage::Length { expected: object.bytes, found: *found },
            Some(_) => return None,
        };
        Some(Finding { key: format!("{}/{}", manifest.id, object.name), damage })
    };
    manifest.objects().filter_map(judge).collect()
}

fn group(found: Vec<Stored>) -> BTreeMap<String, BTreeMap<String, u64>> {
    let mut groups: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
    for object in found {
        if let Some((id, name)) = object.key.split_once('/') {
            groups.entry(id.to_owned()).or_default().insert(name.to_owned(), object.bytes);
        }
    }
    groups
}
