//! Whether a release does its work: it is asked until it says so, or until its program has ended. Used before the switch
//! on the candidate's port, and after it on the public one.

use std::time::Duration;

use tokio::time::Instant;

use crate::about::About;
use crate::error::Error;
use crate::release::ReleaseId;
use crate::service::{self, UnitState};
use crate::ssh::Session;

/// Between two looks at a release that is starting.
const POLL: Duration = Duration::from_millis(50);
/// One health answer may take this long; a server whose database is silent takes a few seconds to say so.
const ANSWER: Duration = Duration::from_secs(8);

/// Waits until the release answers that it is ready on this port, and that it is this release.
///
/// # Errors
/// [`Error::Release`] with the last lines of its log when it is not, [`Error::Ended`] when the connection is gone.
pub(crate) async fn answers(
    session: &Session,
    id: &ReleaseId,
    unit: &str,
    port: u16,
    within: Duration,
) -> Result<About, Error> {
    match wait_for(session, id.as_str(), unit, port, within).await {
        Ok(about) => Ok(about),
        Err(reason) if session.is_closed() => {
            Err(Error::Ended { address: session.address().to_owned(), doing: format!("waiting for {id}: {reason}") })
        }
        Err(reason) => Err(rejected(session, id, unit, reason).await),
    }
}

/// The same, with the reason in words.
pub(crate) async fn wait_for(
    session: &Session,
    release: &str,
    unit: &str,
    port: u16,
    within: Duration,
) -> Result<About, String> {
    let ends = Instant::now() + within;
    let mut unready = "nothing was heard of it".to_owned();
    let ready = async {
        loop {
            match is_ready(session, release, port).await {
                Ok(about) => return about,
                Err(why) => unready = why,
            }
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
        about = ready => return Ok(about),
        why = ended => return Err(why),
        () = tokio::time::sleep_until(ends) => {}
    }
    Err(format!("it was not ready within {} s ({unready})", within.as_secs()))
}

/// Why a unit's program is not running; `None` when it is, or cannot be told.
pub(crate) async fn exited(session: &Session, unit: &str) -> Option<String> {
    let shown = session.exec(&service::show(unit)).await.ok()?;
    UnitState::parse(&shown.text()).exited()
}

async fn is_ready(session: &Session, release: &str, port: u16) -> Result<About, String> {
    let ready = session.http_get(port, "/readyz", ANSWER).await?;
    if !ready.status.is_success() {
        return Err(format!("/readyz answers {}: {}", ready.status, shortened(&ready.body)));
    }
    let version = session.http_get(port, "/version", ANSWER).await?;
    match About::parse(&version.body) {
        Some((about, answers)) if answers.as_deref() == Some(release) => Ok(about),
        Some(_) => Err(format!("/version names another release: {}", shortened(&version.body))),
        None => Err(format!("/version does not say what it is: {}", shortened(&version.body))),
    }
}

/// A release that was not accepted, with the last lines of its log.
pub(crate) async fn rejected(session: &Session, id: &ReleaseId, unit: &str, reason: String) -> Error {
    Error::Release { release: id.to_string(), reason, last_lines: journal(session, unit).await }
}

/// The journal explains a failure; when it cannot be read, the failure is still the news.
pub(crate) async fn journal(session: &Session, unit: &str) -> Vec<String> {
    match session.exec(&service::journal(unit)).await {
        Ok(output) => crate::exec::last_lines(&output.text()),
        Err(_) => Vec::new(),
    }
}

fn shortened(body: &str) -> String {
    body.trim().chars().take(200).collect()
}
