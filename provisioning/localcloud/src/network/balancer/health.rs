//! Whether targets are well: each is asked for a page, again and again.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use futures::future::join_all;
use http::{Request, StatusCode, header};
use http_body_util::Empty;
use hyper::body::Bytes;

use super::{Shared, serve};

/// How long a target may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// So many answers of the other kind, one after another, change the opinion of a target.
const CHANGES_AFTER: u32 = 2;

/// What is thought of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Health {
    /// It has not been asked often enough.
    #[default]
    Initial,
    Healthy,
    Unhealthy(Reason),
}

/// Why a target is not well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It answered, but not with 200.
    Status,
    /// It did not answer in time.
    Timeout,
    /// It could not be connected to, or broke off.
    Failed,
}

/// One target, and what it answered last.
#[derive(Debug, Default)]
pub(super) struct Target {
    health: Health,
    differing: u32,
}

impl Target {
    pub(super) fn health(&self) -> Health {
        self.health
    }

    fn learn(&mut self, answer: Result<(), Reason>) {
        let differs = match (self.health, answer) {
            (Health::Healthy, Ok(())) => false,
            (Health::Unhealthy(_), Err(reason)) => {
                self.health = Health::Unhealthy(reason);
                false
            }
            _ => true,
        };
        self.differing = if differs { self.differing + 1 } else { 0 };
        // The first answer of all is believed at once.
        if self.differing >= CHANGES_AFTER || (differs && self.health == Health::Initial) {
            self.health = answer.map_or_else(Health::Unhealthy, |()| Health::Healthy);
            self.differing = 0;
        }
    }
}

/// Asks all targets, for ever.
pub(super) async fn keep_checking(shared: Arc<Shared>) {
    loop {
        let wanted = shared.now().wanted.clone();
        let asked = wanted.targets.iter().map(async |address| {
            let to = SocketAddr::from((*address, wanted.port));
            let answer = tokio::time::timeout(ANSWERS_WITHIN, ask(&shared, to, &wanted.health_path)).await;
            (*address, answer.unwrap_or(Err(Reason::Timeout)))
        });
        for (address, answer) in join_all(asked).await {
            // It may have been taken out meanwhile.
            if let Some(target) = shared.now().targets.get_mut(&address) {
                target.learn(answer);
            }
        }
        // A new target is not made to wait for the next round of those that were there before.
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < wanted.health_every && shared.now().wanted == wanted {
            tokio::time::sleep(wanted.health_every.min(Duration::from_millis(200))).await;
        }
    }
}

async fn ask(shared: &Shared, to: SocketAddr, path: &str) -> Result<(), Reason> {
    let request =
        Request::get(path).header(header::HOST, to.to_string()).header(header::USER_AGENT, "ELB-HealthChecker/2.0");
    let request = request.body(Empty::<Bytes>::new()).map_err(|_| Reason::Failed)?;
    let answer = serve::send(&shared.network, to, request).await.map_err(|()| Reason::Failed)?;
    if answer.status() == StatusCode::OK { Ok(()) } else { Err(Reason::Status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_answer_is_not_an_illness() {
        let mut target = Target::default();
        target.learn(Ok(()));
        assert_eq!(target.health(), Health::Healthy);
        target.learn(Err(Reason::Failed));
        target.learn(Ok(()));
        target.learn(Err(Reason::Failed));
        assert_eq!(target.health(), Health::Healthy);
        target.learn(Err(Reason::Status));
        assert_eq!(target.health(), Health::Unhealthy(Reason::Status));
        target.learn(Ok(()));
        target.learn(Err(Reason::Timeout));
        assert_eq!(target.health(), Health::Unhealthy(Reason::Timeout));
        target.learn(Ok(()));
        target.learn(Ok(()));
        assert_eq!(target.health(), Health::Healthy);
    }
}
