//! Clearing away: what goes, what stays, and what is left when it is interrupted.

use std::{collections::BTreeMap, sync::Arc};

use jewel_backup::{Event, Plan, State, Summary, list, prune, retention::Keep};
use jiff::{SignedDuration, Timestamp};

use crate::{
    back_up, keys,
    memory::{Fate, Memory},
    options, seal, server,
};

async fn states(store: &Memory) -> Vec<Summary> {
    list(store, &seal()).await.unwrap()
}

#[tokio::test]
async fn what_no_rule_keeps_goes_and_an_interruption_leaves_no_broken_backup() {
    let server = server::all().await.remove(0);
    server.schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]).await;
    let (keys, store) = (keys(), Memory::with(BTreeMap::new()));
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(back_up(&server, &store, &keys, &options("shop")).await.unwrap().id);
    }
    let objects = store.all();
    let keep = Keep { daily: 1, weekly: 0, monthly: 0 };
    let now = Timestamp::now();
    let plan = Plan::new(&states(&store).await, keep, now);
    assert_eq!(plan.going().count(), 2);

    for last in 0..12 {
        for fate in [Fate::Lost, Fate::Unheard] {
            let dying = Arc::new(Memory { dies: Some((last, fate)), ..Memory::default() });
            *dying.objects.lock().unwrap() = objects.clone();
            prune(&*dying, &plan, &mut |_| {}).await.unwrap_err();
            let left = Memory::with(dying.all());
            let found = states(&left).await;
            assert!(
                found.iter().all(|one| matches!(one.state, State::Complete(_) | State::Unfinished)),
                "{last} {fate:?}: {found:?}"
            );
            // The next one finds what is left: a day later even what has no manifest any more.
            let later = Plan::new(&found, keep, now + SignedDuration::from_hours(48));
            prune(&*left, &later, &mut |_| {}).await.unwrap();
            let found = states(&left).await;
            assert!(matches!(&found[..], [Summary { state: State::Complete(_), .. }]), "{last} {fate:?}: {found:?}");
        }
    }

    let mut events = Vec::new();
    prune(&*store, &plan, &mut |event| events.push(event)).await.unwrap();
    assert!(
        matches!(&events[..], [Event::Deleted { objects: 7, .. }, Event::Deleted { objects: 7, .. }]),
        "{events:?}"
    );
    assert_eq!(states(&store).await.len(), 1);
}
