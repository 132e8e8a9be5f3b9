//! Throw-away database servers: `mariadbd`, and the `mysqld` that `JEWEL_MYSQLD` names as well. Whoever makes backups logs
//! in with what a managed database's master user may do, and no more.

use std::{
    net::TcpListener,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use jewel_backup::Tls;
use mysql_async::{Conn, OptsBuilder, Row, Value, prelude::Queryable};

const START_DEADLINE: Duration = Duration::from_secs(90);

/// The login of backups.
pub(crate) const USER: &str = "master";
pub(crate) const PASSWORD: &str = "a-password-for-tests";

/// What Lightsail grants; `provisioning/localcloud/src/database/grants.rs` says where that is from.
const GRANTS: &str = "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, PROCESS, REFERENCES, INDEX, ALTER, SHOW DATABASES, \
    CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, \
    CREATE ROUTINE, ALTER ROUTINE, CREATE USER, EVENT, TRIGGER";
const REVOKED: &str = "INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, LOCK TABLES, CREATE VIEW, \
    CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, CREATE TEMPORARY TABLES";

/// A running server.
pub(crate) struct Server {
    /// `mariadb` or `mysql`.
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    directory: tempfile::TempDir,
    program: PathBuf,
    process: Option<Child>,
}

/// Every server there is to test with, started.
pub(crate) async fn all() -> Vec<Server> {
    let mut servers = vec![Server::start("mariadb", find("mariadbd")).await];
    if let Some(mysqld) = std::env::var_os("JEWEL_MYSQLD") {
        servers.push(Server::start("mysql", mysqld.into()).await);
    }
    servers
}

impl Server {
    async fn start(name: &'static str, program: PathBuf) -> Self {
        let directory = tempfile::Builder::new().prefix("jewel-db-").tempdir().unwrap();
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut server = Self { name, port: free_port(), directory, program, process: None };
        server.initialise();
        server.launch().await;
        let mut root = server.root().await;
        for statement in [
            format!("CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'"),
            format!("GRANT {GRANTS} ON *.* TO '{USER}'@'%' WITH GRANT OPTION"),
        ] {
            root.query_drop(statement).await.unwrap();
        }
        if server.is_mysql() {
            root.query_drop("SET GLOBAL partial_revokes = ON").await.unwrap();
            for schema in ["mysql", "sys"] {
                root.query_drop(format!("REVOKE {REVOKED} ON {schema}.* FROM '{USER}'@'%'")).await.unwrap();
            }
        }
        server
    }

    pub(crate) fn is_mysql(&self) -> bool {
        self.name == "mysql"
    }

    /// For backups. MySQL always offers TLS, MariaDB only when it is given a certificate.
    pub(crate) fn login(&self) -> jewel_backup::Server {
        self.login_at(self.port)
    }

    /// The same by way of another port.
    pub(crate) fn login_at(&self, port: u16) -> jewel_backup::Server {
        jewel_backup::Server {
            host: "127.0.0.1".to_owned(),
            port,
            user: USER.to_owned(),
            password: PASSWORD.to_owned().into(),
            tls: if self.is_mysql() { Tls::Required } else { Tls::Off },
        }
    }

    /// Someone who may do everything.
    pub(crate) async fn root(&self) -> Conn {
        self.connect(None).await.unwrap()
    }

    /// The same, in a schema.
    pub(crate) async fn root_in(&self, schema: &str) -> Conn {
        self.connect(Some(schema)).await.unwrap()
    }

    /// A new schema with these statements executed in it.
    pub(crate) async fn schema(&self, name: &str, statements: &[&str]) -> Conn {
        self.root().await.query_drop(format!("CREATE DATABASE `{name}`")).await.unwrap();
        let mut connection = self.root_in(name).await;
        for statement in statements {
            connection
                .query_drop(*statement)
                .await
                .unwrap_or_else(|error| panic!("{}: {statement}: {error}", self.name));
        }
        connection
    }

    async fn connect(&self, schema: Option<&str>) -> mysql_async::Result<Conn> {
        let options = OptsBuilder::default()
            .socket(Some(self.path("socket").to_str().unwrap().to_owned()))
            .user(Some("root"))
            .db_name(schema);
        Conn::new(options).await
    }

    async fn launch(&mut self) {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let process = self
            .command()
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--socket={}", self.path("socket").display()))
            .arg(format!("--pid-file={}", self.path("pid").display()))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M", "--skip-log-bin", "--local-infile=ON"])
            .arg("--max-allowed-packet=64M")
            .args(if self.is_mysql() { MYSQL_ONLY } else { &[] })
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let deadline = Instant::now() + START_DEADLINE;
        while self.connect(None).await.is_err() {
            let exited = self.process.as_mut().unwrap().try_wait().unwrap();
            let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(exited.is_none(), "{} exited: {exited:?}\n{}", self.name, log());
            assert!(Instant::now() < deadline, "{} does not answer\n{}", self.name, log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn initialise(&self) {
        let data = format!("--datadir={}", self.data().display());
        let mut command = if self.is_mysql() {
            let mut command = self.command();
            command.args(["--initialize-insecure", &data]);
            command
        } else {
            let mut command = Command::new(find("mariadb-install-db"));
            command.args([
                "--no-defaults",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--force",
                &data,
            ]);
            command.args(user());
            command
        };
        // Servers that share a folder for temporary tables step on each other's.
        let output = command.env("TMPDIR", self.directory.path()).stdin(Stdio::null()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "initialising {} failed: {said}", self.name);
    }

    /// The server's program, made to die with the thread that started it.
    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program).arg("--no-defaults").args(user());
        command.env("TMPDIR", self.directory.path()).stdin(Stdio::null());
        command
    }

    fn data(&self) -> PathBuf {
        self.path("data")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// What a query finds, as one text.
pub(crate) async fn ask(connection: &mut Conn, query: &str) -> String {
    let rows: Vec<Row> = connection.query(query).await.unwrap_or_else(|error| panic!("{query}: {error}"));
    let cell = |value: Value| match value {
        Value::Bytes(bytes) => String::from_utf8(bytes).unwrap_or_else(|error| hex::encode(error.into_bytes())),
        _ => "NULL".to_owned(),
    };
    let row = |row: Row| row.unwrap().into_iter().map(cell).collect::<Vec<_>>().join("|");
    rows.into_iter().map(row).collect::<Vec<_>>().join("\n")
}

/// No second protocol, and no folder outside the test's own.
const MYSQL_ONLY: &[&str] = &["--mysqlx=OFF", "--secure-file-priv=NULL"];

const NOBODY: u32 = 65534;

/// Servers refuse to run as root unless told which user to become.
fn user() -> Option<&'static str> {
    is_root().then_some("--user=nobody")
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Below those that outgoing connections take.
fn free_port() -> u16 {
    let (first, count) = (20_000, 12_000);
    // Tests that run at once look from different places.
    let start = (std::process::id() % count * 101 % count + COUNTER.fetch_add(97, Ordering::Relaxed)) % count;
    let mut ports = (0..count).map(|step| u16::try_from(first + (start + step) % count).unwrap());
    ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap()
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/usr/local/sbin"].map(|folder| Path::new(folder).to_owned()))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| panic!("{program} is missing, and these tests need it: apt-get install mariadb-server"))
}
