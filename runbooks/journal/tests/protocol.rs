//! The protocol against every misfortune: lost answers, requests that arrive late or never, processes that die and start
//! anew, and fences, in any order. Each choice comes from one list of numbers, which shrinks to the shortest failure.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

use jewel_journal::{Actor, Answer, Append, Chain, Event, Key, Kind, Source, SourceError, Writer, fence};
use proptest::prelude::*;
use time::OffsetDateTime;
use uuid::Uuid;

#[derive(Default)]
struct World {
    objects: BTreeMap<Key, Vec<u8>>,
    /// Requests that were given up and may still arrive.
    late: Vec<(Key, Vec<u8>)>,
    /// The outbox: committed events, and whether they are marked.
    outbox: BTreeMap<Uuid, (String, bool)>,
    epochs: u64,
    acknowledged: BTreeSet<Uuid>,
    ended: BTreeSet<u64>,
    given_up: usize,
    script: Vec<u8>,
    at: usize,
}

impl World {
    fn choose(&mut self, choices: usize) -> usize {
        let choice = self.script.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        usize::from(choice) % choices
    }

    fn land(&mut self, key: Key, object: Vec<u8>) -> Answer {
        if self.objects.contains_key(&key) {
            return Answer::Taken;
        }
        self.objects.insert(key, object);
        Answer::Stored
    }

    fn commit(&mut self) {
        let event = Event {
            id: Uuid::from_u128(self.outbox.len() as u128 + 1),
            kind: "ring.sold".into(),
            at: OffsetDateTime::UNIX_EPOCH,
            schema: 1,
            by: Actor::Visitor,
            changes: Vec::new(),
        };
        let text = serde_json::to_string(&event).unwrap();
        self.outbox.insert(event.id, (text, false));
    }

    /// Reads all of it as a restore would, and misses nothing that was acknowledged.
    fn check(&self) {
        let (mut chain, mut read) = (Chain::default(), BTreeSet::new());
        for (key, bytes) in &self.objects {
            let object = chain.accept(*key, bytes).unwrap_or_else(|error| panic!("{error}"));
            read.extend(object.events.into_iter().map(|(event, _)| event.id));
        }
        let lost: Vec<_> = self.acknowledged.difference(&read).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    }
}

#[derive(Clone, Default)]
struct Store(Arc<Mutex<World>>);

impl Store {
    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }
}

/// Lets the others go first.
async fn step() {
    let mut waited = false;
    std::future::poll_fn(|_| if std::mem::replace(&mut waited, true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

impl Append for Store {
    async fn put_new(&self, key: Key, object: &[u8]) -> Answer {
        step().await;
        let answer = {
            let mut world = self.world();
            match world.choose(8) {
                0 => Answer::Unknown,
                1 => {
                    world.land(key, object.to_vec());
                    Answer::Unknown
                }
                2 => {
                    world.late.push((key, object.to_vec()));
                    Answer::Unknown
                }
                _ => world.land(key, object.to_vec()),
            }
        };
        step().await;
        answer
    }
}

impl Source for Store {
    async fn keys(&self, from: Key) -> Result<Vec<Key>, SourceError> {
        step().await;
        let keys = self.world().objects.range(from..).map(|(key, _)| *key).collect();
        step().await;
        Ok(keys)
    }

    async fn get(&self, key: Key) -> Result<Vec<u8>, SourceError> {
        step().await;
        self.world().objects.get(&key).cloned().ok_or_else(|| "no such object".into())
    }
}

/// A process of the API, as `api/src/journal.rs` is: opens an epoch, and journals all that is not.
async fn process(store: Store) {
    let epoch = {
        let mut world = store.world();
        world.epochs += 1;
        world.epochs
    };
    step().await;
    let Ok(mut writer) = Writer::open(&store, epoch, None, OffsetDateTime::UNIX_EPOCH).await else { return };
    loop {
        step().await;
        let batch: Vec<(Uuid, String)> = {
            let world = store.world();
            let waiting = world.outbox.iter().filter(|(_, (_, marked))| !marked);
            waiting.map(|(id, (text, _))| (*id, text.clone())).collect()
        };
        if batch.is_empty() {
            if store.world().choose(16) == 1 {
                let _ = writer.close(&store, OffsetDateTime::UNIX_EPOCH).await;
                return;
            }
            continue;
        }
        let lines: Vec<&str> = batch.iter().map(|(_, text)| text.as_str()).collect();
        if writer.append(&store, &lines, OffsetDateTime::UNIX_EPOCH).await.is_err() {
            store.world().given_up += 1;
            return;
        }
        {
            let mut world = store.world();
            assert!(!world.ended.contains(&epoch), "epoch {epoch} acknowledged behind its fence");
            world.acknowledged.extend(batch.iter().map(|(id, _)| *id));
        }
        step().await;
        for (id, _) in &batch {
            store.world().outbox.get_mut(id).unwrap().1 = true;
        }
    }
}

async fn fencer(store: Store) {
    let from = store.world().epochs.saturating_sub(2);
    if let Ok(ended) = fence(&store, from, OffsetDateTime::UNIX_EPOCH).await {
        let mut world = store.world();
        world.ended.extend(ended.iter().map(|end| end.last.epoch));
        world.check();
    }
}

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// Plays a script to its end, and says how often what happened.
fn play(script: Vec<u8>) -> World {
    let store = Store::default();
    let steps = script.len();
    store.world().script = script;
    let start = |index| -> Running {
        match index {
            0 | 1 => Box::pin(process(store.clone())),
            _ => Box::pin(fencer(store.clone())),
        }
    };
    // Two processes at once, as during a deployment, and somebody who restores.
    let mut running: [Option<Running>; 3] = [Some(start(0)), Some(start(1)), None];
    let mut context = Context::from_waker(Waker::noop());
    while store.world().at < steps {
        let choice = store.world().choose(64);
        match choice {
            0 => running[0] = Some(start(0)), // It dies, and starts anew.
            1 => running[1] = Some(start(1)),
            2 => running[2] = running[2].take().or_else(|| Some(start(2))),
            3 => running[2] = running[2].take().filter(|_| store.world().choose(4) > 0),
            4..12 => store.world().commit(),
            12..16 => {
                let mut world = store.world();
                if !world.late.is_empty() {
                    let count = world.late.len();
                    let index = world.choose(count);
                    let (key, object) = world.late.swap_remove(index);
                    world.land(key, object);
                }
            }
            16 => store.world().check(),
            other => {
                let index = other % 3;
                if let Some(process) = &mut running[index]
                    && process.as_mut().poll(&mut context).is_ready()
                {
                    running[index] = (index < 2).then(|| start(index));
                }
            }
        }
    }
    drop(running);
    let late = std::mem::take(&mut store.world().late);
    for (key, object) in late {
        store.world().land(key, object);
    }
    store.world().check();
    std::mem::take(&mut *store.world())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn nothing_acknowledged_is_lost_whatever_happens(script in proptest::collection::vec(any::<u8>(), 0..600)) {
        play(script);
    }
}

/// The scripts above would prove nothing if little happened in them.
#[test]
fn scripts_go_everywhere() {
    let (mut acknowledged, mut given_up, mut ended, mut closed, mut doubted) = (0, 0, 0, 0, 0);
    let mut random = 42_u64;
    for _ in 0..60 {
        let script = (0..800).map(|_| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            random.to_be_bytes()[0]
        });
        let world = play(script.collect());
        acknowledged += world.acknowledged.len();
        given_up += world.given_up;
        ended += world.ended.len();
        let headers = world.objects.values().map(|bytes| jewel_journal::Object::decode(bytes).unwrap().header);
        for header in headers {
            closed += usize::from(header.kind == Kind::Close);
            doubted += usize::from(header.before_fence.is_some());
        }
    }
    let all = [acknowledged, given_up, ended, closed, doubted];
    assert!(all.iter().all(|count| *count > 10), "{all:?}");
}
