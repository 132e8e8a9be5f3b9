//! Databases as real server processes: one each, in a network namespace of its own, on a private address, with TLS.
//!
//! Knows servers, not Lightsail: it makes them, keeps them up, sets their master user's password and their parameters,
//! and erases them. A server that dies is started again, as RDS does.
//!
//! Either `mariadbd` or a MySQL 8 or 9 `mysqld` works. A `mysqld` may be a wrapper script; it must pass its arguments on
//! *before* its own (`exec .../mysqld "$@" --basedir=...`), because the first one is `--no-defaults`.

mod admin;
mod arguments;
mod backup;
mod directory;
mod engine;
mod error;
mod grants;
pub(crate) mod parameters;
mod process;
mod replay;
mod restore;
mod server;
mod template;
mod tls;

use std::{
    collections::{BTreeMap, HashMap},
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use secrecy::SecretString;
use tokio::sync::OnceCell;

pub(crate) use self::replay::Tool;
use self::{backup::Carried, directory::Directory, server::Server};
pub use self::{
    engine::{Engine, Flavour},
    error::Error,
    restore::Origin,
};
use crate::{
    layout::Layout,
    network::Network,
    usage::{self, Usage},
};

/// The port of every database.
pub const PORT: u16 = 3306;

/// How a server is to run. Starting it again with another specification changes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSpec {
    /// Names its directory and its network namespace.
    pub id: String,
    /// Its address in the private network.
    pub address: Ipv4Addr,
    /// Whether it writes the binary log.
    pub binary_log: bool,
    /// Server variables on top of our own, from the table of the `parameters` module.
    pub parameters: BTreeMap<String, String>,
}

/// The account that the owner of a database works with, and the schema it finds there.
#[derive(Clone, Debug)]
pub struct Master {
    /// Letters, digits and underscores.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// Letters, digits and underscores.
    pub database: String,
}

/// All database servers of one cloud.
pub struct Databases {
    layout: Layout,
    network: Network,
    mysqld: Option<PathBuf>,
    engine: OnceCell<Engine>,
    running: Mutex<HashMap<String, Arc<Server>>>,
    /// How far each database's binary log has been carried off, and when that was looked at last.
    carried: Mutex<HashMap<String, Carried>>,
}

impl Databases {
    /// Nothing is started yet; `mysqld` replaces the `mariadbd` that is looked for otherwise.
    #[must_use]
    pub fn new(layout: Layout, network: Network, mysqld: Option<PathBuf>) -> Self {
        Self { layout, network, mysqld, engine: OnceCell::new(), running: Mutex::default(), carried: Mutex::default() }
    }

    /// The server program that databases run.
    ///
    /// # Errors
    /// When there is none, or it does not say what it is.
    pub async fn engine(&self) -> Result<&Engine, Error> {
        self.engine.get_or_try_init(|| Engine::find(self.mysqld.as_deref())).await
    }

    /// Makes the server with its master user, and starts it. Idempotent; begins anew what was left half-made.
    ///
    /// # Errors
    /// When it cannot be made, or does not accept logins in time.
    pub async fn create(&self, spec: &ServerSpec, master: &Master) -> Result<(), Error> {
        let engine = self.engine().await?;
        let directory = self.directory(&spec.id, engine);
        self.stop(&spec.id).await?;
        directory.prepare(engine, self.layout.cache_dir()).await?;
        let server = self.start_server(spec).await?;
        admin::session(server.administrator().await?, async |sql| admin::configure(sql, engine.flavour, master).await)
            .await
    }

    /// Starts the server and keeps it up; returns when it accepts logins. Idempotent: a running server with the same
    /// specification stays, one with another is restarted.
    ///
    /// # Errors
    /// When it does not accept logins in time; it is then not tried again.
    pub async fn start(&self, spec: &ServerSpec) -> Result<(), Error> {
        self.start_server(spec).await.map(drop)
    }

    /// Shuts the server down, cleanly if it can. Idempotent; ends what an earlier, killed daemon left running too.
    ///
    /// # Errors
    /// When a process does not end even when killed.
    pub async fn stop(&self, id: &str) -> Result<(), Error> {
        let server = self.servers().remove(id);
        if let Some(server) = server {
            server.stop().await;
        }
        process::reap(&Directory::data(&self.layout.database_dir(id))).await
    }

    /// Stops the server and erases its data. Idempotent.
    ///
    /// # Errors
    /// When something of it cannot be removed.
    pub async fn destroy(&self, id: &str) -> Result<(), Error> {
        self.stop(id).await?;
        self.network.detach(id).await.map_err(|source| Error::network(id, source))?;
        directory::remove(&self.layout.database_dir(id)).await
    }

    /// What the server says is in there.
    pub(crate) fn log(&self, id: &str) -> PathBuf {
        Directory::log_in(&self.layout.database_dir(id))
    }

    /// Whether the server accepts logins now.
    #[must_use]
    pub fn is_running(&self, id: &str) -> bool {
        self.servers().get(id).is_some_and(|server| server.is_ready())
    }

    /// What the server uses of this host; none when it does not run.
    pub(crate) async fn usage(&self, id: &str) -> Option<Usage> {
        let pid = self.servers().get(id)?.pid()?;
        let network = self.network.counters(id, PORT).await?;
        let (memory, swap) = usage::memory_of_process(pid);
        let directory = self.layout.database_dir(id);
        let storage = tokio::task::spawn_blocking(move || usage::storage(&directory)).await.ok()?;
        Some(Usage { cpu: usage::cpu_of_process(pid)?, network, memory, swap, storage })
    }

    /// Changes the master user's password in the running server. Idempotent.
    ///
    /// # Errors
    /// When the server does not run or refuses.
    pub async fn set_master_password(&self, id: &str, user: &str, password: &SecretString) -> Result<(), Error> {
        let sql = self.server(id)?.administrator().await?;
        admin::session(sql, async |sql| admin::set_password(sql, user, password).await).await
    }

    /// Sets a dynamic variable in the running server, and in the specification it is started again with if it dies.
    ///
    /// # Errors
    /// When the server does not run or refuses the value.
    pub async fn set_parameter(&self, id: &str, name: &str, value: &str) -> Result<(), Error> {
        let server = self.server(id)?;
        admin::session(server.administrator().await?, async |sql| admin::set_parameter(sql, name, value).await).await?;
        server.remember(name, value);
        Ok(())
    }

    async fn start_server(&self, spec: &ServerSpec) -> Result<Arc<Server>, Error> {
        let present = self.servers().get(&spec.id).cloned();
        if let Some(server) = present
            && server.spec() == *spec
            && server.is_ready()
        {
            return Ok(server);
        }
        self.stop(&spec.id).await?;
        let engine = self.engine().await?;
        let directory = self.directory(&spec.id, engine);
        let namespace = self.network.attach(&spec.id, spec.address).await;
        let namespace = namespace.map_err(|source| Error::network(&spec.id, source))?;
        let authority = tls::Authority::open(&self.layout.data_dir().join("keys"))?;
        directory.write_certificate(&authority, spec.address)?;
        let server = Arc::new(Server::start(engine.clone(), directory, namespace.path, spec.clone()).await?);
        self.servers().insert(spec.id.clone(), server.clone());
        Ok(server)
    }

    fn server(&self, id: &str) -> Result<Arc<Server>, Error> {
        self.servers().get(id).cloned().ok_or_else(|| Error::NotRunning { id: id.to_owned() })
    }

    fn servers(&self) -> MutexGuard<'_, HashMap<String, Arc<Server>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn directory(&self, id: &str, engine: &Engine) -> Directory {
        Directory::new(self.layout.database_dir(id), &engine.binary)
    }
}

/// The certificate that all database servers' certificates are signed with, for clients to trust; there once the first
/// database is made. The counterpart of RDS's CA bundle.
#[must_use]
pub fn certificate_authority(layout: &Layout) -> PathBuf {
    tls::Authority::certificate_path(&layout.data_dir().join("keys"))
}

/// Makes what every new database begins with, once per machine and version of the server, so that the first database
/// does not have to wait for it. `mysqld` replaces the `mariadbd` that is looked for otherwise.
///
/// # Errors
/// When there is no server program, the cache cannot be written to, or the server does not make its tables. Databases
/// can be made all the same once there is a server; the first one then takes longer.
pub async fn prepare(cache: &Path, mysqld: Option<&Path>) -> Result<(), Error> {
    template::ensure(cache, &Engine::find(mysqld).await?).await.map(drop)
}

/// The first of `candidates` that exists.
fn first_existing<'a>(candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a Path> {
    candidates.into_iter().map(Path::new).find(|path| path.exists())
}
