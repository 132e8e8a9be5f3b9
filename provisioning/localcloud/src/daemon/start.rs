//! Starting a cloud: what is slow and once per machine first, then the daemon, then waiting for it to answer.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use fs_err as fs;
use tokio::{process::Command, sync::mpsc};

use super::{client, guard, ports, settings::Settings};
use crate::{
    database,
    error::Error,
    event::Event,
    files, machine, ministack,
    options::{Endpoints, Options},
};

const READY_DEADLINE: Duration = Duration::from_secs(90);
const LOG_KEPT: u64 = 8 << 20;

/// What is made once per machine.
pub(super) struct Prepared {
    pub(super) image: PathBuf,
    pub(super) python: PathBuf,
}

/// Starts the cloud, or finds it running. Two calls at once wait for each other; a killed one is simply repeated.
///
/// # Errors
/// See [`Error`]: root, requirements, ports, disk space, or a daemon that does not get ready.
pub async fn up(options: &Options, on_event: &mut (dyn FnMut(Event) + Send)) -> Result<Endpoints, Error> {
    guard::root_on_linux()?;
    let options = guard::absolute(options)?;
    if let Some(endpoints) = client::endpoints(&options).await? {
        on_event(Event::Ready { gateway: endpoints.gateway.clone(), already: true });
        return Ok(endpoints);
    }
    let (sender, mut events) = mpsc::unbounded_channel();
    let sink = move |event| {
        sender.send(event).ok();
    };
    let mut work = std::pin::pin!(start(&options, &sink));
    let result = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => on_event(event),
            result = &mut work => break result,
        }
    };
    while let Ok(event) = events.try_recv() {
        on_event(event);
    }
    result
}

async fn start(options: &Options, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<Endpoints, Error> {
    files::private_dir(&options.data_dir)?;
    let _turn = files::lock(&options.data_dir.join("up.lock"), || {
        on_event(Event::Waiting { what: "another start of this cloud" });
    })
    .await?;
    if let Some(endpoints) = client::endpoints(options).await? {
        on_event(Event::Ready { gateway: endpoints.gateway.clone(), already: true });
        return Ok(endpoints);
    }
    guard::requirements(options).await?;
    let settings = Settings::read_or_make(options)?;
    prepare(options, on_event).await?;

    let endpoints = settings.endpoints(&settings.layout(options));
    let log = settings.layout(options).log("daemon");
    // A daemon that another run started, or one that is stopping right now, still has the lock: give it its time.
    let mut daemon = None;
    let deadline = Instant::now() + READY_DEADLINE;
    loop {
        if client::is_up(&endpoints).await {
            settle(options, &log, on_event).await?;
            on_event(Event::Ready { gateway: endpoints.gateway.clone(), already: false });
            return Ok(endpoints);
        }
        match &mut daemon {
            None if is_unowned(&options.data_dir)? => {
                ports::check(settings.base_port)?;
                let child = spawn(options, &log)?;
                on_event(Event::DaemonStarted { pid: child.id().unwrap_or_default() });
                daemon = Some(child);
            }
            None => {}
            Some(child) => {
                if let Ok(Some(status)) = child.try_wait() {
                    let last_lines = files::last_lines(&log, 12);
                    return Err(Error::DaemonDied { status: status.to_string(), log, last_lines });
                }
            }
        }
        if Instant::now() > deadline {
            let last_lines = files::last_lines(&log, 12);
            let what = "the daemon did not get ready".into();
            return Err(Error::Deadline { what, seconds: READY_DEADLINE.as_secs(), log, last_lines });
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Waits until the instances and databases that ran before run again.
async fn settle(options: &Options, log: &Path, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<(), Error> {
    let deadline = Instant::now() + READY_DEADLINE;
    let mut said = String::new();
    loop {
        let status = client::status(options).await?;
        let Some(part) = status.parts.iter().find(|part| !part.healthy) else { return Ok(()) };
        let what = format!("{}: {}", part.name, part.detail);
        if Instant::now() > deadline {
            let last_lines = files::last_lines(log, 12);
            let what = format!("the cloud is not as it was ({what})");
            return Err(Error::Deadline { what, seconds: READY_DEADLINE.as_secs(), log: log.to_owned(), last_lines });
        }
        if what != said {
            on_event(Event::Settling { what: what.clone() });
            said = what;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

/// Makes what is slow and once per machine, at the same time; returns at once when it is there.
pub(super) async fn prepare(options: &Options, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<Prepared, Error> {
    let tables = async {
        if let Err(error) = database::prepare(&options.cache_dir, options.mysqld.as_deref()).await {
            tracing::warn!(%error, "the first database will take longer");
        }
        Ok(())
    };
    let (image, python, ()) = tokio::try_join!(
        machine::ensure_image(&options.cache_dir, on_event),
        ministack::ensure(&options.cache_dir, on_event),
        tables
    )?;
    Ok(Prepared { image, python })
}

fn is_unowned(data_dir: &Path) -> Result<bool, Error> {
    Ok(files::try_lock(&data_dir.join("daemon.lock"))?.is_some())
}

fn spawn(options: &Options, log: &Path) -> Result<tokio::process::Child, Error> {
    if let Some(parent) = log.parent() {
        files::private_dir(parent)?;
    }
    if fs::metadata(log).is_ok_and(|m| m.len() > LOG_KEPT) {
        fs::rename(log, log.with_extension("log.1")).map_err(Error::file("rotate", log))?;
    }
    let file = fs::OpenOptions::new().create(true).append(true).open(log).map_err(Error::file("open", log))?;
    let (file, _) = file.into_parts();
    let errors = file.try_clone().map_err(Error::file("open", log))?;
    let failed = |reason: String| Error::Command {
        command: options.daemon_command.first().map(|c| c.to_string_lossy().into_owned()).unwrap_or_default(),
        status: "could not be started".into(),
        stderr: reason,
    };
    let (program, arguments) = options.daemon_command.split_first().ok_or_else(|| failed("no command".into()))?;
    Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .map_err(|e| failed(e.to_string()))
}
