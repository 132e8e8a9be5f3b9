//! Any schedule: buyers, administrators and Stripe do what they like, some of it wrong and some of it at once, while the
//! program is killed and S3 fails. Then the database is taken away, and an older copy of it and the journal must give back
//! everything that was acknowledged, once, with sums that agree.
//!
//! A few schedules with every run of the tests; more with
//! `PROPTEST_CASES=100 cargo test -p jewel-api --test schedules -- --nocapture`.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod schedule;
mod support;

use std::cell::Cell;

use jewel_journal::fence;
use proptest::test_runner::{Config, TestRunner};
use schedule::{
    Schedule,
    facts::{all_there, nothing_contradicts},
    schedules,
    world::{STOCK, World, connect},
};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use support::{
    issuer::Issuer,
    journal::{contents, copy, replayed},
    server::{self, Server},
};

/// On each database server, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 3;

#[test]
fn nothing_acknowledged_is_lost_on_any_schedule() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (servers, issuer) = runtime.block_on(async { (server::all().await, Issuer::start().await) });
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    // What depends on time may not fail the same way twice: the shortest story that failed is printed, and none kept.
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let run = |server: &Server| {
        let acknowledged = Cell::new(0);
        let played = TestRunner::new(config.clone()).run(&schedules(), |schedule| {
            acknowledged.set(acknowledged.get() + runtime.block_on(play(server, &issuer, &schedule)));
            Ok(())
        });
        played.unwrap_or_else(|failure| panic!("{}: {failure}", server.name));
        println!("{}: {cases} schedules, {} acknowledged changes and all there", server.name, acknowledged.get());
        assert!(acknowledged.get() > 0, "nothing was acknowledged, which proves nothing");
    };
    // At once: most of it is waiting, for a program to come up and for S3 to fail.
    std::thread::scope(|threads| {
        for server in &servers {
            threads.spawn(|| run(server));
        }
    });
}

/// Plays it all: how many changes were acknowledged.
async fn play(server: &Server, issuer: &Issuer, schedule: &Schedule) -> usize {
    let mut database = fresh(server).await;
    let mut world = World::open(server, issuer).await;
    let mut older = None;
    for (index, scene) in schedule.scenes.iter().enumerate() {
        if index == schedule.copied % schedule.scenes.len() {
            older = Some(copy(server, "older").await);
        }
        world.play(scene).await;
    }
    let mut older = older.unwrap();

    // All that is left are the copy and the journal, which nobody writes any more.
    world.die();
    let epoch: i64 = sqlx::query_scalar("SELECT epoch FROM journal_state").fetch_one(&mut older).await.unwrap();
    fence(&world.s3, u64::try_from(epoch).unwrap(), time::OffsetDateTime::now_utc()).await.unwrap();
    replayed(&mut older, &world.s3).await;
    all_there(&mut older, &world.facts()).await;
    nothing_contradicts(&mut older).await;

    // What was committed and not acknowledged gets there, too, where the database lives on.
    loop {
        world.live().await;
        world.die();
        let waiting = "SELECT COUNT(*) FROM outbox WHERE journal_seq IS NULL";
        if sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut database).await.unwrap() == 0 {
            break;
        }
    }
    replayed(&mut older, &world.s3).await;
    let (there, here) = (contents(&mut older, "").await, contents(&mut database, "").await);
    assert!(there == here, "what was replayed is not what the database has");
    nothing_contradicts(&mut database).await;
    world.facts().len()
}

/// The shop's database, new, with so many of everything.
async fn fresh(server: &Server) -> MySqlConnection {
    let mut connection = server.options().connect().await.unwrap();
    for name in ["shop", "older"] {
        let drop = format!("DROP DATABASE IF EXISTS {name}");
        sqlx::raw_sql(AssertSqlSafe(drop)).execute(&mut connection).await.unwrap();
    }
    support::stock(server).await;
    let mut connection = connect(server).await;
    let stock = "UPDATE inventory SET on_hand = ?, reserved = 0, version = version + 1";
    sqlx::query(stock).bind(STOCK).execute(&mut connection).await.unwrap();
    connection
}
