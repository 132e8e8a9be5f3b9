//! What a reader gives out: text becomes objects, and objects are stored, while the reader reads on.

use std::sync::Arc;

use tokio::task::JoinHandle;

use super::{
    packing::{Packing, Pending},
    put,
    reader::Shared,
};
use crate::{Error, Event, manifest::Chunk, store::Store};

/// A chunk that is in the store, and where it belongs.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) table: usize,
    pub(crate) range: usize,
    /// Of its rows' checksums.
    pub(crate) sum: u64,
    pub(crate) chunk: Chunk,
}

/// Rows that belong together, and what is known of them when the last one is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows {
    pub(crate) table: usize,
    pub(crate) range: usize,
    /// The how manieth chunk of the range it is.
    pub(crate) number: usize,
    pub(crate) rows: u64,
    pub(crate) sum: u64,
}

/// The chunks of one reader, one after another.
pub(crate) struct Chunks<S> {
    shared: Arc<Shared<S>>,
    packing: Packing,
    /// The chunk that is on its way to the store: one at a time, so that a slow store holds up and does not pile up.
    storing: Option<JoinHandle<Result<Done, Error>>>,
    done: Vec<Done>,
}

impl<S: Store + 'static> Chunks<S> {
    pub(crate) fn new(shared: &Arc<Shared<S>>) -> Self {
        let packing = Packing::start(shared.keys.clone());
        Self { shared: Arc::clone(shared), packing, storing: None, done: Vec::new() }
    }

    /// What is in the chunk so far, as text, in bytes.
    pub(crate) fn text_bytes(&self) -> usize {
        self.packing.text_bytes()
    }

    pub(crate) async fn text(&mut self, text: Vec<u8>) -> Result<(), Error> {
        self.packing.text(text).await
    }

    /// Ends the chunk and has it stored; returns when the one before it is.
    pub(crate) async fn end(&mut self, rows: Rows) -> Result<(), Error> {
        let pending = self.packing.finish().await?;
        self.stored().await?;
        self.storing = Some(tokio::spawn(store(Arc::clone(&self.shared), rows, pending)));
        Ok(())
    }

    /// Returns when everything is stored.
    pub(crate) async fn stored(&mut self) -> Result<(), Error> {
        if let Some(storing) = self.storing.take() {
            let ended = |error| Error::local("storing a chunk")(std::io::Error::other(error));
            self.done.push(storing.await.map_err(ended)??);
        }
        Ok(())
    }

    /// All of them, in the order in which they were read.
    pub(crate) async fn all(mut self) -> Result<Vec<Done>, Error> {
        self.stored().await?;
        Ok(self.done)
    }
}

async fn store<S: Store>(shared: Arc<Shared<S>>, chunk: Rows, pending: Pending) -> Result<Done, Error> {
    let Rows { table, range, number, rows, sum } = chunk;
    let packed = pending.ready().await?;
    let name = name(table, &shared.tables[table].name, range, number);
    let object = put(&*shared.store, &shared.id, name, &packed).await?;
    let (plain_bytes, bytes) = (object.plain_bytes, object.bytes);
    let key = format!("{}/{}", shared.id, object.name);
    // Nobody listens when the backup has failed elsewhere.
    let _ = shared.events.send(Event::Stored { key, rows, plain_bytes, bytes });
    Ok(Done { table, range, sum, chunk: Chunk { rows, object } })
}

/// Names sort in the order of tables and keys, and tell a person what is in them.
fn name(table: usize, name: &str, range: usize, number: usize) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    let name: String = name.chars().map(plain).take(40).collect();
    format!("{:04}-{name}.{range:02}-{number:05}.tsv.zst.age", table + 1)
}
