//! Reads what is there: everything at once, in order only where a read needs another's answer.

use std::{collections::BTreeMap, time::Instant};

use futures::{FutureExt as _, future::join_all};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Semaphore, watch};

use crate::{
    Address, Context, Event, EventKind, Failure, Found, Inputs, Memo, OutputMap, Sink, Stack, resource::Readiness,
};

/// How to observe.
#[derive(Debug, Clone)]
pub struct ObserveOptions {
    /// At most so many reads at once.
    pub parallelism: usize,
}

impl Default for ObserveOptions {
    fn default() -> Self {
        Self { parallelism: 24 }
    }
}

/// What was seen at one address. Not knowing is a value of its own.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Observation {
    /// It does not exist.
    Absent,
    /// It exists.
    Found(Found),
    /// It could not be read.
    Unreadable(Failure),
}

impl Observation {
    /// What was found, if it was.
    pub fn found(&self) -> Option<&Found> {
        match self {
            Self::Found(found) => Some(found),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// What was seen of a whole stack.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Observed(BTreeMap<Address, Observation>);

impl Observed {
    /// What was seen at `address`; an address that was not looked at is absent.
    pub fn get(&self, address: &str) -> &Observation {
        self.0.get(address).unwrap_or(&Observation::Absent)
    }

    /// Everything that was seen, by address.
    pub fn iter(&self) -> impl Iterator<Item = (&Address, &Observation)> {
        self.0.iter()
    }

    /// The outputs of all that exists.
    pub fn outputs(&self) -> OutputMap {
        self.0.iter().filter_map(|(address, seen)| Some((address.clone(), seen.found()?.outputs.clone()))).collect()
    }

    /// The first read that failed, in the order of addresses.
    pub fn first_failure(&self) -> Option<(&Address, &Failure)> {
        self.0.iter().find_map(|(address, seen)| match seen {
            Observation::Unreadable(failure) => Some((address, failure)),
            Observation::Absent | Observation::Found(_) => None,
        })
    }

    /// SHA-256 over all that was seen, in hex. Two observations of an unchanged account have the same.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (address, seen) in &self.0 {
            hash.update(address.as_str());
            match seen {
                Observation::Absent => hash.update("absent"),
                Observation::Unreadable(_) => hash.update("unreadable"),
                // Maps are sorted by key, and values are built by the resources in a fixed order.
                Observation::Found(found) => hash.update(serde_json::to_vec(found).unwrap_or_default()),
            }
            hash.update([0]);
        }
        hex::encode(hash.finalize())
    }

    /// Whether anything of the stack exists.
    pub fn is_empty(&self) -> bool {
        self.0.values().all(|seen| *seen == Observation::Absent)
    }

    /// Addresses that are on their way to being ready, with the cloud's word for it.
    pub fn waiting(&self) -> impl Iterator<Item = (&Address, &str)> {
        self.0.iter().filter_map(|(address, seen)| match &seen.found()?.readiness {
            Readiness::Waiting(status) => Some((address, status.as_str())),
            Readiness::Ready | Readiness::Failed(_) => None,
        })
    }
}

impl FromIterator<(Address, Observation)> for Observed {
    fn from_iter<I: IntoIterator<Item = (Address, Observation)>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

/// Reads every resource of the stack. Failed reads are part of the answer, not an error.
pub async fn observe(stack: &Stack, options: &ObserveOptions, sink: Sink<'_>) -> Observed {
    let memo = Memo::default();
    let permits = Semaphore::new(options.parallelism.max(1));
    let channels: BTreeMap<&Address, watch::Sender<Option<Observation>>> =
        stack.iter().map(|(address, _)| (address, watch::Sender::new(None))).collect();

    let reads = stack.iter().map(|(address, node)| {
        let (memo, permits, channels) = (&memo, &permits, &channels);
        async move {
            let mut known = OutputMap::new();
            let mut blocked = None;
            for need in &node.read_needs {
                match seen(&channels[need]).await {
                    Observation::Found(found) => drop(known.insert(need.clone(), found.outputs)),
                    Observation::Absent => {}
                    Observation::Unreadable(failure) => blocked = Some(failure),
                }
            }
            let seen = match blocked {
                Some(failure) => Observation::Unreadable(failure),
                None => {
                    let _permit = permits.acquire().await;
                    let inputs = Inputs::gather(&node.read_needs, &known);
                    let cx = Context { inputs, memo, address, sink, started: Instant::now() };
                    match node.resource.read(&cx).await {
                        Ok(Some(found)) => Observation::Found(found),
                        Ok(None) => Observation::Absent,
                        Err(failure) => Observation::Unreadable(failure),
                    }
                }
            };
            if !matches!(seen, Observation::Unreadable(_)) {
                sink(Event::new(address, EventKind::Read { exists: seen.found().is_some() }));
            }
            channels[address].send_replace(Some(seen.clone()));
            (address.clone(), seen)
        }
        // Boxed because a stack of futures for a whole account would be a large one.
        .boxed()
    });
    join_all(reads).await.into_iter().collect()
}

async fn seen(channel: &watch::Sender<Option<Observation>>) -> Observation {
    let mut receiver = channel.subscribe();
    // The sender is borrowed from the map that outlives this wait, so it cannot be gone.
    let answer = receiver.wait_for(Option::is_some).await.ok().and_then(|seen| seen.clone());
    answer.unwrap_or(Observation::Absent)
}
