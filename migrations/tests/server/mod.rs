//! Throw-away database servers for tests: `mariadbd`, and the `mysqld` that `JEWEL_MYSQLD` names as well.
//!
//! Each server has its own data directory, port and socket, and dies with the test.

use std::{
    net::TcpListener,
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, MySqlConnection,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};

const START_DEADLINE: Duration = Duration::from_secs(90);

/// The login tests use. It may do everything.
pub(crate) const USER: &str = "tester";
pub(crate) const PASSWORD: &str = "a-password-for-tests";

/// A running server.
pub(crate) struct Server {
    /// `mariadb` or `mysql`.
    pub(crate) name: &'static str,
    pub(crate) port: u16,
    /// Whether it offers TLS (MySQL always does, MariaDB 10.11 only when given a certificate).
    pub(crate) tls: bool,
    directory: tempfile::TempDir,
    program: PathBuf,
    process: Option<Child>,
}

/// Every server there is to test with, started.
pub(crate) async fn all() -> Vec<Server> {
    let mut servers = vec![Server::start("mariadb", find("mariadbd"), false).await];
    if let Some(mysqld) = std::env::var_os("JEWEL_MYSQLD") {
        servers.push(Server::start("mysql", mysqld.into(), true).await);
    }
    servers
}

impl Server {
    async fn start(name: &'static str, program: PathBuf, tls: bool) -> Self {
        let directory = tempfile::Builder::new().prefix("jewel-db-").tempdir().unwrap();
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut server = Self { name, port: free_port(), tls, directory, program, process: None };
        server.initialise();
        server.launch().await;
        server
            .administer(&[
                format!("CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'"),
                format!("GRANT ALL ON *.* TO '{USER}'@'%' WITH GRANT OPTION"),
            ])
            .await;
        server
    }

    /// A new empty database.
    pub(crate) async fn database(&self, name: &str) -> MySqlConnectOptions {
        self.administer(&[format!("CREATE DATABASE `{name}`")]).await;
        self.options().database(name)
    }

    /// How to connect by TCP.
    pub(crate) fn options(&self) -> MySqlConnectOptions {
        MySqlConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username(USER)
            .password(PASSWORD)
            .ssl_mode(if self.tls { MySqlSslMode::Required } else { MySqlSslMode::Disabled })
            .disable_statement_logging()
    }

    /// kill -9, as a power cut would.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn launch(&mut self) {
        let log = std::fs::File::create(self.path("log")).unwrap();
        let process = self
            .command()
            .arg(format!("--datadir={}", self.data().display()))
            .arg(format!("--socket={}", self.path("socket").display()))
            .arg(format!("--pid-file={}", self.path("pid").display()))
            .arg(format!("--port={}", self.port))
            .args(["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=64M", "--skip-log-bin"])
            .args(if self.name == "mysql" { MYSQL_ONLY } else { &[] })
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.process = Some(process);
        let deadline = Instant::now() + START_DEADLINE;
        while self.socket().connect().await.is_err() {
            let exited = self.process.as_mut().unwrap().try_wait().unwrap();
            let log = || std::fs::read_to_string(self.path("log")).unwrap_or_default();
            assert!(exited.is_none(), "{} exited: {exited:?}\n{}", self.name, log());
            assert!(Instant::now() < deadline, "{} does not answer\n{}", self.name, log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn initialise(&self) {
        let data = format!("--datadir={}", self.data().display());
        let mut command = if self.name == "mysql" {
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
        assert!(
            output.status.success(),
            "initialising {} failed: {}",
            self.name,
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// The server's program, made to die with the thread that started it.
    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(&self.program).arg("--no-defaults").args(user());
        command.env("TMPDIR", self.directory.path()).stdin(Stdio::null());
        command
    }

    async fn administer(&self, statements: &[String]) {
        let mut connection: MySqlConnection = self.socket().connect().await.unwrap();
        for statement in statements {
            sqlx::raw_sql(AssertSqlSafe(statement.clone())).execute(&mut connection).await.unwrap();
        }
    }

    fn socket(&self) -> MySqlConnectOptions {
        let options = MySqlConnectOptions::new().socket(self.path("socket")).username("root");
        options.ssl_mode(MySqlSslMode::Disabled).disable_statement_logging()
    }

    /// Where its data is. Only a server that does not run may have it copied or replaced.
    pub(crate) fn data(&self) -> PathBuf {
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

/// Below those that outgoing connections take: a server that is started again finds its port free again.
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
