//! Putting a release into service so that a bad one never is: upload, check, start beside the old one, wait until it is
//! ready, switch, see that it answers. Until the switch the old release is not touched; after it, it is put back when
//! the new one does not answer.

use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

use crate::about::About;
use crate::environment::Environment;
use crate::error::Error;
use crate::event::Event;
use crate::release::{self, Release, ReleaseId, State};
use crate::signing::{self, SigningKey};
use crate::ssh::Session;
use crate::{files, fit, gate, layout, service, setup};

/// Where a release comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// From this machine: it is sent unless it is there already.
    Here {
        /// The binary.
        binary: &'a Path,
        /// Its version, the readable half of the release id.
        version: &'a str,
    },
    /// From the instance: it was kept there.
    Kept(&'a Release),
}

/// How long a release that serves already may take to say so.
const PROOF: Duration = Duration::from_secs(10);

/// What to put into service.
#[derive(Clone, Debug)]
pub struct Rollout<'a> {
    /// Where it comes from.
    pub origin: Origin<'a>,
    /// What the instance is called, for messages.
    pub instance: &'a str,
    /// What it is signed with; the instance starts nothing else.
    pub key: &'a SigningKey,
    /// The oldest schema that a release may be written for: the shop's schema has lost what older ones use.
    pub oldest_schema: u32,
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
    let (id, sha256, size) = match wanted.origin {
        Origin::Here { binary, version } => {
            let (sha256, size) = files::digest(binary).await?;
            (ReleaseId::new(version, &sha256), sha256, size)
        }
        Origin::Kept(release) => (release.release_id(), String::new(), 0),
    };
    let state = inspect(session).await?;
    if is_in_service(&state, &id, wanted, session)? && has_proven_itself(session, &state, &id).await? {
        if state.unfinished {
            session.run_ok(&service::clear()).await?;
        }
        on_event(Event::Unchanged { release: id.to_string() });
        return Ok(Report { release: id.to_string(), previous: None, changed: false, pruned: Vec::new() });
    }
    if let Origin::Here { binary, .. } = wanted.origin {
        fit::check(binary, &state.machine, wanted.instance)?;
    }
    if state.setup.as_deref() != Some(setup::stamp(session.user(), wanted.key.public()).as_str()) {
        session.run_ok(&setup::set_up(session.user(), wanted.key.public())).await?;
        on_event(Event::SetUp);
    }
    session.run_ok(&service::clear()).await?;
    provide(session, wanted, &id, (&sha256, size), on_event).await?;
    let environment = wanted.environment.render()?;
    session.write_root_file(layout::CANDIDATE_ENVIRONMENT, &environment, 0o600).await?;
    let tried = try_out(session, &id, wanted, on_event).await;
    let result = match tried {
        Ok(about) => {
            session.run_ok(&release::note(&id, &about)).await?;
            switch(session, &id, state.last_good(), wanted.ready_within, on_event).await
        }
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

/// Takes the API out of service until the next rollout.
///
/// # Errors
/// When it does not stop.
pub async fn stop(session: &Session) -> Result<(), Error> {
    session.run_ok(&service::stop()).await.map(drop)
}

fn is_in_service(state: &State, id: &ReleaseId, wanted: &Rollout<'_>, session: &Session) -> Result<bool, Error> {
    Ok(state.active
        && state.current.as_deref() == Some(id.as_str())
        && state.setup.as_deref() == Some(setup::stamp(session.user(), wanted.key.public()).as_str())
        && state.environment.as_deref() == Some(wanted.environment.digest()?.as_str()))
}

/// Whether the release that is in service was seen to answer. A rollout that was killed right after its switch left one
/// that nobody looked at.
async fn has_proven_itself(session: &Session, state: &State, id: &ReleaseId) -> Result<bool, Error> {
    if state.current().is_some_and(|current| current.served) {
        return Ok(true);
    }
    let proven = gate::answers(session, id, layout::SERVICE, layout::PUBLIC_PORT, PROOF).await.is_ok();
    if proven {
        session.run_ok(&service::mark_served(id)).await?;
    }
    Ok(proven)
}

/// Sees to it that the release is on the instance, whole.
async fn provide(
    session: &Session,
    wanted: &Rollout<'_>,
    id: &ReleaseId,
    (sha256, size): (&str, u64),
    on_event: OnEvent<'_>,
) -> Result<(), Error> {
    let release = || id.to_string();
    let verified = session.exec(&release::verify(id)).await?;
    let Origin::Here { binary, .. } = wanted.origin else {
        if verified.status.success() {
            return Ok(());
        }
        let reason = "what was kept of it is not what this shop signed".to_owned();
        return Err(Error::Release { release: release(), reason, last_lines: verified.last_lines() });
    };
    if verified.status.success() {
        on_event(Event::Uploaded { release: release(), size, already_there: true });
        return Ok(());
    }
    let mut progress = |sent, total| on_event(Event::Uploading { release: release(), sent, total });
    session.upload(binary, &release::incoming(id), 0o755, &mut progress).await?;
    let manifest = signing::manifest(id, sha256);
    session.run_ok(&release::install(id, &manifest, &wanted.key.sign(&manifest))).await?;
    on_event(Event::Uploaded { release: release(), size, already_there: false });
    Ok(())
}

/// Check, start beside the one in service, wait until ready.
async fn try_out(
    session: &Session,
    id: &ReleaseId,
    wanted: &Rollout<'_>,
    on_event: OnEvent<'_>,
) -> Result<About, Error> {
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
        let why =
            gate::exited(session, layout::CANDIDATE).await.unwrap_or_else(|| "it could not be started".to_owned());
        return Err(gate::rejected(session, id, layout::CANDIDATE, why).await);
    }
    on_event(Event::Started { release: release() });
    let about = gate::answers(session, id, layout::CANDIDATE, layout::CANDIDATE_PORT, wanted.ready_within).await?;
    let after_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    on_event(Event::Ready { release: release(), after_ms });
    if about.schema_version < wanted.oldest_schema {
        let reason = format!(
            "it is written for schema {}, and the database's has lost what releases before schema {} use",
            about.schema_version, wanted.oldest_schema
        );
        return Err(Error::Release { release: release(), reason, last_lines: Vec::new() });
    }
    Ok(about)
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
        Ok(_) => gate::answers(session, id, layout::SERVICE, layout::PUBLIC_PORT, ready_within).await.map(drop),
        Err(Error::Command { last_lines, .. }) => {
            let reason = "the service could not be restarted with it".to_owned();
            Err(Error::Release { release: id.to_string(), reason, last_lines })
        }
        Err(error) => Err(error),
    };
    match (served, before) {
        (Ok(()), _) => {
            let previous = before.filter(|before| *before != id.as_str());
            session.run_ok(&service::mark_served(id)).await?;
            on_event(Event::Serving { release: id.to_string(), previous: previous.map(str::to_owned) });
            Ok(())
        }
        // Also when that is the same release: then with the environment it had.
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
        match gate::wait_for(session, previous, layout::SERVICE, layout::PUBLIC_PORT, ready_within).await {
            Ok(_) => return Ok(()),
            Err(lines) => why = vec![lines],
        }
    }
    why.extend(gate::journal(session, layout::SERVICE).await);
    Err(Error::NotRestored { release: id.to_string(), previous: previous.to_owned(), reason, last_lines: why })
}

async fn prune(session: &Session, keep: usize, on_event: OnEvent<'_>) -> Result<Vec<String>, Error> {
    let old = inspect(session).await?.superseded(keep);
    session.run_ok(&release::prune(&old)).await?;
    if !old.is_empty() {
        on_event(Event::Pruned { releases: old.clone() });
    }
    Ok(old)
}
