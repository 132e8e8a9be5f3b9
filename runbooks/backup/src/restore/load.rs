//! A chunk's way into its table: fetched, checked, decrypted and decompressed while the server reads it.

use bytes::Bytes;
use futures::{StreamExt, stream};
use mysql_async::{Conn, prelude::Queryable};
use tokio::sync::mpsc;

use super::{progress::Progress, statements::Statements};
use crate::{
    Error, Event, error::Damage, hand, keys::ReadingKeys, manifest::Chunk, pack::Unpacker, schema::Table, store::Store,
};

/// Pieces of text that may wait for the server.
const WAITING: usize = 4;

/// How rows go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    LoadData,
    Statements,
}

/// Loads a chunk in one transaction, together with the note that it is loaded.
pub(crate) async fn load(
    connection: &mut Conn,
    store: &impl Store,
    keys: &ReadingKeys,
    (id, table, chunk): (&str, &Table, &Chunk),
    way: Way,
    progress: &Progress,
    on_event: impl Fn(Event),
) -> Result<(), Error> {
    let key = format!("{id}/{}", chunk.object.name);
    let failed = || Error::server(format!("loading {key}"));
    let stored = store.get(&key).await.map_err(Error::store(&key))?;
    let damaged = |source| Error::Damaged { key: key.clone(), source };
    let stored = stored.ok_or_else(|| damaged(Damage::Missing))?;
    let mut text = Text::open(chunk, stored, keys);

    connection.query_drop("START TRANSACTION").await.map_err(failed())?;
    connection.query_drop(progress.mark(&chunk.object.name)).await.map_err(failed())?;
    let (loaded, warned) = match way {
        Way::LoadData => {
            let pieces = std::mem::replace(&mut text.pieces, mpsc::channel(1).1);
            let pieces = stream::unfold(pieces, |mut pieces| async { Some((pieces.recv().await?, pieces)) });
            connection.set_infile_handler(async move { Ok(pieces.boxed()) });
            let loaded = connection.query_drop(hand::load(table, &chunk.object.name)).await;
            (loaded.map(|()| connection.affected_rows()), connection.get_warnings() > 0)
        }
        Way::Statements => insert(connection, table, &mut text).await,
    };
    // What is wrong with the text is the reason of whatever the server said about it.
    if let Ok(damage) = text.damage.try_recv() {
        return Err(damaged(damage));
    }
    let taken = loaded.map_err(failed())?;
    let said = if warned || taken != chunk.rows { warning(connection).await.map_err(failed())? } else { None };
    if taken != chunk.rows {
        return Err(Error::Rows { key, expected: chunk.rows, taken, said });
    }
    connection.query_drop("COMMIT").await.map_err(failed())?;
    if let Some(said) = said {
        on_event(Event::Warned { key: key.clone(), said });
    }
    on_event(Event::Loaded { key, rows: chunk.rows });
    Ok(())
}

async fn insert(connection: &mut Conn, table: &Table, text: &mut Text) -> (mysql_async::Result<u64>, bool) {
    let mut statements = Statements::new(table);
    let (mut taken, mut warned) = (0, false);
    loop {
        let piece = text.pieces.recv().await;
        let ready = match &piece {
            Some(Ok(piece)) => statements.add(piece),
            // Whoever asked looks for the damage, and takes everything back.
            Some(Err(_)) => return (Ok(taken), warned),
            None => statements.finish().into_iter().collect(),
        };
        for statement in ready {
            if let Err(error) = connection.query_drop(statement).await {
                return (Err(error), warned);
            }
            taken += connection.affected_rows();
            warned |= connection.get_warnings() > 0;
        }
        if piece.is_none() {
            return (Ok(taken), warned);
        }
    }
}

async fn warning(connection: &mut Conn) -> mysql_async::Result<Option<String>> {
    let first: Option<(String, u16, String)> = connection.query_first("SHOW WARNINGS LIMIT 1").await?;
    Ok(first.map(|(_, code, text)| format!("{text} ({code})")))
}

/// The text of a chunk, piece by piece, made on a thread of its own.
struct Text {
    pieces: mpsc::Receiver<std::io::Result<Bytes>>,
    damage: tokio::sync::oneshot::Receiver<Damage>,
}

impl Text {
    fn open(chunk: &Chunk, stored: Bytes, keys: &ReadingKeys) -> Self {
        let (send, pieces) = mpsc::channel(WAITING);
        let (report, damage) = tokio::sync::oneshot::channel();
        let (object, keys) = (chunk.object.clone(), keys.clone());
        tokio::task::spawn_blocking(move || {
            let mut unpacker = Unpacker::new(&object, stored, &keys);
            loop {
                let piece = match &mut unpacker {
                    Ok(unpacker) => unpacker.next(&object),
                    Err(damage) => Err(damage.clone()),
                };
                match piece {
                    Ok(Some(piece)) => {
                        if send.blocking_send(Ok(piece)).is_err() {
                            return;
                        }
                    }
                    Ok(None) => return,
                    Err(found) => {
                        let said = std::io::Error::other(found.to_string());
                        // Before the stream ends, so that it is there for whoever sees the end.
                        let _ = report.send(found);
                        let _ = send.blocking_send(Err(said));
                        return;
                    }
                }
            }
        });
        Self { pieces, damage }
    }
}
