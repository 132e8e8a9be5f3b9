//! Restoring a backup into a schema, faster than a dump is played back and as often interrupted as it likes.
//!
//! In order: the manifest's seal and whether everything is there, before anything is touched; the tables with their
//! primary keys; the rows, by several connections, in the order in which they lie; the other keys, each made of all rows
//! at once; a comparison with what the manifest counted; foreign keys; views, routines, triggers and events.

mod board;
mod build;
mod load;
mod progress;
mod statements;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use mysql_async::{Conn, prelude::Queryable};
use tokio::{
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{
    Error, Event,
    error::{Damage, Difference},
    hand,
    keys::ReadingKeys,
    list,
    manifest::Manifest,
    pack,
    schema::{self, Schema, checksum},
    server::{Server, quote},
    store::Store,
};
use board::{Board, Next, Task};
use load::Way;
use progress::Progress;

/// How a backup is restored.
#[derive(Clone, Debug)]
pub struct RestoreOptions {
    /// The schema to restore into; it need not exist.
    pub schema: String,
    /// Connections that write at the same time, at most 16. Two keep a server of two cores busy.
    pub writers: usize,
    /// Whether what is in the schema may go.
    pub replace: bool,
    /// Whether the users of the backup are made too, with the passwords that they had.
    pub users: bool,
}

impl RestoreOptions {
    /// The usual ones for this schema.
    pub fn new(schema: impl Into<String>) -> Self {
        Self { schema: schema.into(), writers: 2, replace: false, users: false }
    }
}

/// What was restored.
#[derive(Clone, Debug, PartialEq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Chunks that an earlier, interrupted restore had loaded.
    pub loaded_before: usize,
    /// Whether the rows had to go in as statements.
    pub row_by_row: bool,
}

/// Restores a backup and compares the result with what was backed up: numbers of rows, checksums, definitions.
///
/// Interrupted, it goes on where it was when it is called again for the same backup and schema.
///
/// # Errors
/// When the backup is not whole or not to be believed, or the schema not empty: then nothing was touched. When a chunk
/// turns out to be damaged, or the server refuses something. [`Error::Differs`] when all went in and is not the same.
pub async fn restore<S: Store + 'static>(
    store: &Arc<S>,
    id: &str,
    keys: &ReadingKeys,
    server: &Server,
    options: &RestoreOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Restored, Error> {
    let manifest = list::manifest(&**store, id, &keys.seal).await?;
    let findings = list::compare(&manifest, &list::objects(&**store, id).await?);
    if !findings.is_empty() {
        return Err(Error::NotWhole { id: id.to_owned(), findings });
    }
    let definition = file(&**store, &manifest, hand::DEFINITION, keys).await?;
    let schema: Schema =
        serde_json::from_slice(&definition).map_err(|error| Error::local("reading the schema")(error.into()))?;
    let users = if options.users { Some(file(&**store, &manifest, hand::USERS, keys).await?) } else { None };

    let target = options.schema.as_str();
    let mut control = server.connect(None).await?;
    let progress = Progress::new(target, id);
    progress.claim(&mut control).await?;
    let done = begin(&mut control, &progress, options, &schema).await?;
    let chunks = manifest.tables.iter().map(|table| table.chunks.len()).sum();
    if !done.is_empty() {
        on_event(Event::Resumed { loaded: done.len(), of: chunks });
    }
    build::tables(&mut control, &schema).await?;

    let way = way(&mut control).await?;
    if way == Way::Statements {
        on_event(Event::RowByRow);
    }
    let (events, mut happened) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        store: Arc::clone(store),
        keys: keys.clone(),
        board: Mutex::new(board(&manifest, &done)),
        moved: Notify::new(),
        differences: Mutex::new(Vec::new()),
        target: target.to_owned(),
        manifest,
        schema,
        way,
        progress,
        events,
    });
    let mut running = JoinSet::new();
    for session in 1..=options.writers.clamp(1, progress::SESSIONS) {
        let mut connection = server.connect(Some(target)).await?;
        shared.progress.join(&mut connection, session).await?;
        running.spawn(work(connection, Arc::clone(&shared)));
    }
    let mut alive = tokio::time::interval(progress::ALIVE);
    while !running.is_empty() {
        tokio::select! {
            Some(event) = happened.recv() => on_event(event),
            _ = alive.tick() => control.ping().await.map_err(Error::server("waiting for the rows"))?,
            Some(ended) = running.join_next() => {
                ended.map_err(|error| Error::local("loading")(std::io::Error::other(error)))??;
            }
        }
    }
    while let Ok(event) = happened.try_recv() {
        on_event(event);
    }

    let Shared { manifest, schema, progress, differences, .. } = &*shared;
    for table in &schema.tables {
        build::foreign_keys(&mut control, target, table).await?;
    }
    build::parts(&mut control, schema).await?;
    if let Some(users) = users {
        build::users(&mut control, &String::from_utf8_lossy(&users)).await?;
    }
    let mut differences = differences.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let defined = schema::read(&mut control, target).await?;
    differences.extend(schema.differences(&defined).into_iter().map(|what| Difference::Definition { what }));
    if !differences.is_empty() {
        return Err(Error::Differs { differences });
    }
    progress.end(&mut control).await?;
    // Everything is done; how the connection ends changes nothing.
    let _ = control.disconnect().await;
    Ok(Restored { manifest: manifest.clone(), loaded_before: done.len(), row_by_row: way == Way::Statements })
}

/// A file of the backup, checked and opened.
async fn file(store: &impl Store, manifest: &Manifest, name: &str, keys: &ReadingKeys) -> Result<Vec<u8>, Error> {
    let key = format!("{}/{name}", manifest.id);
    let damaged = |source| Error::Damaged { key: key.clone(), source };
    let object = manifest.file(name).ok_or_else(|| damaged(Damage::Missing))?;
    let stored = store.get(&key).await.map_err(Error::store(&key))?;
    pack::unpack(object, stored.ok_or_else(|| damaged(Damage::Missing))?, keys).map_err(damaged)
}

/// The names of chunks that are loaded already, after making sure that nothing else is there.
async fn begin(
    control: &mut Conn,
    progress: &Progress,
    options: &RestoreOptions,
    schema: &Schema,
) -> Result<BTreeSet<String>, Error> {
    let target = options.schema.as_str();
    let done = match progress.done(control).await {
        Ok(done) => done,
        Err(Error::OtherBackup { .. }) if options.replace => None,
        Err(error) => return Err(error),
    };
    if done.is_none() {
        let found = build::first_thing(control, target).await?;
        if let Some(found) = found.filter(|_| !options.replace) {
            return Err(Error::NotEmpty { schema: target.to_owned(), found });
        }
        progress.forget(control).await?;
        if options.replace {
            let drop = format!("DROP DATABASE IF EXISTS {}", quote(target));
            control.query_drop(drop).await.map_err(Error::server(format!("clearing {target}")))?;
        }
        progress.begin(control).await?;
    }
    build::schema(control, target, schema).await?;
    Ok(done.unwrap_or_default())
}

async fn way(control: &mut Conn) -> Result<Way, Error> {
    let allowed: Option<u8> =
        control.query_first("SELECT @@GLOBAL.local_infile").await.map_err(Error::server("asking for local_infile"))?;
    Ok(if allowed == Some(1) { Way::LoadData } else { Way::Statements })
}

fn board(manifest: &Manifest, done: &BTreeSet<String>) -> Board {
    Board::new(manifest.tables.iter().map(|table| {
        let left = table.chunks.iter().enumerate().filter(|(_, chunk)| !done.contains(&chunk.object.name));
        left.map(|(place, _)| place).collect::<VecDeque<usize>>()
    }))
}

/// What writers share.
struct Shared<S> {
    store: Arc<S>,
    keys: ReadingKeys,
    board: Mutex<Board>,
    /// Something is done, and perhaps something can be begun.
    moved: Notify,
    differences: Mutex<Vec<Difference>>,
    target: String,
    manifest: Manifest,
    schema: Schema,
    way: Way,
    progress: Progress,
    events: mpsc::UnboundedSender<Event>,
}

impl<S> Shared<S> {
    fn board(&self) -> std::sync::MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say(&self, event: Event) {
        // Nobody listens when the restore has failed elsewhere.
        let _ = self.events.send(event);
    }
}

/// One writer's part.
async fn work<S: Store>(mut connection: Conn, shared: Arc<Shared<S>>) -> Result<(), Error> {
    let mut last = None;
    loop {
        let mut moved = std::pin::pin!(shared.moved.notified());
        // From here on nothing that moves is missed.
        moved.as_mut().enable();
        let next = shared.board().next(last);
        match next {
            Next::End => break,
            Next::Wait => moved.await,
            Next::Do(task) => {
                last = Some(task.table());
                perform(&mut connection, &shared, task).await?;
                shared.board().done(task);
                shared.moved.notify_waiters();
            }
        }
    }
    // Its rows are committed.
    let _ = connection.disconnect().await;
    Ok(())
}

async fn perform<S: Store>(connection: &mut Conn, shared: &Shared<S>, task: Task) -> Result<(), Error> {
    let (table, made) = (&shared.schema.tables[task.table()], &shared.manifest.tables[task.table()]);
    match task {
        Task::Load { chunk, .. } => {
            let what = (shared.manifest.id.as_str(), table, &made.chunks[chunk]);
            let say = |event| shared.say(event);
            load::load(connection, &*shared.store, &shared.keys, what, shared.way, &shared.progress, say).await
        }
        Task::Key(_) => {
            build::keys(connection, &shared.target, table).await?;
            shared.say(Event::Keyed { table: table.name.clone() });
            Ok(())
        }
        Task::Compare(_) => {
            let found = compare(connection, table, made).await?;
            shared.say(Event::Compared { table: table.name.clone(), same: found.is_none() });
            shared.differences.lock().unwrap_or_else(PoisonError::into_inner).extend(found);
            Ok(())
        }
    }
}

/// Rows and checksum, as the server that has them computes them.
async fn compare(
    connection: &mut Conn,
    table: &schema::Table,
    made: &crate::manifest::Table,
) -> Result<Option<Difference>, Error> {
    let failed = || Error::server(format!("comparing table {}", table.name));
    let mut ask = async |query: String| connection.query_first::<(u64, u64), _>(query).await.map_err(failed());
    let found = ask(checksum(&table.name, &table.columns)).await?;
    let (rows, sum) = found.ok_or_else(|| Error::Answer { doing: format!("comparing table {}", table.name) })?;
    let name = table.name.clone();
    Ok(if rows != made.rows {
        Some(Difference::Rows { table: name, expected: made.rows, found: rows })
    } else if sum != made.sum {
        Some(Difference::Sum { table: name, expected: made.sum, found: sum })
    } else {
        None
    })
}
