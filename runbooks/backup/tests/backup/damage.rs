//! Whatever happens to an object of a backup, it is found, named, and not restored.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use jewel_backup::{Damage, Distrust, Error, Manifest, ReadingKeys, Seal, Slice, State, Verified, list, verify};

use crate::{
    Keys, back_up, keys,
    memory::Memory,
    options, restore_to, seal,
    server::{self, Server, ask},
};

type Objects = BTreeMap<String, Bytes>;

struct Backup {
    server: Server,
    keys: Keys,
    manifest: Manifest,
    objects: Objects,
    /// Another backup of the same schema.
    other: Objects,
}

async fn backup() -> Backup {
    let server = server::all().await.remove(0);
    server
        .schema(
            "shop",
            &[
                "CREATE TABLE orders (id INT PRIMARY KEY, note TEXT)",
                "INSERT INTO orders VALUES (1, 'one'), (2, 'two'), (3, 'three')",
                "CREATE TABLE customers (id INT PRIMARY KEY, name VARCHAR(20))",
                "INSERT INTO customers VALUES (1, 'Ann'), (2, 'Ben')",
            ],
        )
        .await;
    let (keys, store, second) = (keys(), Memory::with(Objects::new()), Memory::with(Objects::new()));
    // Two chunks of one table, so that they can be swapped.
    let small = jewel_backup::CreateOptions { chunk_bytes: 20, ..options("shop") };
    let manifest = back_up(&server, &store, &keys, &small).await.unwrap();
    back_up(&server, &second, &keys, &small).await.unwrap();
    assert!(manifest.tables.iter().any(|table| table.chunks.len() > 1));
    Backup { server, keys, manifest, objects: store.all(), other: second.all() }
}

impl Backup {
    fn key(&self, name: &str) -> String {
        format!("{}/{name}", self.manifest.id)
    }

    fn with(&self, change: impl FnOnce(&mut Objects)) -> Arc<Memory> {
        let mut objects = self.objects.clone();
        change(&mut objects);
        Memory::with(objects)
    }

    async fn verify(&self, store: &Memory, slice: Slice) -> Result<Verified, Error> {
        verify(store, &self.manifest.id, &self.keys.shop, slice, &mut |_| {}).await
    }

    /// What a verification finds, as keys.
    async fn found(&self, store: &Memory) -> Vec<String> {
        let verified = self.verify(store, Slice::ALL).await.unwrap();
        verified.damaged.into_iter().map(|finding| finding.key).collect()
    }

    /// What a restore says; if `untouched`, the server is as it was.
    async fn refused(&self, store: &Arc<Memory>, untouched: bool) -> Error {
        let error = restore_to(&self.server, store, &self.manifest.id, &self.keys.shop, "target").await.unwrap_err();
        let mut root = self.server.root().await;
        if untouched {
            assert_eq!(ask(&mut root, "SHOW DATABASES LIKE 'target'").await, "", "{error}");
        }
        for schema in ["target", "jewel_restore"] {
            mysql_async::prelude::Queryable::query_drop(&mut root, format!("DROP DATABASE IF EXISTS {schema}"))
                .await
                .unwrap();
        }
        error
    }
}

#[tokio::test]
async fn every_flipped_bit_of_every_object_is_found() {
    let backup = backup().await;
    let names: Vec<&str> = backup.manifest.objects().map(|object| object.name.as_str()).collect();
    let days = u32::try_from(names.len()).unwrap();
    let mut flipped = 0;
    for (place, name) in names.iter().enumerate() {
        // A slice of this one object: it is refused by its hash, and only the others' decryption takes time.
        let day = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(i64::try_from(place).unwrap());
        let slice = Slice::of_day(day, days);
        let key = backup.key(name);
        let store = backup.with(|_| {});
        for at in 0..backup.objects[&key].len() {
            let mut bytes = backup.objects[&key].to_vec();
            bytes[at] ^= 1 << (at % 8);
            store.objects.lock().unwrap().insert(key.clone(), bytes.into());
            let verified = backup.verify(&store, slice).await.unwrap();
            assert_eq!(verified.read, 1);
            assert!(
                matches!(&verified.damaged[..], [one] if one.key == key && matches!(one.damage, Damage::Changed { .. })),
                "{key} at {at}: {verified:?}"
            );
            flipped += 1;
        }
    }
    let manifest = backup.key("manifest");
    for at in 0..backup.objects[&manifest].len() {
        for bit in 0..8 {
            let store = backup.with(|objects| {
                let mut bytes = objects[&manifest].to_vec();
                bytes[at] ^= 1 << bit;
                objects.insert(manifest.clone(), bytes.into());
            });
            let error = backup.verify(&store, Slice::ALL).await.unwrap_err();
            assert!(
                matches!(error, Error::Distrusted { source: Distrust::Seal, .. }),
                "byte {at} bit {bit}: {error:?}"
            );
            flipped += 1;
        }
    }
    println!("{flipped} flipped bits found");
    assert!(flipped > 5_000);
}

#[tokio::test]
async fn what_is_flipped_missing_cut_or_swapped_is_named_and_not_restored() {
    let backup = backup().await;
    let sound = backup.with(|_| {});
    let verified = backup.verify(&sound, Slice::ALL).await.unwrap();
    assert_eq!((verified.damaged, verified.foreign, verified.seen), (vec![], vec![], 0));

    let mut keys: Vec<String> = backup.manifest.objects().map(|object| backup.key(&object.name)).collect();
    for key in &keys {
        let length = backup.objects[key].len();
        let flipped = backup.with(|objects| {
            let mut bytes = objects[key].to_vec();
            bytes[length / 2] ^= 1;
            objects.insert(key.clone(), bytes.into());
        });
        assert_eq!(backup.found(&flipped).await, [key.as_str()]);
        // Files for people are no part of what a program restores.
        if !key.contains(".sql.") {
            let error = backup.refused(&flipped, key.contains("schema.json")).await;
            assert!(matches!(&error, Error::Damaged { key: named, .. } if named == key), "{error:?}");
        }
        let missing = backup.with(|objects| drop(objects.remove(key)));
        let cut = backup.with(|objects| drop(objects.insert(key.clone(), objects[key].slice(..length - 1))));
        let longer =
            backup.with(|objects| drop(objects.insert(key.clone(), [&objects[key][..], b"!"].concat().into())));
        let empty = backup.with(|objects| drop(objects.insert(key.clone(), Bytes::new())));
        for store in [missing, cut, longer, empty] {
            assert_eq!(backup.found(&store).await, [key.as_str()]);
            let error = backup.refused(&store, true).await;
            assert!(
                matches!(&error, Error::NotWhole { findings, .. } if findings.len() == 1 && findings[0].key == *key),
                "{error:?}"
            );
            assert!(error.to_string().contains(key), "{error}");
            let summaries = list(&*store, &seal()).await.unwrap();
            assert!(matches!(&summaries[0].state, State::Damaged(_, findings) if findings[0].key == *key));
        }
        // The object of the same name in another backup of the same rows.
        let name = key.rsplit('/').next().unwrap();
        let (_, theirs) = backup.other.iter().find(|(other, _)| other.ends_with(&format!("/{name}"))).unwrap();
        let replaced = backup.with(|objects| drop(objects.insert(key.clone(), theirs.clone())));
        assert_eq!(backup.found(&replaced).await, [key.as_str()]);
    }
    while let Some(one) = keys.pop() {
        for other in &keys {
            let swapped = backup.with(|objects| {
                let (first, second) = (objects[&one].clone(), objects[other].clone());
                objects.insert(one.clone(), second);
                objects.insert(other.clone(), first);
            });
            let mut found = backup.found(&swapped).await;
            found.sort();
            let mut expected = [one.clone(), other.clone()];
            expected.sort();
            assert_eq!(found, expected);
            backup.refused(&swapped, false).await;
        }
    }
}

#[tokio::test]
async fn a_manifest_of_another_place_time_or_hand_is_not_believed() {
    let backup = backup().await;
    let key = backup.key("manifest");
    let ours = backup.objects[&key].clone();
    let (body, sealed) = std::str::from_utf8(&ours).unwrap().split_once('\n').unwrap();
    let (_, other) = backup.other.iter().find(|(key, _)| key.ends_with("/manifest")).unwrap();
    let mut fewer: serde_json::Value = serde_json::from_str(body).unwrap();
    fewer["tables"][0]["chunks"].as_array_mut().unwrap().pop();
    let fewer = serde_json::to_string(&fewer).unwrap();
    let forged = Seal::new("somebody else's seal, as long as it must be".to_owned().into()).unwrap();
    let forged = serde_json::json!({ "body": body, "seal": format!("{forged:?}") }).to_string();
    for (what, manifest) in [
        ("another backup's", other.to_vec()),
        ("a list that was cut", format!("{fewer}\n{sealed}").into_bytes()),
        ("no seal", format!("{body}\n").into_bytes()),
        ("no end", ours[..ours.len() - 1].to_vec()),
        ("something behind it", [&ours[..], b"\n"].concat()),
        ("a seal in capitals", format!("{body}\n{}", sealed.to_uppercase()).into_bytes()),
        ("a seal without a key", forged.into_bytes()),
        ("nothing", Vec::new()),
    ] {
        let store = backup.with(|objects| drop(objects.insert(key.clone(), manifest.into())));
        let error = backup.refused(&store, true).await;
        assert!(matches!(error, Error::Distrusted { .. }), "{what}: {error:?}");
        assert!(backup.verify(&store, Slice::ALL).await.is_err(), "{what}");
        assert!(matches!(list(&*store, &seal()).await.unwrap()[0].state, State::Distrusted(_)), "{what}");
    }
    let gone = backup.with(|objects| drop(objects.remove(&key)));
    assert!(matches!(backup.refused(&gone, true).await, Error::NoBackup { .. }));
    assert!(matches!(list(&*gone, &seal()).await.unwrap()[0].state, State::Unfinished));
}

#[tokio::test]
async fn other_keys_open_nothing_and_other_objects_are_named() {
    let backup = backup().await;
    let store = backup.with(|objects| drop(objects.insert(backup.key("note.txt"), Bytes::from_static(b"hello"))));
    let verified = backup.verify(&store, Slice::ALL).await.unwrap();
    assert_eq!((verified.damaged, verified.foreign), (vec![], vec![backup.key("note.txt")]));

    let stranger = ReadingKeys::new(&jewel_backup::generate().0, seal()).unwrap();
    let verified = verify(&*store, &backup.manifest.id, &stranger, Slice::ALL, &mut |_| {}).await.unwrap();
    assert!(verified.damaged.iter().all(|finding| matches!(finding.damage, Damage::Locked(_))));
    assert_eq!(verified.damaged.len(), backup.manifest.objects().count());

    let (identity, _) = jewel_backup::generate();
    let unsealed = Seal::new("another seal that nobody can guess either".to_owned().into()).unwrap();
    let unsealed = ReadingKeys::new(&identity, unsealed).unwrap();
    let error = verify(&*store, &backup.manifest.id, &unsealed, Slice::ALL, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::Distrusted { source: Distrust::Seal, .. }));
}
