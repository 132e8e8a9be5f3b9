//! Backups of a shop that is open: writers at full speed, long transactions, migrations, and tables that lost their rows.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use jewel_backup::{Error, Event, Manifest, Patience, State, create, list};
use mysql_async::prelude::Queryable;

use crate::{
    back_up, keys,
    memory::{Fate, Memory},
    options, restore_to, said,
    server::{self, Server, ask},
};

const ACCOUNTS: u32 = 200;
const EACH: u32 = 1000;

/// Moves money between two tables and notes each move in a third, all in one transaction.
async fn keep_moving(server: &Server, stop: Arc<AtomicBool>, moved: Arc<AtomicU64>) {
    let mut connection = server.root_in("shop").await;
    let mut step = 0_u32;
    while !stop.load(Ordering::SeqCst) {
        step += 1;
        let (one, other, much) = (step * 7 % ACCOUNTS, step * 11 % ACCOUNTS, step % 50);
        let transaction = [
            "START TRANSACTION".to_owned(),
            format!("UPDATE here SET money = money - {much} WHERE id = {one}"),
            format!("UPDATE there SET money = money + {much} WHERE id = {other}"),
            format!("INSERT INTO moves (much) VALUES ({much})"),
            "COMMIT".to_owned(),
        ];
        for statement in transaction {
            connection.query_drop(statement).await.unwrap();
        }
        moved.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_shows_one_moment_however_much_is_written() {
    for server in server::all().await {
        let mut shop = server
            .schema(
                "shop",
                &[
                    "CREATE TABLE here (id INT PRIMARY KEY, money INT NOT NULL, padding CHAR(200) NOT NULL DEFAULT '')",
                    "CREATE TABLE there LIKE here",
                    "CREATE TABLE moves (id BIGINT PRIMARY KEY AUTO_INCREMENT, much INT NOT NULL)",
                ],
            )
            .await;
        for table in ["here", "there"] {
            let rows: Vec<String> = (0..ACCOUNTS).map(|id| format!("({id}, {EACH})")).collect();
            shop.query_drop(format!("INSERT INTO {table} (id, money) VALUES {}", rows.join(","))).await.unwrap();
        }
        let (stop, moved) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let server = Arc::new(server);
        let writers: Vec<_> = (0..3)
            .map(|_| {
                let (server, stop, moved) = (Arc::clone(&server), Arc::clone(&stop), Arc::clone(&moved));
                tokio::spawn(async move { keep_moving(&server, stop, moved).await })
            })
            .collect();
        let (keys, store) = (keys(), Memory::with(Default::default()));
        let position = "SELECT COUNT(*) AS moves, COALESCE(SUM(much), 0) AS much FROM moves";
        // Several connections for few rows, so that the tables are surely read by different ones.
        let options = jewel_backup::CreateOptions { readers: 3, position: Some(position.into()), ..options("shop") };
        let mut made: Vec<Manifest> = Vec::new();
        for _ in 0..5 {
            let before = moved.load(Ordering::SeqCst);
            made.push(
                back_up(&server, &store, &keys, &options).await.unwrap_or_else(|error| panic!("{}", said(&error))),
            );
            assert!(moved.load(Ordering::SeqCst) > before, "nobody wrote meanwhile: this proves nothing");
        }
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.unwrap();
        }
        for (number, manifest) in made.iter().enumerate() {
            let schema = format!("again_{number}");
            restore_to(&server, &store, &manifest.id, &keys.shop, &schema)
                .await
                .unwrap_or_else(|error| panic!("{}", said(&error)));
            let mut again = server.root_in(&schema).await;
            let sum = ask(&mut again, "SELECT (SELECT SUM(money) FROM here) + (SELECT SUM(money) FROM there)").await;
            assert_eq!(sum, (2 * ACCOUNTS * EACH).to_string(), "{}", server.name);
            let moves = ask(&mut again, position).await;
            let position = manifest.position.as_ref().unwrap();
            let noted = format!("{}|{}", position[0]["moves"].as_str().unwrap(), position[0]["much"].as_str().unwrap());
            assert_eq!(moves, noted, "{}: the position is of another moment", server.name);
        }
    }
}

#[tokio::test]
async fn a_long_transaction_holds_up_the_backup_and_not_the_shop() {
    for server in server::all().await {
        let mut shop = server
            .schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY, n INT)", "INSERT INTO t VALUES (1, 1), (2, 2)"])
            .await;
        shop.query_drop("START TRANSACTION").await.unwrap();
        shop.query_drop("UPDATE t SET n = 5 WHERE id = 1").await.unwrap();
        let (keys, store) = (keys(), Memory::with(Default::default()));
        let patience = Patience { hold: Duration::from_millis(400), attempts: 3, pause: Duration::from_millis(20) };
        let options = jewel_backup::CreateOptions { patience, ..options("shop") };
        let slowest = async {
            let mut other = server.root_in("shop").await;
            let mut slowest = Duration::ZERO;
            for _ in 0..200 {
                let start = Instant::now();
                other.query_drop("UPDATE t SET n = n + 1 WHERE id = 2").await.unwrap();
                slowest = slowest.max(start.elapsed());
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            slowest
        };
        let (slowest, backed_up) = tokio::join!(slowest, back_up(&server, &store, &keys, &options));
        assert!(matches!(backed_up, Err(Error::Busy { attempts: 3, .. })), "{}: {backed_up:?}", server.name);
        assert!(slowest < Duration::from_secs(2), "{}: a writer waited {slowest:?}", server.name);
        assert!(store.all().is_empty());
        shop.query_drop("COMMIT").await.unwrap();
        back_up(&server, &store, &keys, &options).await.unwrap();
        let left = ask(
            &mut server.root().await,
            &format!("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{}'", server::USER),
        )
        .await;
        assert_eq!(left, "0", "{}: connections were left", server.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_that_changes_meanwhile_fails_the_backup() {
    for server in server::all().await {
        let mut shop =
            server.schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1)"]).await;
        let (keys, store) = (keys(), Memory::with(Default::default()));
        for change in [
            "ALTER TABLE t ADD COLUMN more INT",
            "CREATE TABLE another (id INT PRIMARY KEY)",
            "CREATE VIEW v AS SELECT id FROM t",
            "DROP TABLE another",
        ] {
            let mut on_event = |event| {
                if matches!(event, Event::Begun { .. }) {
                    let altered = async { shop.query_drop(change).await.unwrap() };
                    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(altered));
                }
            };
            let error =
                create(&server.login(), &store, &keys.making, &options("shop"), &mut on_event).await.unwrap_err();
            let text = said(&error);
            assert!(
                text.contains("when no migration runs") || text.contains("doesn't exist"),
                "{}: {change}: {text}",
                server.name
            );
            assert!(store.all().keys().all(|key| !key.ends_with("/manifest")), "{}: {change}", server.name);
        }
        back_up(&server, &store, &keys, &options("shop")).await.unwrap();
    }
}

#[tokio::test]
async fn what_cannot_be_carried_is_refused_by_name() {
    for server in server::all().await {
        server
            .schema(
                "shop",
                &["CREATE TABLE fine (id INT PRIMARY KEY)", "CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM"],
            )
            .await;
        let (keys, store) = (keys(), Memory::with(Default::default()));
        let error = back_up(&server, &store, &keys, &options("shop")).await.unwrap_err();
        assert!(
            matches!(&error, Error::Engine { tables } if *tables == ["old (MyISAM)"]),
            "{}: {error:?}",
            server.name
        );
        let error = back_up(&server, &store, &keys, &options("nowhere")).await.unwrap_err();
        assert!(said(&error).contains("nowhere"), "{}", said(&error));
        if !server.is_mysql() {
            server.schema("counting", &["CREATE SEQUENCE numbers"]).await;
            let error = back_up(&server, &store, &keys, &options("counting")).await.unwrap_err();
            assert!(matches!(&error, Error::Unsupported { what } if *what == ["numbers (sequence)"]), "{error:?}");
        }
        assert!(store.all().is_empty());
    }
}

#[tokio::test]
async fn a_table_that_lost_its_rows_is_an_alarm_until_somebody_says_that_it_may() {
    let server = server::all().await.remove(0);
    let mut shop = server
        .schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY AUTO_INCREMENT)", "CREATE TABLE kept LIKE t"])
        .await;
    let rows = vec!["()"; 300].join(",");
    for table in ["t", "kept"] {
        shop.query_drop(format!("INSERT INTO {table} VALUES {rows}")).await.unwrap();
    }
    let (keys, store) = (keys(), Memory::with(Default::default()));
    let first = back_up(&server, &store, &keys, &options("shop")).await.unwrap();
    assert!(first.shrunk.is_empty() && first.previous.is_none());
    shop.query_drop("DELETE FROM t WHERE id > 100").await.unwrap();
    for _ in 0..2 {
        // The second time as well: what is doubtful is nothing to compare with.
        let emptied = back_up(&server, &store, &keys, &options("shop")).await.unwrap();
        assert_eq!(emptied.previous.as_ref(), Some(&first.id));
        assert_eq!(emptied.shrunk.len(), 1);
        assert_eq!((emptied.shrunk[0].rows_before, emptied.shrunk[0].rows), (300, Some(100)));
    }
    let mut allowing = options("shop");
    allowing.shrinking.allowed.insert("t".into());
    let allowed = back_up(&server, &store, &keys, &allowing).await.unwrap();
    assert!(allowed.shrunk.is_empty());
    shop.query_drop("DROP TABLE kept").await.unwrap();
    let gone = back_up(&server, &store, &keys, &options("shop")).await.unwrap();
    assert_eq!((gone.shrunk.len(), gone.shrunk[0].rows), (1, None));
}

#[tokio::test]
async fn answers_of_the_store_may_be_lost() {
    let server = server::all().await.remove(0);
    server.schema("shop", &["CREATE TABLE t (id INT PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"]).await;
    let keys = keys();
    for fate in [Fate::Lost, Fate::Unheard] {
        let store = Arc::new(Memory { every_put: Some(fate), ..Memory::default() });
        let manifest =
            back_up(&server, &store, &keys, &options("shop")).await.unwrap_or_else(|error| panic!("{}", said(&error)));
        let summaries = list(&*store, &crate::seal()).await.unwrap();
        assert!(matches!(&summaries[..], [one] if one.id == manifest.id && matches!(one.state, State::Complete(_))));
        restore_to(&server, &store, &manifest.id, &keys.shop, &format!("{fate:?}")).await.unwrap();
    }
}
