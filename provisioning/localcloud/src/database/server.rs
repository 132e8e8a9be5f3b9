//! One running server, kept up: started, watched, started again when it dies, and shut down.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{Connection as _, MySqlConnection};
use tokio::{
    process::Child,
    sync::{oneshot, watch},
    task::JoinHandle,
};

use super::{
    ServerSpec, admin,
    arguments::{INIT_FILE, arguments},
    directory::Directory,
    engine::Engine,
    error::Error,
    process,
};

/// How long a server may take until it accepts logins; crash recovery on a slow disk is in it.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How long it may take to shut down cleanly before it is killed.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(25);
/// Between a death and the next start; doubles up to the last with each death soon after a start.
const RESTART_AFTER: Duration = Duration::from_millis(250);
const RESTART_AFTER_AT_MOST: Duration = Duration::from_secs(30);

/// A server that is kept up until it is stopped.
pub(crate) struct Server {
    id: String,
    /// Shared with the supervisor, so that a restarted server gets what was set while it ran.
    spec: Arc<Mutex<ServerSpec>>,
    directory: Directory,
    state: watch::Receiver<State>,
    supervisor: Mutex<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

#[derive(Clone)]
enum State {
    Down,
    /// Logins are accepted; this is the administrator's password, and the process.
    Ready(Arc<SecretString>, Option<u32>),
}

/// All it takes to start it once.
struct Recipe {
    engine: Engine,
    directory: Directory,
    network: PathBuf,
    id: String,
    spec: Arc<Mutex<ServerSpec>>,
}

impl Server {
    /// Starts it, in the network namespace `network`; returns when it accepts logins.
    ///
    /// # Errors
    /// When it ends or does not accept logins in time; nothing is left running then.
    pub(crate) async fn start(
        engine: Engine,
        directory: Directory,
        network: PathBuf,
        spec: ServerSpec,
    ) -> Result<Self, Error> {
        let (id, spec) = (spec.id.clone(), Arc::new(Mutex::new(spec)));
        let recipe = Recipe { engine, directory: directory.clone(), network, id: id.clone(), spec: spec.clone() };
        let (child, password) = recipe.bring_up().await?;
        let (say, state) = watch::channel(State::Ready(password, child.id()));
        let (stop, stopped) = oneshot::channel();
        let supervisor = tokio::spawn(async move { recipe.keep_up(child, &say, stopped).await });
        Ok(Self { id, spec, directory, state, supervisor: Mutex::new(Some((stop, supervisor))) })
    }

    pub(crate) fn is_ready(&self) -> bool {
        matches!(&*self.state.borrow(), State::Ready(..))
    }

    /// Its process, while it accepts logins.
    pub(crate) fn pid(&self) -> Option<u32> {
        match &*self.state.borrow() {
            State::Ready(_, pid) => *pid,
            State::Down => None,
        }
    }

    /// How it runs.
    pub(crate) fn spec(&self) -> ServerSpec {
        locked(&self.spec).clone()
    }

    /// Remembers a variable that was set while it ran.
    pub(crate) fn remember(&self, name: &str, value: &str) {
        locked(&self.spec).parameters.insert(name.to_owned(), value.to_owned());
    }

    /// Stops its process where it is, until the returned value goes. Connections wait and are not lost.
    ///
    /// # Errors
    /// When it does not run.
    pub(crate) fn pause(&self) -> Result<Paused, Error> {
        let leader = self.pid().ok_or_else(|| Error::NotRunning { id: self.id.clone() })?;
        let paused = Paused { leader };
        process::signal_group(leader, Signal::SIGSTOP);
        Ok(paused)
    }

    /// A session of the administrator.
    pub(crate) async fn administrator(&self) -> Result<MySqlConnection, Error> {
        let State::Ready(password, _) = self.state.borrow().clone() else {
            return Err(Error::NotRunning { id: self.id.clone() });
        };
        let connected = admin::connect(&self.directory.socket(), &password).await;
        connected.map_err(|source| Error::Sql { action: "log the administrator in".to_owned(), source })
    }

    /// Shuts it down and waits for it to have ended. Idempotent.
    pub(crate) async fn stop(&self) {
        let supervisor = locked(&self.supervisor).take();
        if let Some((stop, supervisor)) = supervisor {
            // A supervisor that is gone already has nothing left to stop.
            let _ = stop.send(());
            let _ = supervisor.await;
        }
    }
}

/// A server that stands still. It goes on when this goes.
pub(crate) struct Paused {
    leader: u32,
}

impl Drop for Paused {
    fn drop(&mut self) {
        process::signal_group(self.leader, Signal::SIGCONT);
    }
}

impl Recipe {
    /// Starts the process and waits until it accepts logins.
    async fn bring_up(&self) -> Result<(Child, Arc<SecretString>), Error> {
        let password =
            SecretString::from(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()));
        let mut child = self.spawn(&password)?;
        let deadline = Instant::now() + READY_WITHIN;
        let what = loop {
            if let Ok(Some(status)) = child.try_wait() {
                break format!("ended ({status}) before it accepted logins");
            }
            match admin::connect(&self.directory.socket(), &password).await {
                Ok(connection) => {
                    let _ = connection.close().await;
                    let secret = self.directory.path.join(INIT_FILE);
                    fs_err::remove_file(&secret).map_err(Error::file("remove", &secret))?;
                    return Ok((child, Arc::new(password)));
                }
                Err(error) if Instant::now() > deadline => {
                    break format!("did not accept logins within {} s ({error})", READY_WITHIN.as_secs());
                }
                Err(_) => tokio::time::sleep(POLL).await,
            }
        };
        end(&mut child, Duration::ZERO).await;
        let (log, last_lines) = (self.directory.log(), self.directory.end_of_log());
        Err(Error::NotReady { id: self.id.clone(), what, log, last_lines })
    }

    fn spawn(&self, password: &SecretString) -> Result<Child, Error> {
        let data = Directory::data(&self.directory.path);
        self.directory.write(INIT_FILE, &admin::init_file(password))?;
        debug_assert!(password.expose_secret().bytes().all(|byte| byte.is_ascii_hexdigit()));
        // A socket left behind by a killed server refuses connections, but its lock file can name a living process.
        for leftover in ["mysqld.sock", "mysqld.sock.lock", "mysqld.pid"] {
            let _ = std::fs::remove_file(self.directory.path.join("run").join(leftover));
        }
        let log = self.directory.open_log()?;
        let log_again = log.try_clone().map_err(Error::file("open", self.directory.log()))?;
        let spec = locked(&self.spec).clone();
        let mut command = self.directory.jail.command(Some(&self.network), &data, &self.engine.binary);
        command.args(arguments(self.engine.flavour, &self.directory, &spec)).stdout(log).stderr(log_again);
        command.spawn().map_err(|source| Error::Spawn { program: self.engine.binary.clone(), source })
    }

    /// Watches the process; starts another when it dies; ends it when told to.
    async fn keep_up(self, mut child: Child, say: &watch::Sender<State>, mut stop: oneshot::Receiver<()>) {
        let mut pause = RESTART_AFTER;
        loop {
            let started = Instant::now();
            tokio::select! {
                _ = &mut stop => {
                    say.send_replace(State::Down);
                    return end(&mut child, STOPPED_WITHIN).await;
                }
                status = child.wait() => {
                    say.send_replace(State::Down);
                    let status = status.map(|status| status.to_string()).unwrap_or_default();
                    tracing::warn!(database = self.id, status, "the server died; starting it again");
                }
            }
            if started.elapsed() > RESTART_AFTER_AT_MOST {
                pause = RESTART_AFTER;
            }
            loop {
                tokio::select! {
                    _ = &mut stop => return,
                    () = tokio::time::sleep(pause) => pause = (pause * 2).min(RESTART_AFTER_AT_MOST),
                }
                // A wrapper that died may have left its server behind.
                if let Err(error) = process::reap(&Directory::data(&self.directory.path)).await {
                    tracing::error!(database = self.id, %error, "cannot start it again yet");
                    continue;
                }
                let revived = tokio::select! {
                    _ = &mut stop => return drop(process::reap(&Directory::data(&self.directory.path)).await),
                    revived = self.bring_up() => revived,
                };
                match revived {
                    Ok((next, password)) => {
                        child = next;
                        say.send_replace(State::Ready(password, child.id()));
                        break;
                    }
                    Err(error) => tracing::error!(database = self.id, %error, "the server did not come back"),
                }
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends the process and its group: asks, then kills.
async fn end(child: &mut Child, patience: Duration) {
    let Some(leader) = child.id() else { return };
    process::signal_group(leader, Signal::SIGTERM);
    if tokio::time::timeout(patience, child.wait()).await.is_err() {
        process::signal_group(leader, Signal::SIGKILL);
        let _ = child.wait().await;
    }
}
