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
    database::{Databases, Flavour, Master, PORT, ServerSpec, certificate_authority},
    network::Network,
};
use sqlx::{
    ConnectOptions as _, Executor as _, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};
use tokio::net::TcpListener;

struct Ground {
    layout: Layout,
    network: Network,
    databases: Databases,
    /// A loopback port that leads to the database through the private network.
    tunnel: SocketAddr,
    _data: tempfile::TempDir,
}

impl Ground {
    /// Slots above 250 are never a user's cloud.
    async fn new(slot: u8, mysqld: Option<PathBuf>) -> Self {
        let cache = support::cache();
        let data = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let layout = Layout::new(data.path(), &cache, slot);
        let network = Network::open(layout.clone()).await.unwrap();
        let databases = Databases::new(layout.clone(), network.clone(), mysqld);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tunnel = listener.local_addr().unwrap();
        let (through, target) = (network.clone(), SocketAddr::from((layout.private_address(10), PORT)));
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
        Self { layout, network, databases, tunnel, _data: data }
    }

    fn spec(&self) -> ServerSpec {
        let address = self.layout.private_address(10);
        ServerSpec { id: "d-test".into(), address, binary_log: true, parameters: BTreeMap::new() }
    }

    /// Logs in as the owner does, over TLS that is checked against the cloud's authority.
    async fn login(&self, password: &str) -> Result<MySqlConnection, sqlx::Error> {
        let options = MySqlConnectOptions::new().host("127.0.0.1").port(self.tunnel.port()).username("owner");
        let options = options.password(password).database("shop").ssl_mode(MySqlSslMode::VerifyCa);
        let login = options.ssl_ca(certificate_authority(&self.layout)).disable_statement_logging();
        let login = tokio::time::timeout(Duration::from_secs(10), login.connect()).await;
        login.unwrap_or_else(|_| Err(sqlx::Error::PoolTimedOut))
    }

    async fn gone(self) {
        self.databases.destroy("d-test").await.unwrap();
        assert!(!self.layout.database_dir("d-test").exists());
        // Nothing of the network is needed any more; the namespaces go with the next cloud of this slot.
        drop(self.network);
    }
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
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut sql = loop {
        match ground.login("another-one").await {
            Ok(sql) => break sql,
            Err(error) => assert!(Instant::now() < deadline, "did not come back: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(number(&mut sql, "SELECT CAST(@@global.max_connections AS SIGNED)").await, 55);
    assert_eq!(number(&mut sql, "SELECT CAST(a AS SIGNED) FROM kept").await, 42);

    // A daemon that was killed leaves its servers; the next one takes their place.
    let next = Databases::new(ground.layout.clone(), ground.network.clone(), None);
    next.stop("d-test").await.unwrap();
    assert!(servers(&ground.layout.database_dir("d-test").join("data")).is_empty());
    ground.gone().await;
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
