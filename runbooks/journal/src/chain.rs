//! Reading an epoch: every object is the one that should be there, unchanged, and none is missing.

use crate::{Hash, Key, Kind, Object, format::Malformed};

/// What is wrong with the journal.
#[derive(Debug, thiserror::Error)]
pub enum Broken {
    /// An object is missing.
    #[error("object {0} is missing")]
    Gap(Key),
    /// Something else is there.
    #[error("object {key} is no object of the journal")]
    Malformed {
        /// Where.
        key: Key,
        /// What is wrong with it.
        #[source]
        source: Malformed,
    },
    /// It was written for another place.
    #[error("object {key} says that it is {says}")]
    Misplaced {
        /// Where it is.
        key: Key,
        /// Where it should be.
        says: Key,
    },
    /// It does not continue the one before it: one of them was changed.
    #[error("object {0} does not continue the one before it")]
    Chain(Key),
}

/// The end of what was read of an epoch.
#[derive(Debug, Default)]
pub struct Chain {
    end: Option<End>,
}

#[derive(Debug)]
struct End {
    key: Key,
    kind: Kind,
    hash: Hash,
    /// The hash of the last object that is no fence.
    before_fence: Hash,
}

impl Chain {
    /// Takes the next object, which may be the first of another epoch.
    ///
    /// # Errors
    /// When it is not the next one. The chain can go on behind a gap, if somebody decides so, with [`Chain::resume`].
    pub fn accept(&mut self, key: Key, bytes: &[u8]) -> Result<Object, Broken> {
        let end = self.end.as_ref().filter(|end| end.key.epoch == key.epoch);
        let expected = end.map_or(Key { seq: 0, ..key }, |end| end.key.next());
        if key != expected {
            return Err(Broken::Gap(expected));
        }
        let object = read(key, bytes)?;
        let header = &object.header;
        let continues = match end {
            None => header.kind == Kind::Open && header.previous.is_none(),
            Some(end) => {
                let beyond_fence = end.kind == Kind::Fence && header.before_fence == Some(end.before_fence);
                header.kind != Kind::Open && (header.previous == Some(end.hash) || beyond_fence)
            }
        };
        if !continues {
            return Err(Broken::Chain(key));
        }
        self.step(&object, bytes);
        Ok(object)
    }

    /// Takes an object although what should be before it is not there.
    ///
    /// # Errors
    /// When it is no object of this place.
    pub fn resume(&mut self, key: Key, bytes: &[u8]) -> Result<Object, Broken> {
        let object = read(key, bytes)?;
        self.step(&object, bytes);
        Ok(object)
    }

    fn step(&mut self, object: &Object, bytes: &[u8]) {
        let (key, kind, hash) = (object.header.key(), object.header.kind, Hash::of(bytes));
        let earlier = self.end.take().filter(|end| end.key.epoch == key.epoch);
        let before_fence = match earlier {
            Some(end) if kind == Kind::Fence => end.before_fence,
            _ => hash,
        };
        self.end = Some(End { key, kind, hash, before_fence });
    }
}

fn read(key: Key, bytes: &[u8]) -> Result<Object, Broken> {
    let object = Object::decode(bytes).map_err(|source| Broken::Malformed { key, source })?;
    let says = object.header.key();
    if says == key { Ok(object) } else { Err(Broken::Misplaced { key, says }) }
}
