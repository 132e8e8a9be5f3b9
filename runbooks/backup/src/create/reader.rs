//! One connection's part of a dump: reads ranges of tables and cuts them into chunks.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use futures::TryStreamExt;
use mysql_async::{Conn, Row, Value, prelude::Queryable};
use tokio::sync::mpsc;

use super::chunks::{Chunks, Done, Rows};
use crate::{
    Error, Event,
    keys::MakingKeys,
    schema::{Column, Table},
    server::quote,
    store::Store,
    text::Lines,
};

/// What is handed on at a time.
const PIECE: usize = 64 << 10;

/// A row that makes itself felt: it is in memory several times on its way.
const LONG: usize = 4 << 20;

/// A range of a table to read.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) table: usize,
    pub(crate) range: usize,
    pub(crate) condition: Option<String>,
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
    let mut chunks = Chunks::new(&shared);
    loop {
        let job = shared.jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(job) = job else { break };
        Reading::new(&shared, &mut chunks, job).run(&mut connection).await?;
    }
    // All is read: how the connection ends changes nothing.
    let _ = connection.disconnect().await;
    chunks.all().await
}

struct Reading<'a, S> {
    shared: &'a Shared<S>,
    chunks: &'a mut Chunks<S>,
    job: Job,
    lines: Lines,
    /// The chunk in the making.
    chunk: Rows,
    /// Whether it has a long row.
    long_rows: bool,
    /// Held from the first long row on.
    alone: Option<tokio::sync::MutexGuard<'a, ()>>,
}

impl<'a, S: Store + 'static> Reading<'a, S> {
    fn new(shared: &'a Shared<S>, chunks: &'a mut Chunks<S>, job: Job) -> Self {
        let shapes = shared.tables[job.table].columns.iter().map(Column::shape).collect();
        let chunk = Rows { table: job.table, range: job.range, number: 0, rows: 0, sum: 0 };
        Self { shared, chunks, job, lines: Lines::new(shapes), chunk, long_rows: false, alone: None }
    }

    fn table(&self) -> &'a Table {
        &self.shared.tables[self.job.table]
    }

    async fn run(mut self, connection: &mut Conn) -> Result<(), Error> {
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
        self.cut().await
    }

    /// What is in the chunk so far, as text, in bytes.
    fn waiting(&self) -> usize {
        self.chunks.text_bytes() + self.lines.waiting()
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
        self.chunk.rows += rows;
        self.chunk.sum += sum;
        let text = self.lines.take(Vec::with_capacity(PIECE + PIECE / 4));
        if text.is_empty() { Ok(()) } else { self.chunks.text(text).await }
    }

    /// Ends the chunk, if there is something in it.
    async fn cut(&mut self) -> Result<(), Error> {
        self.hand_on().await?;
        if self.chunk.rows == 0 {
            return Ok(());
        }
        self.chunks.end(self.chunk).await?;
        self.chunk = Rows { number: self.chunk.number + 1, rows: 0, sum: 0, ..self.chunk };
        // The next long row takes all the memory that this one took.
        if std::mem::take(&mut self.long_rows) { self.chunks.stored().await } else { Ok(()) }
    }
}

fn select(table: &Table, condition: Option<&str>) -> String {
    let columns: Vec<String> = table.columns.iter().map(Column::read).collect();
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
