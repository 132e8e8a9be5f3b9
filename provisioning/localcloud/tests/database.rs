//! Runs real database servers: needs root and `mariadbd`; with `JEWEL_MYSQLD` set, the same on that MySQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod support;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use jewel_localcloud::{
    Layout,
    database::{Databases, Flavour, Master, Origin, PORT, ServerSpec, certificate_authority},
    network::Network,
};
use sqlx::{
    ConnectOptions as _, Executor as _, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

struct Ground {
    layout: Layout,
    network: Network,
    databases: Databases,
    /// A loopback port that leads to the database through the private network.
    tunnel: SocketAddr,
    mysqld: Option<PathBuf>,
    _data: tempfile::TempDir,
}

impl Ground {
    /// Slots above 250 are never a user's cloud.
    async fn new(slot: u8, mysqld: Option<PathBuf>) -> Self {
        let cache = support::cache();
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let layout = Layout::new(data.path(), &cache, slot);
        let network = Network::open(layout.clone()).await.unwrap();
        let databases = Databases::new(layout.clone(), network.clone(), mysqld.clone());
        let tunnel = tunnel(&network, SocketAddr::from((layout.private_address(10), PORT))).await;
        Self { layout, network, databases, tunnel, mysqld, _data: data }
    }

    fn spec(&self) -> ServerSpec {
        let address = self.layout.private_address(10);
        ServerSpec { id: "d-test".into(), address, binary_log: true, parameters: BTreeMap::new() }
    }

    /// Logs in as the owner does, over TLS that is checked against the cloud's authority.
    async fn login(&self, password: &str) -> Result<MySqlConnection, sqlx::Error> {
        self.login_through(self.tunnel, password).await
    }

    async fn login_through(&self, tunnel: SocketAddr, password: &str) -> Result<MySqlConnection, sqlx::Error> {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(tunnel.port()).username("owner");
        let options = options.password(password).database("shop").ssl_mode(MySqlSslMode::VerifyCa);
        let login = options.ssl_ca(certificate_authority(&self.layout)).disable_statement_logging();
        let login = tokio::time::timeout(Duration::from_secs(10), login.connect()).await;
        login.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
    }

    /// Makes another database from `origin` and reads what is in its tables: what was written, and how far was counted.
    async fn restored(&self, origin: Origin) -> Result<(Vec<String>, i64), String> {
        let address = self.layout.private_address(11);
        let spec = ServerSpec { id: "d-again".into(), address, ..self.spec() };
        let master = Master { user: "owner".into(), password: "quite-another".into(), database: "shop".into() };
        // What an attempt that was cut off left is begun anew.
        std::fs::create_dir_all(self.layout.database_dir("d-again").join("data/half-made")).unwrap();
        if let Err(error) = self.databases.gather("d-again", &origin).await {
            self.databases.destroy("d-again").await.unwrap();
            return Err(error.to_string());
        }
        self.databases.restore(&spec, &master).await.unwrap();
        let tunnel = tunnel(&self.network, SocketAddr::from((address, PORT))).await;
        assert!(self.login_through(tunnel, "another-one").await.is_err(), "the old password is worth nothing");
        let mut sql = self.login_through(tunnel, "quite-another").await.unwrap();
        let rows = sqlx::query("SELECT b FROM written ORDER BY a").fetch_all(&mut sql).await.unwrap();
        let counted = number(&mut sql, "SELECT COUNT(*) FROM counted").await;
        assert_eq!(number(&mut sql, "SELECT MAX(a) FROM counted").await, counted, "none is missing in between");
        assert_eq!(number(&mut sql, "SELECT CAST(@@log_bin AS SIGNED)").await, 1, "it has backups of its own");
        assert!(sql.execute("SET GLOBAL max_connections = 7").await.is_err(), "no more rights than before");
        assert!(!self.layout.database_dir("d-again").join("replay").exists());
        self.databases.destroy("d-again").await.unwrap();
        Ok((rows.iter().map(|row| row.get(0)).collect(), counted))
    }

    async fn gone(self) {
        self.databases.destroy("d-test").await.unwrap();
        assert!(!self.layout.database_dir("d-test").exists());
        // Nothing of the network is needed any more; the namespaces go with the next cloud of this slot.
        drop(self.network);
    }
}

/// A loopback port that leads to `target` through the private network.
async fn tunnel(network: &Network, target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let tunnel = listener.local_addr().unwrap();
    let through = network.clone();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let through = through.clone();
            tokio::spawn(async move {
                if let Ok(mut far) = through.connect(target).await {
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                }
            });
        }
    });
    tunnel
}

async fn number(sql: &mut MySqlConnection, query: &'static str) -> i64 {
    sqlx::query(query).fetch_one(sql).await.unwrap().get(0)
}

async fn lives(slot: u8, mysqld: Option<PathBuf>) {
    let ground = Ground::new(slot, mysqld).await;
    let master = Master { user: "owner".into(), password: "it's-1-pass\\word".into(), database: "shop".into() };
    ground.databases.create(&ground.spec(), &master).await.unwrap();
    let mut sql = ground.login("it's-1-pass\\word").await.unwrap();

    // Durable, logged, and no more than Lightsail grants.
    assert_eq!(number(&mut sql, "SELECT CAST(@@log_bin AS SIGNED)").await, 1);
    assert_eq!(number(&mut sql, "SELECT CAST(@@sync_binlog AS SIGNED)").await, 1);
    assert_eq!(number(&mut sql, "SELECT CAST(@@innodb_flush_log_at_trx_commit AS SIGNED)").await, 1);
    for denied in ["FLUSH TABLES WITH READ LOCK", "SET GLOBAL max_connections = 7", "SET sql_log_bin = 0", "SHUTDOWN"] {
        assert!(sql.execute(denied).await.is_err(), "{denied}");
    }
    if ground.databases.engine().await.unwrap().flavour == Flavour::MySql {
        for denied in ["LOCK INSTANCE FOR BACKUP", "DROP USER rdsadmin@localhost", "DELETE FROM mysql.user"] {
            assert!(sql.execute(denied).await.is_err(), "{denied}");
        }
    }
    sql.execute("CREATE TABLE kept (a INT PRIMARY KEY)").await.unwrap();
    sql.execute("INSERT INTO kept VALUES (42)").await.unwrap();

    // A new password takes effect at once, and the old one is worth nothing.
    ground.databases.set_master_password("d-test", "owner", &"another-one".into()).await.unwrap();
    assert!(ground.login("it's-1-pass\\word").await.is_err());
    ground.login("another-one").await.unwrap();

    // What was set while it ran is there again after it was killed, and so is what was committed.
    ground.databases.set_parameter("d-test", "max_connections", "55").await.unwrap();
    kill_server(&ground.layout.database_dir("d-test").join("data"));
    let mut sql = until_back(&ground).await;
    assert_eq!(number(&mut sql, "SELECT CAST(@@global.max_connections AS SIGNED)").await, 55);
    assert_eq!(number(&mut sql, "SELECT CAST(a AS SIGNED) FROM kept").await, 42);

    comes_back(&ground).await;

    // A daemon that was killed leaves its servers; the next one takes their place.
    let next = Databases::new(ground.layout.clone(), ground.network.clone(), ground.mysqld.clone());
    next.stop("d-test").await.unwrap();
    assert!(servers(&ground.layout.database_dir("d-test").join("data")).is_empty());
    ground.gone().await;
}

/// Snapshots and backups of the running server, and what is made from them.
async fn comes_back(ground: &Ground) {
    let databases = &ground.databases;
    let mut sql = ground.login("another-one").await.unwrap();
    sql.execute("CREATE TABLE written (a INT PRIMARY KEY AUTO_INCREMENT, b VARCHAR(100)) CHARACTER SET utf8mb4")
        .await
        .unwrap();
    sql.execute("INSERT INTO written (b) VALUES ('in the copy')").await.unwrap();
    // Whoever is in the middle of something is neither cut off nor copied.
    let mut other = ground.login("another-one").await.unwrap();
    other.execute("BEGIN").await.unwrap();
    other.execute("INSERT INTO written (b) VALUES ('not committed yet')").await.unwrap();
    // And whoever writes as fast as it can loses nothing that was acknowledged.
    let (counted, counter) = count(ground).await;
    assert!(databases.back_up("d-test").await.unwrap(), "the first copy");
    let before_snapshot = *counted.borrow();
    databases.snapshot("d-test", "s-1").await.unwrap();
    let after_snapshot = *counted.borrow() + 1;
    databases.snapshot("d-test", "s-1").await.unwrap();
    other.execute("COMMIT").await.unwrap();
    drop(counted);
    let last = counter.await.unwrap();

    // Statements that a careless reader of the log would cut in the wrong place.
    sql.execute("CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; END").await.unwrap();
    sql.execute("INSERT INTO written (b) VALUES ('a\n/*!*/;\nDELIMITER ;\n# 🦀')").await.unwrap();
    kill_server(&ground.layout.database_dir("d-test").join("data"));
    let mut sql = until_back(ground).await;
    sql.execute("INSERT INTO written (b) VALUES ('after a crash')").await.unwrap();
    let before = next_second().await;
    sql.execute("INSERT INTO written (b) VALUES ('too late')").await.unwrap();
    let dropped = next_second().await;
    sql.execute("DROP TABLE written").await.unwrap();
    let after = next_second().await;
    assert!(!databases.back_up("d-test").await.unwrap(), "the copy is of today");
    let latest = databases.latest_restorable("d-test").unwrap();
    assert!(latest >= after);
    // The log stands still: the moment up to which everything is there goes on.
    databases.back_up("d-test").await.unwrap();
    assert!(databases.latest_restorable("d-test").unwrap() > latest);

    let all = ["in the copy", "not committed yet", "a\n/*!*/;\nDELIMITER ;\n# 🦀", "after a crash", "too late"];
    let (written, counted) = ground.restored(Origin::Snapshot("s-1".into())).await.unwrap();
    assert_eq!(written, all[..1]);
    assert!((before_snapshot..=after_snapshot).contains(&counted), "{before_snapshot} {counted} {after_snapshot}");
    let at = |until| Origin::Backups { of: "d-test".into(), until: Some(until) };
    let (written, counted) = ground.restored(at(before)).await.unwrap();
    assert_eq!((&written[..], counted), (&all.map(str::to_owned)[..4], last));
    assert_eq!(ground.restored(at(dropped)).await.unwrap().0, all);
    let hour = jiff::SignedDuration::from_hours(1);
    assert!(ground.restored(at(before - hour)).await.unwrap_err().contains("the backups begin after"));
    assert!(ground.restored(at(before + hour)).await.unwrap_err().contains("the backups end at"));
    assert!(ground.restored(Origin::Snapshot("s-2".into())).await.unwrap_err().contains("the snapshot is gone"));

    databases.erase_backups("d-test").await.unwrap();
    databases.erase_backups("d-test").await.unwrap();
    assert_eq!(databases.latest_restorable("d-test"), None);
    assert!(ground.restored(at(before)).await.unwrap_err().contains("no automatic backups"));
    assert!(!ground.layout.backup_dir("d-test").exists());
}

/// Commits 1, 2, 3 and so on, one after another, until the receiver of what is acknowledged goes; gives the last one.
async fn count(ground: &Ground) -> (watch::Receiver<i64>, JoinHandle<i64>) {
    let mut sql = ground.login("another-one").await.unwrap();
    sql.execute("CREATE TABLE counted (a INT PRIMARY KEY)").await.unwrap();
    let (say, acknowledged) = watch::channel(0);
    let counter = tokio::spawn(async move {
        let mut next = 0;
        while !say.is_closed() {
            next += 1;
            sqlx::query("INSERT INTO counted VALUES (?)").bind(next).execute(&mut sql).await.unwrap();
            say.send_replace(next);
        }
        next
    });
    (acknowledged, counter)
}

/// The beginning of the next second, when it has come.
async fn next_second() -> jiff::Timestamp {
    let second = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() + 1).unwrap();
    while jiff::Timestamp::now() < second {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    second
}

async fn until_back(ground: &Ground) -> MySqlConnection {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        match ground.login("another-one").await {
            Ok(sql) => return sql,
            Err(error) => assert!(Instant::now() < deadline, "did not come back: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn servers(data: &Path) -> Vec<i32> {
    use std::os::unix::fs::MetadataExt as _;
    let identity = |path: &Path| std::fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| identity(Path::new(&format!("/proc/{pid}/cwd"))) == identity(data)).collect()
}

fn kill_server(data: &Path) {
    let pids = servers(data);
    assert!(!pids.is_empty());
    for pid in pids {
        let pid = nix::unistd::Pid::from_raw(pid);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_lives() {
    lives(254, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_lives() {
    match std::env::var_os("JEWEL_MYSQLD") {
        Some(mysqld) => lives(255, Some(mysqld.into())).await,
        None => eprintln!("NOT TESTED ON MYSQL: JEWEL_MYSQLD names no mysqld"),
    }
}
