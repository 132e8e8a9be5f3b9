//! Files of format 1, checked in, which this program must read as long as there are journals of that format, and which
//! it writes byte by byte as they are as long as that is the format it writes. The API's tests replay them.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use jewel_journal::{Answer, Append, Broken, Chain, GivenUp, Header, Key, Object, Source, SourceError, Writer, fence};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn files() -> BTreeMap<Key, Vec<u8>> {
    let mut files = BTreeMap::new();
    for epoch in std::fs::read_dir(folder()).unwrap() {
        for file in std::fs::read_dir(epoch.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let key = path.strip_prefix(folder()).unwrap().to_str().unwrap().parse().unwrap();
            files.insert(key, std::fs::read(path).unwrap());
        }
    }
    files
}

#[test]
fn they_are_read() {
    let (mut chain, mut read) = (Chain::default(), Vec::new());
    for (key, bytes) in files() {
        let Object { header: Header { kind, count, .. }, events } = chain.accept(key, &bytes).unwrap();
        let events: Vec<String> = events.iter().map(|(event, _)| event.kind.clone()).collect();
        assert_eq!(count, events.len() as u64);
        read.push(format!("{}/{} {kind:?} {}", key.epoch, key.seq, events.join(" ")).trim_end().to_owned());
    }
    let expected = [
        "1/0 Open",
        "1/1 Events category.created product.created",
        "1/2 Events order.placed",
        "1/3 Close",
        "2/0 Open",
        "2/1 Events order.placed product.changed",
        "2/2 Fence",
        "2/3 Events order.paid",
        "2/4 Fence",
        "2/5 Fence",
    ];
    assert_eq!(read, expected);
}

#[test]
fn nothing_can_be_taken_out_changed_or_moved() {
    let files = files();
    let read = |files: &BTreeMap<Key, Vec<u8>>| {
        let mut chain = Chain::default();
        files.iter().try_for_each(|(key, bytes)| chain.accept(*key, bytes).map(drop))
    };
    let last_of = |epoch| files.keys().copied().rfind(|key| key.epoch == epoch).unwrap();
    for (key, bytes) in &files {
        // The end of an epoch may be missing: its process may not have come that far.
        let with = |key: Key, bytes: Vec<u8>| {
            let mut other = files.clone();
            other.insert(key, bytes);
            other
        };
        let mut without = files.clone();
        without.remove(key);
        let last = *key == last_of(key.epoch);
        assert!(matches!(read(&without), Err(Broken::Gap(missing)) if missing == *key) != last, "{key} taken out");

        let text = std::str::from_utf8(bytes).unwrap();
        let changed = text.replacen("2026-01-02T0", "2026-01-03T0", 1);
        // Nor does anything continue the fence that its writer took for an object of its own. Nothing is lost with it.
        let alone = last || *key == Key { epoch: 2, seq: 2 };
        assert!(matches!(read(&with(*key, changed.into_bytes())), Err(Broken::Chain(_))) != alone, "{key} changed");

        assert!(matches!(read(&with(key.next(), bytes.clone())), Err(Broken::Misplaced { .. })), "{key} moved");

        let cut = bytes[..bytes.len() - 2].to_vec();
        assert!(matches!(read(&with(*key, cut)), Err(Broken::Malformed { .. })), "{key} cut off");
    }
}

/// Where a fence stood at 2/2 before the writer's object arrived, and nobody answered the first attempt.
#[derive(Default)]
struct Store {
    objects: Mutex<BTreeMap<Key, Vec<u8>>>,
    unanswered: Mutex<bool>,
}

impl Append for Store {
    async fn put_new(&self, key: Key, object: &[u8]) -> Answer {
        let mut objects = self.objects.lock().unwrap();
        if key == (Key { epoch: 2, seq: 2 }) && !std::mem::replace(&mut *self.unanswered.lock().unwrap(), true) {
            objects.insert(key, files()[&key].clone());
            return Answer::Unknown;
        }
        if objects.contains_key(&key) {
            return Answer::Taken;
        }
        objects.insert(key, object.to_vec());
        Answer::Stored
    }
}

impl Source for Store {
    async fn keys(&self, from: Key) -> Result<Vec<Key>, SourceError> {
        Ok(self.objects.lock().unwrap().range(from..).map(|(key, _)| *key).collect())
    }

    async fn get(&self, key: Key) -> Result<Vec<u8>, SourceError> {
        self.objects.lock().unwrap().get(&key).cloned().ok_or_else(|| "no such object".into())
    }
}

#[tokio::test]
async fn a_writer_of_today_makes_the_same() {
    let (files, store) = (files(), Store::default());
    let golden = |epoch, seq| {
        let object = Object::decode(&files[&Key { epoch, seq }]).unwrap();
        (object.header.at, object.events.into_iter().map(|(_, text)| text).collect::<Vec<String>>(), object.header)
    };
    let append = async |writer: &mut Writer, seq| {
        let (at, lines, _) = golden(writer.epoch(), seq);
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        writer.append(&store, &lines, at).await
    };
    let open = async |epoch| {
        let (at, _, header) = golden(epoch, 0);
        Writer::open(&store, epoch, header.release.as_deref(), at).await
    };
    let mut writer = open(1).await.unwrap();
    append(&mut writer, 1).await.unwrap();
    append(&mut writer, 2).await.unwrap();
    writer.close(&store, golden(1, 3).0).await.unwrap();

    assert!(matches!(open(1).await, Err(GivenUp::Taken(1))));
    let mut writer = open(2).await.unwrap();
    append(&mut writer, 1).await.unwrap();
    assert_eq!(append(&mut writer, 3).await.unwrap(), Key { epoch: 2, seq: 3 });
    let ended = fence(&store, 0, golden(2, 4).0).await.unwrap();
    assert_eq!(ended.iter().map(|end| (end.last.seq, end.closed)).collect::<Vec<_>>(), [(3, true), (5, false)]);
    assert_eq!(fence(&store, 0, golden(2, 4).0).await.unwrap(), ended, "fenced twice, it stays");
    assert!(matches!(append(&mut writer, 3).await, Err(GivenUp::Fenced(Key { epoch: 2, seq: 4 }))));

    let written = store.objects.into_inner().unwrap();
    for (key, bytes) in &files {
        let (written, golden) = (String::from_utf8_lossy(&written[key]), String::from_utf8_lossy(bytes));
        assert_eq!(written, golden, "{key}");
    }
    assert_eq!(written.len(), files.len());
}
