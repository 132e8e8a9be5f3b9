//! Backups of real servers: what goes in comes out, and what is not whole is refused.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod damage;
mod deaths;
mod hostile;
mod memory;
mod memory_use;
mod page;
mod prune_keeps;
mod server;
mod targets;
mod types;
mod writers;

use std::{error::Error as _, sync::Arc};

use jewel_backup::{
    CreateOptions, Error, Event, MakingKeys, Manifest, ReadingKeys, RestoreOptions, Restored, Seal, Store, create,
    generate, restore,
};
use server::Server;

/// Both kinds of keys, made for the test.
pub(crate) struct Keys {
    pub(crate) making: MakingKeys,
    pub(crate) shop: ReadingKeys,
    /// The one that is printed.
    pub(crate) printed: ReadingKeys,
}

pub(crate) fn seal() -> Seal {
    Seal::new("a seal of the tests, which nobody can guess".to_owned().into()).unwrap()
}

pub(crate) fn keys() -> Keys {
    let (shop, shops) = generate();
    let (printed, prints) = generate();
    let seal = seal();
    Keys {
        making: MakingKeys::new(&[shops, prints], seal.clone()).unwrap(),
        shop: ReadingKeys::new(&shop, seal.clone()).unwrap(),
        printed: ReadingKeys::new(&printed, seal).unwrap(),
    }
}

pub(crate) fn options(schema: &str) -> CreateOptions {
    CreateOptions::new(schema, "tests")
}

pub(crate) async fn back_up<S: Store + 'static>(
    server: &Server,
    store: &Arc<S>,
    keys: &Keys,
    options: &CreateOptions,
) -> Result<Manifest, Error> {
    create(&server.login(), store, &keys.making, options, &mut |_| {}).await
}

pub(crate) async fn restore_to<S: Store + 'static>(
    server: &Server,
    store: &Arc<S>,
    id: &str,
    keys: &ReadingKeys,
    schema: &str,
) -> Result<(Restored, Vec<Event>), Error> {
    let mut events = Vec::new();
    let options = RestoreOptions::new(schema);
    let restored = restore(store, id, keys, &server.login(), &options, &mut |event| events.push(event)).await?;
    Ok((restored, events))
}

/// An error with all that it says.
pub(crate) fn said(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text += &format!(": {error}");
        source = error.source();
    }
    text
}
