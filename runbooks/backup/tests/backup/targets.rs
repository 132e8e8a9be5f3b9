//! What a restore does to a schema that is not empty, not its own, or changed under its hands.

use std::collections::BTreeMap;

use jewel_backup::{Difference, Error, Event, RestoreOptions, restore};
use mysql_async::prelude::Queryable;

use crate::{
    back_up, keys,
    memory::Memory,
    options, restore_to, said,
    server::{self, ask},
};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_stays_unless_it_may_go() {
    for server in server::all().await {
        let mut shop =
            server.schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"]).await;
        let (keys, store) = (keys(), Memory::with(BTreeMap::new()));
        let first = back_up(&server, &store, &keys, &options("shop")).await.unwrap();
        shop.query_drop("INSERT INTO t VALUES (3)").await.unwrap();
        let second = back_up(&server, &store, &keys, &options("shop")).await.unwrap();
        let rows = async |schema: &str| ask(&mut server.root_in(schema).await, "SELECT COUNT(*) FROM t").await;

        let refused = restore_to(&server, &store, &first.id, &keys.shop, "shop").await.unwrap_err();
        assert!(matches!(&refused, Error::NotEmpty { found, .. } if found == "t"), "{}: {refused:?}", server.name);
        assert_eq!(rows("shop").await, "3");

        // A restore that is cut off, and then another backup.
        let options = RestoreOptions::new("again");
        let damaged = Memory::with(store.all());
        let chunk = format!("{}/{}", first.id, first.tables[0].chunks[0].object.name);
        let flipped = store.all()[&chunk].iter().rev().copied().collect::<Vec<u8>>();
        damaged.objects.lock().unwrap().insert(chunk, flipped.into());
        restore_to(&server, &damaged, &first.id, &keys.shop, "again").await.unwrap_err();
        let other = restore_to(&server, &store, &second.id, &keys.shop, "again").await.unwrap_err();
        assert!(matches!(&other, Error::OtherBackup { other, .. } if *other == first.id), "{}: {other:?}", server.name);

        let replacing = RestoreOptions { replace: true, ..options.clone() };
        restore(&store, &second.id, &keys.shop, &server.login(), &replacing, &mut |_| {})
            .await
            .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
        assert_eq!(rows("again").await, "3");
        restore(&store, &first.id, &keys.shop, &server.login(), &replacing, &mut |_| {}).await.unwrap();
        assert_eq!(rows("again").await, "2");

        // Two at once: the second one is told.
        let mut told = None;
        let mut on_event = |event| {
            if matches!(event, Event::Loaded { .. }) {
                let second = restore_to(&server, &store, &first.id, &keys.shop, "twice");
                let second = tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(second));
                told = Some(second.unwrap_err());
            }
        };
        let twice = RestoreOptions::new("twice");
        restore(&store, &first.id, &keys.shop, &server.login(), &twice, &mut on_event).await.unwrap();
        assert!(matches!(told, Some(Error::Restoring { .. })), "{}: {told:?}", server.name);
    }
}

/// Whether a difference is the one that was made.
type Found = fn(&Difference) -> bool;

#[tokio::test]
async fn what_is_not_what_was_backed_up_is_an_error() {
    for server in server::all().await {
        let rows = "INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'six')";
        server.schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(9))", rows]).await;
        let (keys, store) = (keys(), Memory::with(BTreeMap::new()));
        let small = jewel_backup::CreateOptions { chunk_bytes: 13, ..options("shop") };
        let manifest = back_up(&server, &store, &keys, &small).await.unwrap();
        let [first, last] = &manifest.tables[0].chunks[..] else { panic!("{:?}", manifest.tables) };
        assert_eq!((first.rows, last.rows), (2, 1));
        let changes: [(&str, Found); 4] = [
            ("DELETE FROM t WHERE id = 2", |one| matches!(one, Difference::Rows { expected: 3, found: 2, .. })),
            ("UPDATE t SET name = 'One' WHERE id = 1", |one| matches!(one, Difference::Sum { .. })),
            // What a sum of values would not tell: two in each other's place.
            ("UPDATE t SET name = IF(id = 1, 'two', 'one')", |one| matches!(one, Difference::Sum { .. })),
            (
                "ALTER TABLE t MODIFY name VARCHAR(10)",
                |one| matches!(one, Difference::Definition { what } if what == "table t"),
            ),
        ];
        for (number, (change, expected)) in changes.into_iter().enumerate() {
            let schema = format!("changed_{number}");
            let options = RestoreOptions { writers: 1, ..RestoreOptions::new(&schema) };
            // The first chunk is in when the second one cannot be read.
            let damaged = Memory::with(store.all());
            let key = format!("{}/{}", manifest.id, last.object.name);
            let flipped = store.all()[&key].iter().rev().copied().collect::<Vec<u8>>();
            damaged.objects.lock().unwrap().insert(key, flipped.into());
            let half = restore(&damaged, &manifest.id, &keys.shop, &server.login(), &options, &mut |_| {}).await;
            assert!(matches!(half, Err(Error::Damaged { .. })), "{}: {half:?}", server.name);
            server.root_in(&schema).await.query_drop(change).await.unwrap();
            let whole = restore(&store, &manifest.id, &keys.shop, &server.login(), &options, &mut |_| {}).await;
            let Err(Error::Differs { differences }) = &whole else { panic!("{}: {change}: {whole:?}", server.name) };
            assert!(matches!(&differences[..], [one] if expected(one)), "{}: {change}: {differences:?}", server.name);
        }
    }
}
