//! A store in memory, which can be damaged, lose its answers and die.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use jewel_backup::{Answer, Store, StoreError, Stored};

/// What a call's fate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It never arrives.
    Lost,
    /// It is done, and nobody hears of it.
    Unheard,
}

/// Objects, and which call fails how.
#[derive(Default)]
pub(crate) struct Memory {
    pub(crate) objects: Mutex<BTreeMap<String, Bytes>>,
    pub(crate) calls: AtomicUsize,
    /// From this call on, nothing works any more; this one call ends in this way.
    pub(crate) dies: Option<(usize, Fate)>,
    /// Every put's first attempt ends so.
    pub(crate) every_put: Option<Fate>,
    pub(crate) tried: Mutex<BTreeMap<String, usize>>,
}

impl Memory {
    pub(crate) fn with(objects: BTreeMap<String, Bytes>) -> Arc<Self> {
        Arc::new(Self { objects: Mutex::new(objects), ..Self::default() })
    }

    pub(crate) fn all(&self) -> BTreeMap<String, Bytes> {
        self.objects.lock().unwrap().clone()
    }

    /// What becomes of this call: none is that it works.
    fn fate(&self) -> Option<Fate> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let (last, fate) = self.dies?;
        match call.cmp(&last) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(fate),
            std::cmp::Ordering::Greater => Some(Fate::Lost),
        }
    }
}

fn gone() -> StoreError {
    "the store is gone".into()
}

impl Store for Memory {
    async fn put_new(&self, key: &str, object: Bytes) -> Answer {
        let first = {
            let mut tried = self.tried.lock().unwrap();
            let tried = tried.entry(key.to_owned()).or_default();
            *tried += 1;
            *tried == 1
        };
        let fate = self.fate().or(self.every_put.filter(|_| first));
        if fate == Some(Fate::Lost) {
            return Answer::Unknown(gone());
        }
        let mut objects = self.objects.lock().unwrap();
        let taken = objects.contains_key(key);
        if !taken {
            objects.insert(key.to_owned(), object);
        }
        match (fate, taken) {
            (Some(_), _) => Answer::Unknown(gone()),
            (None, true) => Answer::Taken,
            (None, false) => Answer::Stored,
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Bytes>, StoreError> {
        if self.fate().is_some() { Err(gone()) } else { Ok(self.objects.lock().unwrap().get(key).cloned()) }
    }

    async fn list(&self, prefix: &str) -> Result<Vec<Stored>, StoreError> {
        if self.fate().is_some() {
            return Err(gone());
        }
        let objects = self.objects.lock().unwrap();
        let found = objects.iter().filter(|(key, _)| key.starts_with(prefix));
        Ok(found.map(|(key, object)| Stored { key: key.clone(), bytes: object.len() as u64 }).collect())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let fate = self.fate();
        if fate != Some(Fate::Lost) {
            self.objects.lock().unwrap().remove(key);
        }
        if fate.is_some() { Err(gone()) } else { Ok(()) }
    }
}
