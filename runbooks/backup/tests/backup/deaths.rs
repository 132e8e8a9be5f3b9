//! Death at every step, of whoever backs up and of whoever restores: what is left is a backup or none, and the same
//! command again gets there.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use jewel_backup::{Error, Folder, RestoreOptions, State, list, restore};
use mysql_async::prelude::Queryable;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    back_up, keys,
    memory::{Fate, Memory},
    options, restore_to, said,
    server::{self, PASSWORD, Server, USER, ask},
};

const SHOP: &[&str] = &[
    "CREATE TABLE orders (id INT PRIMARY KEY, note VARCHAR(20), KEY by_note (note), KEY by_both (note, id))",
    "CREATE TABLE line_items (id INT PRIMARY KEY, order_id INT NOT NULL, CONSTRAINT of_order FOREIGN KEY (order_id) REFERENCES orders (id))",
    "INSERT INTO orders VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')",
    "INSERT INTO line_items VALUES (1, 1), (2, 1), (3, 3)",
    "CREATE VIEW totals AS SELECT order_id, COUNT(*) AS items FROM line_items GROUP BY order_id",
    "CREATE TRIGGER shout BEFORE INSERT ON orders FOR EACH ROW SET NEW.note = UPPER(NEW.note)",
];

fn small(schema: &str) -> jewel_backup::CreateOptions {
    jewel_backup::CreateOptions { chunk_bytes: 16, ..options(schema) }
}

/// Enough of a schema to tell a whole one from another.
async fn contents(server: &Server, schema: &str) -> String {
    let mut connection = server.root_in(schema).await;
    let mut all = String::new();
    for query in [
        "SELECT * FROM orders ORDER BY id",
        "SELECT * FROM line_items ORDER BY id",
        "SELECT * FROM totals ORDER BY order_id",
        "SELECT table_name, index_name, seq_in_index, column_name FROM information_schema.statistics WHERE table_schema = DATABASE() ORDER BY 1, 2, 3",
        "SELECT constraint_name FROM information_schema.table_constraints WHERE constraint_schema = DATABASE() ORDER BY 1",
        "SELECT action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE()",
    ] {
        all += &format!("{}\n", ask(&mut connection, query).await);
    }
    all
}

#[tokio::test]
async fn backing_up_may_die_at_every_call_of_the_store() {
    let server = server::all().await.remove(0);
    server.schema("shop", SHOP).await;
    let (keys, expected) = (keys(), contents(&server, "shop").await);
    let whole = Memory::with(Default::default());
    back_up(&server, &whole, &keys, &small("shop")).await.unwrap();
    let calls = whole.calls.load(Ordering::SeqCst);
    assert!(calls >= 10, "{calls}");
    for last in 0..calls {
        for fate in [Fate::Lost, Fate::Unheard] {
            let dying = Arc::new(Memory { dies: Some((last, fate)), ..Memory::default() });
            back_up(&server, &dying, &keys, &small("shop")).await.unwrap_err();
            let left = Memory::with(dying.all());
            for summary in list(&*left, &crate::seal()).await.unwrap() {
                let restored = restore_to(&server, &left, &summary.id, &keys.shop, "again").await;
                match summary.state {
                    State::Complete(_) => drop(restored.unwrap()),
                    State::Unfinished => {
                        assert!(matches!(restored, Err(Error::NoBackup { .. })), "{last} {fate:?}: {restored:?}")
                    }
                    other => panic!("{last} {fate:?}: {other:?}"),
                }
                server.root().await.query_drop("DROP DATABASE IF EXISTS again").await.unwrap();
            }
            let made = back_up(&server, &left, &keys, &small("shop")).await.unwrap();
            restore_to(&server, &left, &made.id, &keys.shop, "again").await.unwrap();
            assert_eq!(contents(&server, "again").await, expected, "{last} {fate:?}");
            server.root().await.query_drop("DROP DATABASE again").await.unwrap();
        }
    }
}

/// A stretch of wire to a server that is cut, in all connections at once, when something was sent for the nth time.
struct Wire {
    port: u16,
    sent: Arc<AtomicUsize>,
}

/// What is sent for the last time arrives, or it does not.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Before,
    After,
}

impl Wire {
    async fn new(to: u16, last: usize, side: Side) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let sent = Arc::new(AtomicUsize::new(0));
        let counting = Arc::clone(&sent);
        tokio::spawn(async move {
            let (cut, whole) = watch::channel(false);
            let cut = Arc::new(cut);
            while let Ok((client, _)) = listener.accept().await {
                let (counting, cut, whole) = (Arc::clone(&counting), Arc::clone(&cut), whole.clone());
                tokio::spawn(async move { carry(client, to, &counting, last, side, &cut, whole).await });
            }
        });
        Self { port, sent }
    }
}

async fn carry(
    mut client: TcpStream,
    to: u16,
    sent: &AtomicUsize,
    last: usize,
    side: Side,
    cut: &watch::Sender<bool>,
    mut whole: watch::Receiver<bool>,
) {
    if *whole.borrow() {
        return;
    }
    let mut server = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
    let (mut up, mut down) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            _ = whole.changed() => return,
            read = client.read(&mut up) => {
                let Ok(length @ 1..) = read else { return };
                let is_last = sent.fetch_add(1, Ordering::SeqCst) + 1 >= last;
                if !(is_last && side == Side::Before) && server.write_all(&up[..length]).await.is_err() {
                    return;
                }
                if is_last {
                    cut.send_replace(true);
                    return;
                }
            }
            read = server.read(&mut down) => {
                let Ok(length @ 1..) = read else { return };
                if client.write_all(&down[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn restoring_may_lose_its_server_at_everything_it_sends() {
    for server in server::all().await {
        server.schema("shop", SHOP).await;
        let (keys, store) = (keys(), Memory::with(Default::default()));
        let manifest = back_up(&server, &store, &keys, &small("shop")).await.unwrap();
        let expected = contents(&server, "shop").await;
        let try_by = async |port: u16, schema: &str| {
            restore(&store, &manifest.id, &keys.shop, &server.login_at(port), &RestoreOptions::new(schema), &mut |_| {})
                .await
        };
        let wire = Wire::new(server.port, usize::MAX, Side::After).await;
        try_by(wire.port, "whole").await.unwrap();
        let all = wire.sent.load(Ordering::SeqCst);
        assert!(all > 60, "{all}");
        let mut resumed = 0;
        for last in 1..all {
            let side = if last % 2 == 0 { Side::Before } else { Side::After };
            let schema = format!("cut_{last}");
            let wire = Wire::new(server.port, last, side).await;
            let cut = try_by(wire.port, &schema).await;
            // Near the end the order of what two connections send may differ: then it was done before.
            if cut.is_ok() {
                assert!(last > all / 2, "{}: {last} of {all}", server.name);
            } else {
                // The server may take a moment to miss the one who was cut off.
                let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
                let again = loop {
                    match try_by(server.port, &schema).await {
                        Err(Error::Restoring { .. }) if std::time::Instant::now() < deadline => {
                            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                        }
                        again => break again,
                    }
                };
                match again {
                    Ok(again) => resumed += usize::from(again.loaded_before > 0),
                    // It was done, and only its goodbye was lost.
                    Err(Error::NotEmpty { .. }) => assert!(last > all / 2),
                    Err(error) => panic!("{} {last} {side:?}: {}", server.name, said(&error)),
                }
            }
            assert_eq!(contents(&server, &schema).await, expected, "{} {last} {side:?}", server.name);
            server.root().await.query_drop(format!("DROP DATABASE {schema}")).await.unwrap();
        }
        assert!(resumed > 5, "{}: only {resumed} of {all} had something to go on with", server.name);
    }
}

/// The example of this crate, as a program of its own.
fn program() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().and_then(Path::parent).unwrap().join("examples/backup");
    assert!(program.is_file(), "{} is missing: cargo build -p jewel-backup --example backup", program.display());
    program
}

/// A call of it.
pub(crate) fn call(server: &Server, arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env("DATABASE_PASSWORD", PASSWORD).stdin(Stdio::null());
    if server.is_mysql() {
        command.env("DATABASE_TLS", "1");
    }
    command
}

/// Kills it when it has said so many lines. None is that it came to its end before.
fn killed_after(mut command: Command, lines: usize) -> Option<()> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let enough = (0..lines).all(|_| output.next().is_some());
    child.kill().unwrap();
    let status = child.wait().unwrap();
    (enough && status.code().is_none()).then_some(())
}

#[tokio::test]
async fn kill_9_and_the_same_command_again() {
    for server in server::all().await {
        server.schema("shop", SHOP).await;
        let expected = contents(&server, "shop").await;
        let folder = tempfile::tempdir().unwrap();
        let (keys, store) = (folder.path().join("keys"), folder.path().join("store"));
        let (keys, store) = (keys.to_str().unwrap(), store.to_str().unwrap());
        assert!(call(&server, &["keys", keys]).output().unwrap().status.success());
        let at = format!("{USER}@127.0.0.1:{}/", server.port);
        let (from, to) = (format!("{at}shop"), format!("{at}again"));

        let mut kills = 0;
        while killed_after(call(&server, &["create", keys, store, &from]), kills + 1).is_some() {
            kills += 1;
        }
        assert!(kills > 2, "{}: {kills}", server.name);
        let made = call(&server, &["create", keys, store, &from]).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let id = String::from_utf8(made.stdout).unwrap().lines().last().unwrap().to_owned();
        let seal = std::fs::read_to_string(Path::new(keys).join("seal")).unwrap().trim().to_owned();
        let seal = jewel_backup::Seal::new(seal.into()).unwrap();
        for summary in list(&Folder::new(store), &seal).await.unwrap() {
            let whole = matches!(summary.state, State::Complete(_));
            assert!(whole || matches!(summary.state, State::Unfinished), "{:?}", summary.state);
        }

        let mut kills = 0;
        while killed_after(call(&server, &["restore", keys, store, &to, &id]), kills + 1).is_some() {
            kills += 1;
            if kills % 2 == 0 {
                continue;
            }
            // Every second one is killed again further on, the others are left to end.
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
            while !call(&server, &["restore", keys, store, &to, &id]).output().unwrap().status.success() {
                assert!(std::time::Instant::now() < deadline, "{}: it never gets there", server.name);
            }
            assert_eq!(contents(&server, "again").await, expected, "{} after {kills}", server.name);
            server.root().await.query_drop("DROP DATABASE again").await.unwrap();
        }
        assert!(kills > 2, "{}: {kills}", server.name);
    }
}
