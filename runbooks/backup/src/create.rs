//! Making a backup: one moment of a schema, whole, encrypted, with its manifest written last.

mod chunks;
mod packing;
mod ranges;
mod reader;
mod snapshot;

pub use snapshot::Patience;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use mysql_async::{Conn, Row, Value, prelude::Queryable};
use tokio::{sync::mpsc, task::JoinSet};

use crate::{
    Error, Event,
    alarm::{Shrinking, shrunk},
    hand,
    keys::{MakingKeys, Seal},
    list,
    manifest::{self, FORMAT, Manifest, Object, Table},
    pack::{Packed, pack},
    schema::{self, Schema},
    server::{Server, literal},
    store::{Answer, Store},
};
use chunks::Done;
use reader::{Job, Shared};

/// How a backup is made.
#[derive(Clone, Debug)]
pub struct CreateOptions {
    /// The schema (database).
    pub schema: String,
    /// What the manifest names as its maker: a program and its version.
    pub tool: String,
    /// Connections that read at the same time. Two keep a server of two cores busy.
    pub readers: usize,
    /// What one object holds, as text, in bytes: two of them are in memory for each reader.
    pub chunk_bytes: usize,
    /// About how much of a table is read at once by one connection, in bytes as the server guesses.
    pub range_bytes: u64,
    /// How hard to try for a moment without writers.
    pub patience: Patience,
    /// A query whose rows, as of that moment, go into the manifest: where the journal stood.
    pub position: Option<String>,
    /// When a table counts as much smaller than in the last backup.
    pub shrinking: Shrinking,
}

impl CreateOptions {
    /// The usual ones for this schema.
    pub fn new(schema: impl Into<String>, tool: impl Into<String>) -> Self {
        Self {
            schema: schema.into(),
            tool: tool.into(),
            readers: 2,
            chunk_bytes: 32 << 20,
            range_bytes: 128 << 20,
            patience: Patience::default(),
            position: None,
            shrinking: Shrinking::default(),
        }
    }
}

/// What is in the manifest about the server: how its data is to be understood, and what a restore may miss.
const VARIABLES: &[&str] = &[
    "character_set_server",
    "collation_server",
    "default_storage_engine",
    "event_scheduler",
    "explicit_defaults_for_timestamp",
    "ft_min_word_len",
    "innodb_default_row_format",
    "innodb_ft_min_token_size",
    "innodb_page_size",
    "innodb_strict_mode",
    "local_infile",
    "log_bin_trust_function_creators",
    "lower_case_table_names",
    "max_allowed_packet",
    "sql_mode",
    "time_zone",
    "transaction_isolation",
    "version",
    "version_comment",
];

/// Tries of an object whose fate is unknown.
const ATTEMPTS: usize = 5;

/// Makes a backup and returns its manifest, which is also in the store. What stands in [`Manifest::shrunk`] is an alarm.
///
/// Killed at any point it leaves objects without a manifest, which is no backup; [`prune`](crate::prune) clears them away.
///
/// # Errors
/// What the server or the store said; that a table cannot be backed up; that a definition was changed meanwhile.
pub async fn create<S: Store + 'static>(
    server: &Server,
    store: &Arc<S>,
    keys: &MakingKeys,
    options: &CreateOptions,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Manifest, Error> {
    let name = options.schema.as_str();
    let mut control = server.connect(Some(name)).await?;
    let variables = variables(&mut control).await?;
    let schema = schema::read(&mut control, name).await?;
    let users = schema::users(&mut control, name).await?;
    let previous = previous(&**store, &keys.seal).await?;

    let (mut readers, at) =
        snapshot::open(server, name, &schema.tables, options.readers.max(1), options.patience, on_event).await?;
    let id = new_id(at);
    let guess = schema.tables.iter().map(|table| table.guess).sum();
    on_event(Event::Begun { id: id.clone(), at, tables: schema.tables.len(), guess });
    let position = match &options.position {
        Some(query) => Some(rows_as_json(&mut readers[0], query).await?),
        None => None,
    };
    let jobs = Mutex::new(plan(&mut readers[0], &schema.tables, options.range_bytes).await?);
    let (events, mut happened) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        store: Arc::clone(store),
        keys: keys.clone(),
        id: id.clone(),
        chunk_bytes: options.chunk_bytes,
        tables: schema.tables.clone(),
        jobs,
        long_rows: tokio::sync::Mutex::new(()),
        events,
    });
    let mut running = JoinSet::new();
    for reader in readers {
        running.spawn(reader::read(reader, Arc::clone(&shared)));
    }
    drop(shared);
    let mut done = Vec::new();
    while !running.is_empty() {
        tokio::select! {
            Some(event) = happened.recv() => on_event(event),
            Some(ended) = running.join_next() => {
                let ended = ended.map_err(|error| Error::local("reading")(std::io::Error::other(error)))?;
                done.extend(ended?);
            }
        }
    }
    while let Ok(event) = happened.try_recv() {
        on_event(event);
    }

    let changed = schema.differences(&schema::read(&mut control, name).await?);
    if !changed.is_empty() {
        return Err(Error::DefinitionChanged { what: changed });
    }
    // Everything was asked that there was to ask.
    let _ = control.disconnect().await;

    let tables = tables(&schema, done);
    let shrunk = previous.as_ref().map(|before| shrunk(before, &tables, &options.shrinking)).unwrap_or_default();
    shrunk.iter().for_each(|table| on_event(Event::Shrunk(table.clone())));
    let files = files(&**store, keys, &id, &schema, &tables, &users, on_event).await?;
    let manifest = Manifest {
        format: FORMAT,
        id: id.clone(),
        tool: options.tool.clone(),
        at,
        finished: Timestamp::now(),
        previous: previous.map(|before| before.id),
        schema: name.to_owned(),
        server: format!(
            "{} {}",
            variables.get("version_comment").map_or("", String::as_str),
            variables.get("version").map_or("", String::as_str)
        ),
        variables,
        position,
        shrunk,
        tables,
        files,
    };
    let encoded = manifest.encode(&keys.seal).map_err(|error| Error::local("writing the manifest")(error.into()))?;
    put_bytes(&**store, &format!("{id}/{}", manifest::NAME), &encoded.into()).await?;
    Ok(manifest)
}

/// Names sort by time, also when two are made in one second, and no two backups have the same.
fn new_id(at: Timestamp) -> String {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}", at.strftime("%Y%m%dT%H%M%S%.3fZ"), &unique[..8])
}

/// The newest backup that is not doubtful itself: what a new one is compared with.
async fn previous(store: &impl Store, seal: &Seal) -> Result<Option<Manifest>, Error> {
    for id in list::complete(store).await?.into_iter().rev() {
        match list::manifest(store, &id, seal).await {
            Ok(manifest) if manifest.shrunk.is_empty() => return Ok(Some(manifest)),
            Ok(_) | Err(Error::Distrusted { .. } | Error::NoBackup { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

async fn variables(connection: &mut Conn) -> Result<BTreeMap<String, String>, Error> {
    let names: Vec<String> = VARIABLES.iter().map(|name| literal(name)).collect();
    let query = format!("SHOW GLOBAL VARIABLES WHERE Variable_name IN ({})", names.join(", "));
    let rows: Vec<(String, String)> = connection.query(query).await.map_err(Error::server("reading its settings"))?;
    Ok(rows.into_iter().collect())
}

/// What a query finds, each row an object of texts.
async fn rows_as_json(connection: &mut Conn, query: &str) -> Result<serde_json::Value, Error> {
    let rows: Vec<Row> = connection.query(query).await.map_err(Error::server("reading the journal's position"))?;
    let cell = |value: &Value| match value {
        Value::Bytes(bytes) => serde_json::Value::String(String::from_utf8_lossy(bytes).into_owned()),
        _ => serde_json::Value::Null,
    };
    let object = |row: Row| {
        let names: Vec<String> = row.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
        names
            .into_iter()
            .enumerate()
            .map(|(place, name)| (name, row.as_ref(place).map_or(serde_json::Value::Null, cell)))
            .collect()
    };
    Ok(serde_json::Value::Array(rows.into_iter().map(object).map(serde_json::Value::Object).collect()))
}

/// Large tables first, so that at the end all readers are busy with small ones.
async fn plan(connection: &mut Conn, tables: &[schema::Table], range_bytes: u64) -> Result<VecDeque<Job>, Error> {
    let mut order: Vec<usize> = (0..tables.len()).collect();
    order.sort_by_key(|table| std::cmp::Reverse(tables[*table].guess));
    let mut jobs = VecDeque::new();
    for table in order {
        let conditions = ranges::split(connection, &tables[table], range_bytes).await?;
        jobs.extend(conditions.into_iter().enumerate().map(|(range, condition)| Job { table, range, condition }));
    }
    Ok(jobs)
}

fn tables(schema: &Schema, mut done: Vec<Done>) -> Vec<Table> {
    // Of one range all come from one reader, in their order.
    done.sort_by_key(|done| (done.table, done.range));
    let mut tables: Vec<Table> = schema
        .tables
        .iter()
        .map(|table| Table {
            name: table.name.clone(),
            rows: 0,
            sum: 0,
            plain_bytes: 0,
            definition: table.definition_hash(),
            chunks: Vec::new(),
        })
        .collect();
    for Done { table, sum, chunk, .. } in done {
        let table = &mut tables[table];
        table.sum += sum;
        table.rows += chunk.rows;
        table.plain_bytes += chunk.object.plain_bytes;
        table.chunks.push(chunk);
    }
    tables
}

/// What is no row: the schema for a program, and the same as SQL for a person.
async fn files(
    store: &impl Store,
    keys: &MakingKeys,
    id: &str,
    schema: &Schema,
    tables: &[Table],
    users: &[String],
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Vec<Object>, Error> {
    let writing = "writing down the schema";
    let definition = serde_json::to_vec(schema).map_err(|error| Error::local(writing)(error.into()))?;
    let contents = [
        (hand::DEFINITION, definition),
        (hand::TABLES, hand::tables(schema).into_bytes()),
        (hand::ROWS, hand::rows(schema, tables).into_bytes()),
        (hand::PARTS, hand::parts(schema).into_bytes()),
        (hand::USERS, hand::users(users).into_bytes()),
    ];
    let mut files = Vec::new();
    for (name, plain) in contents {
        let packed = pack(keys, &plain).map_err(Error::local(writing))?;
        let object = put(store, id, name.to_owned(), &packed).await?;
        let key = format!("{id}/{name}");
        on_event(Event::Stored { key, rows: 0, plain_bytes: object.plain_bytes, bytes: object.bytes });
        files.push(object);
    }
    Ok(files)
}

/// Stores an object of a backup.
async fn put(store: &impl Store, id: &str, name: String, packed: &Packed) -> Result<Object, Error> {
    put_bytes(store, &format!("{id}/{name}"), &packed.bytes).await?;
    Ok(Object {
        name,
        bytes: packed.bytes.len() as u64,
        sha256: packed.sha256,
        plain_bytes: packed.plain_bytes,
        plain_sha256: packed.plain_sha256,
    })
}

/// The same bytes again until it is known that they are there.
async fn put_bytes(store: &impl Store, key: &str, bytes: &bytes::Bytes) -> Result<(), Error> {
    let mut last = None;
    for _ in 0..ATTEMPTS {
        match store.put_new(key, bytes.clone()).await {
            Answer::Stored => return Ok(()),
            Answer::Taken => {
                // Perhaps by an earlier attempt, whose answer was lost.
                let there = store.get(key).await.map_err(Error::store(key))?;
                return if there.as_ref() == Some(bytes) { Ok(()) } else { Err(Error::Taken { key: key.to_owned() }) };
            }
            Answer::Unknown(error) => last = Some(error),
        }
    }
    Err(Error::Store { key: key.to_owned(), source: last.unwrap_or_else(|| "no answer".into()) })
}
