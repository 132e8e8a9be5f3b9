//! One connection's part of a dump: reads ranges of tables, cuts them into chunks and has them stored.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use futures::TryStreamExt;
use mysql_async::{Conn, Row, Value, prelude::Queryable};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{
    packing::{Packing, Pending},
    put,
};
use crate::{
    Error, Event,
    keys::MakingKeys,
    manifest::{Chunk, Object},
    schema::Table,
    server::quote,
    store::Store,
    text::Lines,
};

/// What is handed on at a time.
const PIECE: usize = 256 << 10;

/// A row that makes itself felt: it is in memory several times on its way.
const LONG: usize = 4 << 20;

/// A range of a table to read.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) table: usize,
    pub(crate) range: usize,
    pub(crate) condition: Option<String>,
}

/// A range that was read.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) table: usize,
    pub(crate) range: usize,
    pub(crate) sum: u64,
    pub(crate) chunks: Vec<Chunk>,
}

/// What readers share.
pub(crate) struct Shared<S> {
    pub(crate) store: Arc<S>,
    pub(crate) keys: MakingKeys,
    pub(crate) id: String,
    /// What a chunk holds, as text, in bytes.
    pub(crate) chunk_bytes: usize,
    pub(crate) tables: Vec<Table>,
    pub(crate) jobs: Mutex<VecDeque<Job>>,
    /// Whoever has it may read long rows: one at a time, so that several readers need not much more memory than one.
    pub(crate) long_rows: tokio::sync::Mutex<()>,
    pub(crate) events: mpsc::UnboundedSender<Event>,
}

/// Works on jobs until there are none.
pub(crate) async fn read<S: Store + 'static>(mut connection: Conn, shared: Arc<Shared<S>>) -> Result<Vec<Done>, Error> {
    let mut done = Vec::new();
    loop {
        let job = shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = job else { break };
        done.push(Reading::new(&shared, job).run(&mut connection).await?);
    }
    // All is read: how the connection ends changes nothing.
    let _ = connection.disconnect().await;
    Ok(done)
}

struct Reading<'a, S> {
    shared: &'a Arc<Shared<S>>,
    job: Job,
    lines: Lines,
    packing: Packing,
    rows: u64,
    sum: u64,
    /// Whether the chunk has a long row.
    long_rows: bool,
    /// Held from the first long row on.
    alone: Option<tokio::sync::MutexGuard<'a, ()>>,
    /// The chunk that is on its way to the store: one at a time, so that a slow store holds up and does not pile up.
    storing: Option<JoinHandle<Result<Chunk, Error>>>,
    chunks: Vec<Chunk>,
}

impl<'a, S: Store + 'static> Reading<'a, S> {
    fn new(shared: &'a Arc<Shared<S>>, job: Job) -> Self {
        let shapes = shared.tables[job.table].columns.iter().map(crate::schema::Column::shape).collect();
        let packing = Packing::start(shared.keys.clone());
        Self {
            shared,
            job,
            lines: Lines::new(shapes),
            packing,
            rows: 0,
            sum: 0,
            long_rows: false,
            alone: None,
            storing: None,
            chunks: Vec::new(),
        }
    }

    fn table(&self) -> &'a Table {
        &self.shared.tables[self.job.table]
    }

    async fn run(mut self, connection: &mut Conn) -> Result<Done, Error> {
        let table = self.table();
        let failed = || Error::server(format!("reading table {}", table.name));
        // Where rows may be long, several copies of one are in memory while it is on its way.
        let long = table.columns.iter().any(|column| column.shape().long);
        let most = if long { self.shared.chunk_bytes / 2 } else { self.shared.chunk_bytes };
        let mut result = connection.query_iter(select(table, self.job.condition.as_deref())).await.map_err(failed())?;
        let mut rows = result
            .stream::<Row>()
            .await
            .map_err(failed())?
            .ok_or_else(|| Error::Answer { doing: format!("reading table {}", table.name) })?;
        while let Some(row) = rows.try_next().await.map_err(failed())? {
            let length = length(&row);
            if self.waiting() > 0 && self.waiting() + length > most {
                self.cut().await?;
            }
            if length > LONG && self.alone.is_none() {
                self.alone = Some(self.shared.long_rows.lock().await);
            }
            self.long_rows |= length > LONG;
            self.add(&row).await?;
            // Gone before the next one comes: each may be long.
            drop(row);
            if self.waiting() >= most {
                self.cut().await?;
            }
        }
        self.cut().await?;
        self.stored().await?;
        let Job { table, range, .. } = self.job;
        Ok(Done { table, range, sum: self.sum, chunks: self.chunks })
    }

    /// What is in the chunk so far, as text, in bytes.
    fn waiting(&self) -> usize {
        self.packing.text_bytes() + self.lines.waiting()
    }

    async fn add(&mut self, row: &Row) -> Result<(), Error> {
        for place in 0..row.len() {
            let value = match row.as_ref(place) {
                Some(Value::Bytes(bytes)) => Some(bytes.as_slice()),
                Some(Value::NULL) => None,
                _ => return Err(Error::Answer { doing: format!("reading table {}", self.table().name) }),
            };
            self.lines.value(place, value);
            for part in value.unwrap_or_default().chunks(PIECE) {
                self.lines.text(part);
                if self.lines.waiting() >= PIECE {
                    self.hand_on().await?;
                }
            }
        }
        self.lines.end();
        Ok(())
    }

    async fn hand_on(&mut self) -> Result<(), Error> {
        let (rows, sum) = self.lines.count();
        self.rows += rows;
        self.sum += sum;
        let text = self.lines.take(Vec::with_capacity(PIECE + PIECE / 4));
        if text.is_empty() { Ok(()) } else { self.packing.text(text).await }
    }

    /// Ends the chunk, if there is something in it, and has it stored.
    async fn cut(&mut self) -> Result<(), Error> {
        self.hand_on().await?;
        let rows = std::mem::take(&mut self.rows);
        if rows == 0 {
            return Ok(());
        }
        let pending = self.packing.finish().await?;
        self.stored().await?;
        let Job { table, range, .. } = self.job;
        let name = chunk_name(table, &self.table().name, range, self.chunks.len());
        self.storing = Some(tokio::spawn(store(Arc::clone(self.shared), name, rows, pending)));
        // The next long row takes all the memory that this one took.
        if std::mem::take(&mut self.long_rows) { self.stored().await } else { Ok(()) }
    }

    /// Waits for the chunk before.
    async fn stored(&mut self) -> Result<(), Error> {
        if let Some(storing) = self.storing.take() {
            let ended = |error| Error::local("storing a chunk")(std::io::Error::other(error));
            self.chunks.push(storing.await.map_err(ended)??);
        }
        Ok(())
    }
}

async fn store<S: Store>(shared: Arc<Shared<S>>, name: String, rows: u64, pending: Pending) -> Result<Chunk, Error> {
    let packed = pending.ready().await?;
    let object: Object = put(&*shared.store, &shared.id, name, &packed).await?;
    let (plain_bytes, bytes) = (object.plain_bytes, object.bytes);
    let key = format!("{}/{}", shared.id, object.name);
    // Nobody listens when the backup has failed elsewhere.
    let _ = shared.events.send(Event::Stored { key, rows, plain_bytes, bytes });
    Ok(Chunk { rows, object })
}

fn select(table: &Table, condition: Option<&str>) -> String {
    let columns: Vec<String> = table.columns.iter().map(crate::schema::Column::read).collect();
    let mut query = format!("SELECT {} FROM {}", columns.join(", "), quote(&table.name));
    if !table.key.is_empty() {
        // No other index, even if it holds all columns: rows are to come in the order in which they lie.
        query += " FORCE INDEX (PRIMARY)";
    }
    if let Some(condition) = condition {
        query += &format!(" WHERE {condition}");
    }
    if !table.key.is_empty() {
        let key: Vec<String> = table.key.iter().map(|column| quote(&column.name)).collect();
        query += &format!(" ORDER BY {}", key.join(", "));
    }
    query
}

fn length(row: &Row) -> usize {
    let cell = |place| match row.as_ref(place) {
        Some(Value::Bytes(bytes)) => bytes.len() + 1,
        _ => 3,
    };
    (0..row.len()).map(cell).sum()
}

/// Names sort in the order of tables and keys, and tell a person what is in them.
fn chunk_name(table: usize, name: &str, range: usize, chunk: usize) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    let name: String = name.chars().map(plain).take(40).collect();
    format!("{:04}-{name}.{range:02}-{chunk:05}.tsv.zst.age", table + 1)
}
