//! One ministack process, started again when it dies.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use fs_err as fs;
use http::Method;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{
    process::{Child, Command},
    sync::{Notify, watch},
};

use crate::{call::call, error::Error, files, process};

const LAUNCHER: &str = include_str!("launcher.py");
/// What it finds beside it.
const PARTS: [(&str, &str); 4] = [
    ("certificates.py", include_str!("certificates.py")),
    ("names.py", include_str!("names.py")),
    ("permissions.py", include_str!("permissions.py")),
    ("pricing_plans.py", include_str!("pricing_plans.py")),
];
const READY_DEADLINE: Duration = Duration::from_secs(40);
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// How ministack is run.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) python: PathBuf,
    /// Its launcher and data.
    pub(crate) directory: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) port: u16,
    pub(crate) region: String,
    pub(crate) account_id: String,
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: SecretString,
}

/// A supervised ministack. Dropping the last clone ends the process.
#[derive(Clone, Debug)]
pub(crate) struct Ministack {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    port: u16,
    stop: Notify,
    stopping: AtomicBool,
    restarts: AtomicU32,
    stopped: watch::Receiver<bool>,
}

impl Ministack {
    /// Starts it and waits until it answers.
    pub(crate) async fn start(settings: Settings) -> Result<Self, Error> {
        for directory in ["state", "s3", "tmp", "trusted"] {
            files::private_dir(&settings.directory.join(directory))?;
        }
        files::write_public(&settings.directory.join("launcher.py"), LAUNCHER.as_bytes())?;
        for (name, text) in PARTS {
            files::write_public(&settings.directory.join(name), text.as_bytes())?;
        }
        let mut child = spawn(&settings)?;
        ready(&mut child, &settings).await?;
        let (ended, stopped) = watch::channel(false);
        let inner = Arc::new(Inner {
            port: settings.port,
            stop: Notify::new(),
            stopping: AtomicBool::new(false),
            restarts: AtomicU32::new(0),
            stopped,
        });
        tokio::spawn(supervise(child, settings, Arc::clone(&inner), ended));
        Ok(Self { inner })
    }

    /// Ends it; it saves its state first. Idempotent.
    pub(crate) async fn stop(&self) {
        self.inner.stopping.store(true, Ordering::SeqCst);
        self.inner.stop.notify_one();
        self.inner.stopped.clone().wait_for(|stopped| *stopped).await.ok();
    }

    /// Whether it answers now.
    pub(crate) async fn healthy(&self) -> bool {
        answers(self.inner.port).await
    }

    /// How often it died and was started again.
    pub(crate) fn restarts(&self) -> u32 {
        self.inner.restarts.load(Ordering::Relaxed)
    }
}

async fn supervise(mut child: Child, settings: Settings, inner: Arc<Inner>, ended: watch::Sender<bool>) {
    let mut pause = Duration::from_millis(100);
    // Waiting for a child closes its standard input unless it is held here.
    let mut stdin = child.stdin.take();
    loop {
        tokio::select! {
            () = inner.stop.notified() => break,
            status = child.wait() => {
                tracing::warn!(?status, "ministack ended by itself; starting it again");
                inner.restarts.fetch_add(1, Ordering::Relaxed);
            }
        }
        loop {
            tokio::select! {
                () = inner.stop.notified() => { ended.send_replace(true); return; }
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(Duration::from_secs(10));
            match spawn(&settings) {
                Ok(mut next) => match ready(&mut next, &settings).await {
                    Ok(()) => {
                        child = next;
                        stdin = child.stdin.take();
                        pause = Duration::from_millis(100);
                        break;
                    }
                    Err(error) => tracing::error!(%error, "ministack does not come back"),
                },
                Err(error) => tracing::error!(%error, "ministack does not start"),
            }
        }
    }
    // Its launcher takes the end of its standard input as the order to save and stop.
    drop(stdin);
    if tokio::time::timeout(STOP_DEADLINE, child.wait()).await.is_err() {
        tracing::warn!("ministack did not stop in time; killing it");
        child.kill().await.ok();
    }
    ended.send_replace(true);
}

fn spawn(settings: &Settings) -> Result<Child, Error> {
    let log = open_log(&settings.log)?;
    let errors = log.try_clone().map_err(Error::file("open", &settings.log))?;
    let state = settings.directory.join("state");
    let objects = settings.directory.join("s3");
    Command::new(&settings.python)
        .arg("-I")
        .arg(settings.directory.join("launcher.py"))
        .current_dir(&settings.directory)
        // Whatever the caller's environment says of proxies, profiles and endpoints is not meant for this server.
        .env_clear()
        .env("PATH", process::SEARCH_PATH)
        .env("LANG", "C.UTF-8")
        .env("AUTH", "true")
        .env("CLOUDTRAIL_RECORDING", "1")
        // All of them are written with each change of one: enough to look things up, few enough to write fast.
        .env("CLOUDTRAIL_MAX_EVENTS", "2000")
        .env("PERSIST_STATE", "1")
        .env("STATE_DIR", state)
        .env("TRUSTED_DIR", settings.directory.join("trusted"))
        .env("S3_PERSIST", "1")
        .env("S3_DATA_DIR", objects)
        .env("GATEWAY_PORT", settings.port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "localhost")
        .env("MINISTACK_ACCOUNT_ID", &settings.account_id)
        .env("MINISTACK_REGION", &settings.region)
        .env("IOT_MTLS_ENABLED", "0")
        .env("SFTP_ENABLED", "0")
        .env("LOG_LEVEL", "WARNING")
        .env("TMPDIR", settings.directory.join("tmp"))
        .env("AWS_ACCESS_KEY_ID", &settings.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", settings.secret_access_key.expose_secret())
        .stdin(Stdio::piped())
        .stdout(log)
        .stderr(errors)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|e| Error::Command {
            command: settings.python.display().to_string(),
            status: "could not be started".into(),
            stderr: e.to_string(),
        })
}

async fn ready(child: &mut Child, settings: &Settings) -> Result<(), Error> {
    let wait = async {
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                return Err(Error::DaemonDied {
                    status: format!("ministack ended with {status}"),
                    log: settings.log.clone(),
                    last_lines: files::last_lines(&settings.log, 12),
                });
            }
            if answers(settings.port).await {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(READY_DEADLINE, wait).await.unwrap_or_else(|_| {
        Err(Error::Deadline {
            what: "ministack did not answer".into(),
            seconds: READY_DEADLINE.as_secs(),
            log: settings.log.clone(),
            last_lines: files::last_lines(&settings.log, 12),
        })
    })
}

async fn answers(port: u16) -> bool {
    let url = format!("http://127.0.0.1:{port}/_ministack/health");
    let answer = call(Method::GET, &url, None, None, Duration::from_secs(3)).await;
    answer.is_ok_and(|(status, _)| status.is_success())
}

fn open_log(path: &Path) -> Result<std::fs::File, Error> {
    if let Some(parent) = path.parent() {
        files::dir(parent)?;
    }
    let file = fs::OpenOptions::new().create(true).append(true).open(path).map_err(Error::file("open", path))?;
    Ok(file.into_parts().0)
}
