//! Putting a release into service so that a bad one never is: upload, check, start beside the old one, wait until it is
//! ready, switch, see that it answers. Until the switch the old release is not touched; after it, it is put back when
//! the new one does not answer.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::environment::Environment;
use crate::error::Error;
use crate::event::Event;
use crate::release::{self, Release, ReleaseId, State};
use crate::service::{self, UnitState};
use crate::ssh::Session;
use crate::{files, layout, setup};

/// Between two looks at a release that is starting.
const POLL: Duration = Duration::from_millis(100);
/// One health answer may take this long; a server whose database is silent takes a few seconds to say so.
const ANSWER: Duration = Duration::from_secs(8);

/// What to put into service.
#[derive(Clone, Debug)]
pub struct Rollout<'a> {
    /// The binary on this machine.
    pub binary: &'a Path,
    /// Its version, the readable half of the release id.
    pub version: &'a str,
    /// Its environment, secrets included. `JEWEL_LISTEN` and `JEWEL_RELEASE` are set here and not by the caller.
    pub environment: &'a Environment,
    /// How long a started release may take to be ready.
    pub ready_within: Duration,
    /// How many releases stay on the instance, the current one included.
    pub keep: usize,
}

/// What a rollout did.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Report {
    /// The release in service.
    pub release: String,
    /// The one that served before.
    pub previous: Option<String>,
    /// Whether anything was done at all.
    pub changed: bool,
    /// Old releases that were removed.
    pub pruned: Vec<String>,
}

/// A callback for events.
pub type OnEvent<'a> = &'a mut (dyn FnMut(Event) + Send);

/// Puts a release into service. Doing it again with the same binary and environment does nothing.
///
/// # Errors
/// [`Error::Release`] when the release was not accepted (the one before it serves on), [`Error::NotRestored`] when that
/// one did not come back after the switch, or whatever stood in the way of reaching the instance.
pub async fn rollout(session: &Session, wanted: &Rollout<'_>, on_event: OnEvent<'_>) -> Result<Report, Error> {
    let (sha256, size) = files::digest(wanted.binary).await?;
    let id = ReleaseId::new(wanted.version, &sha256);
    let state = inspect(session).await?;
    if is_in_service(&state, &id, wanted.environment, session)? {
        on_event(Event::Unchanged { release: id.to_string() });
        return Ok(Report { release: id.to_string(), previous: None, changed: false, pruned: Vec::new() });
    }
    if state.setup.as_deref() != Some(setup::stamp(session.user()).as_str()) {
        session.run_ok(&setup::set_up(session.user())).await?;
        on_event(Event::SetUp);
    }
    session.run_ok(&service::clear()).await?;
    upload(session, wanted.binary, &id, &sha256, size, on_event).await?;
    let environment = wanted.environment.render()?;
    session.write_root_file(layout::CANDIDATE_ENVIRONMENT, &environment, 0o600).await?;
    let tried = try_out(session, &id, wanted, on_event).await;
    let result = match tried {
        Ok(()) => switch(session, &id, state.current.as_deref(), wanted.ready_within, on_event).await,
        Err(error) => Err(error),
    };
    // Also after a failure: nothing of the attempt stays but the uploaded binary.
    let cleared = session.run_ok(&service::clear()).await;
    result?;
    cleared?;
    let previous = state.current.filter(|previous| previous != id.as_str());
    let pruned = prune(session, wanted.keep, on_event).await?;
    Ok(Report { release: id.to_string(), previous, changed: true, pruned })
}

/// The releases on the instance, newest first.
///
/// # Errors
/// When the instance cannot be asked.
pub async fn releases(session: &Session) -> Result<Vec<Release>, Error> {
    Ok(inspect(session).await?.releases)
}

/// How the instance is.
///
/// # Errors
/// When the instance cannot be asked.
pub async fn inspect(session: &Session) -> Result<State, Error> {
    let answer = session.run_ok(&release::inspect()).await?;
    release::parse(session.address(), &answer.text())
}

fn is_in_service(state: &State, id: &ReleaseId, environment: &Environment, session: &Session) -> Result<bool, Error> {
    Ok(state.active
        && state.current.as_deref() == Some(id.as_str())
        && state.setup.as_deref() == Some(setup::stamp(session.user()).as_str())
        && state.environment.as_deref() == Some(environment.digest()?.as_str()))
}

async fn upload(
    session: &Session,
    binary: &Path,
    id: &ReleaseId,
    sha256: &str,
    size: u64,
    on_event: OnEvent<'_>,
) -> Result<(), Error> {
    let release = || id.to_string();
    if session.exec(&release::verify(id, sha256)).await?.status.success() {
        on_event(Event::Uploaded { release: release(), size, already_there: true });
        return Ok(());
    }
    let mut progress = |sent, total| on_event(Event::Uploading { release: release(), sent, total });
    session.upload(binary, &release::incoming(id), 0o755, &mut progress).await?;
    session.run_ok(&release::install(id)).await?;
    on_event(Event::Uploaded { release: release(), size, already_there: false });
    Ok(())
}

/// Check, start beside the one in service, wait until ready.
async fn try_out(session: &Session, id: &ReleaseId, wanted: &Rollout<'_>, on_event: OnEvent<'_>) -> Result<(), Error> {
    let release = || id.to_string();
    let checked = session.exec(&service::check(id)).await?;
    if !checked.status.success() {
        let mut said = checked.stdout;
        said.extend_from_slice(&checked.stderr);
        let reason = match checked.status.to_string() {
            status if status.ends_with(service::NOT_EXECUTABLE) => service::WRONG_MACHINE.to_owned(),
            status => format!("its own check ended with {status}"),
        };
        return Err(Error::Release {
            release: release(),
            reason,
            last_lines: crate::exec::last_lines(&String::from_utf8_lossy(&said)),
        });
    }
    on_event(Event::Checked { release: release() });
    let started = Instant::now();
    if !session.exec(&service::start_candidate(id)).await?.status.success() {
        let why = exited(session, layout::CANDIDATE).await.unwrap_or_else(|| "it could not be started".to_owned());
        return Err(rejected(session, id, layout::CANDIDATE, why).await);
    }
    on_event(Event::Started { release: release() });
    answers(session, id, layout::CANDIDATE, layout::CANDIDATE_PORT, wanted.ready_within).await?;
    let after_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    on_event(Event::Ready { release: release(), after_ms });
    Ok(())
}

async fn switch(
    session: &Session,
    id: &ReleaseId,
    before: Option<&str>,
    ready_within: Duration,
    on_event: OnEvent<'_>,
) -> Result<(), Error> {
    let switched = session.run_ok(&service::switch_to(id)).await;
    let served = match switched {
        Ok(_) => answers(session, id, layout::SERVICE, layout::PUBLIC_PORT, ready_within).await,
        Err(Error::Command { last_lines, .. }) => {
            let reason = "the service could not be restarted with it".to_owned();
            Err(Error::Release { release: id.to_string(), reason, last_lines })
        }
        Err(error) => Err(error),
    };
    let previous = before.filter(|before| *before != id.as_str());
    match (served, previous) {
        (Ok(()), _) => {
            session.run_ok(&service::mark_served(id)).await?;
            on_event(Event::Serving { release: id.to_string(), previous: previous.map(str::to_owned) });
            Ok(())
        }
        (Err(error @ Error::Release { .. }), Some(previous)) => {
            put_back(session, id, previous, &error, ready_within).await?;
            on_event(Event::PutBack { release: id.to_string(), previous: previous.to_owned() });
            Err(error)
        }
        (Err(error @ Error::Release { .. }), None) => {
            // Nothing to go back to: better nobody answers than a program that starts and dies for ever.
            session.run_ok(&service::take_out()).await?;
            Err(error)
        }
        (Err(error), _) => Err(error),
    }
}

async fn put_back(
    session: &Session,
    id: &ReleaseId,
    previous: &str,
    rejected: &Error,
    ready_within: Duration,
) -> Result<(), Error> {
    let reason = match rejected {
        Error::Release { reason, .. } => reason.clone(),
        other => other.to_string(),
    };
    let restarted = session.exec(&service::switch_back(previous)).await?;
    let mut why = restarted.last_lines();
    if restarted.status.success() {
        match wait_for(session, previous, layout::SERVICE, layout::PUBLIC_PORT, ready_within).await {
            Ok(()) => return Ok(()),
            Err(lines) => why = vec![lines],
        }
    }
    why.extend(journal(session, layout::SERVICE).await);
    Err(Error::NotRestored { release: id.to_string(), previous: previous.to_owned(), reason, last_lines: why })
}

/// Waits until the release answers that it is ready on this port, and that it is this release.
async fn answers(session: &Session, id: &ReleaseId, unit: &str, port: u16, within: Duration) -> Result<(), Error> {
    match wait_for(session, id.as_str(), unit, port, within).await {
        Ok(()) => Ok(()),
        Err(reason) if session.is_closed() => {
            Err(Error::Ended { address: session.address().to_owned(), doing: format!("waiting for {id}: {reason}") })
        }
        Err(reason) => Err(rejected(session, id, unit, reason).await),
    }
}

async fn wait_for(session: &Session, release: &str, unit: &str, port: u16, within: Duration) -> Result<(), String> {
    let ends = Instant::now() + within;
    let mut unready = "nothing was heard of it".to_owned();
    let ready = async {
        while let Err(why) = is_ready(session, release, port).await {
            unready = why;
            tokio::time::sleep(POLL).await;
        }
    };
    // A process that has ended will not become ready: that is said at once and not at the deadline. A socket of systemd's
    // accepts connections for a dead process too, so the two are asked at the same time.
    let ended = async {
        loop {
            tokio::time::sleep(POLL).await;
            if session.is_closed() {
                return "the ssh connection ended".to_owned();
            }
            if let Some(why) = exited(session, unit).await {
                return why;
            }
        }
    };
    tokio::select! {
        () = ready => return Ok(()),
        why = ended => return Err(why),
        () = tokio::time::sleep_until(ends) => {}
    }
    Err(format!("it was not ready within {} s ({unready})", within.as_secs()))
}

/// Why a unit's program is not running; `None` when it is, or cannot be told.
async fn exited(session: &Session, unit: &str) -> Option<String> {
    let shown = session.exec(&service::show(unit)).await.ok()?;
    UnitState::parse(&shown.text()).exited()
}

async fn is_ready(session: &Session, release: &str, port: u16) -> Result<(), String> {
    let ready = session.http_get(port, "/readyz", ANSWER).await?;
    if !ready.status.is_success() {
        return Err(format!("/readyz answers {}: {}", ready.status, shortened(&ready.body)));
    }
    let version = session.http_get(port, "/version", ANSWER).await?;
    if version.body.contains(release) {
        return Ok(());
    }
    Err(format!("/version names another release: {}", shortened(&version.body)))
}

async fn rejected(session: &Session, id: &ReleaseId, unit: &str, reason: String) -> Error {
    Error::Release { release: id.to_string(), reason, last_lines: journal(session, unit).await }
}

/// The journal explains a failure; when it cannot be read, the failure is still the news.
async fn journal(session: &Session, unit: &str) -> Vec<String> {
    match session.exec(&service::journal(unit)).await {
        Ok(output) => crate::exec::last_lines(&output.text()),
        Err(_) => Vec::new(),
    }
}

async fn prune(session: &Session, keep: usize, on_event: OnEvent<'_>) -> Result<Vec<String>, Error> {
    let old = inspect(session).await?.superseded(keep);
    session.run_ok(&release::prune(&old)).await?;
    if !old.is_empty() {
        on_event(Event::Pruned { releases: old.clone() });
    }
    Ok(old)
}

fn shortened(body: &str) -> String {
    body.trim().chars().take(200).collect()
}
