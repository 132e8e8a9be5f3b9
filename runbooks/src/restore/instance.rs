//! The steps of an instance's restore: the next machine, made of a snapshot or of nothing, takes over the address.

use std::time::Duration;

use aws_sdk_lightsail::types::InstanceSnapshotState;
use jewel_aws::{Clients, Instances, Machine, Names, StackSpec, classify};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Restore, Source};
use crate::Error;

/// A machine that was ordered runs within this.
const RUNS: Duration = Duration::from_secs(15 * 60);
const POLL: Duration = Duration::from_secs(2);

/// Orders the machine; does nothing when it is there.
///
/// # Errors
/// When Lightsail refuses.
pub async fn make_instance(instances: &Instances<'_>, restore: &Restore) -> Result<(), Error> {
    let snapshot = match &restore.source {
        Source::Snapshot(name) => Some(name.as_str()),
        _ => None,
    };
    Ok(instances.make(&restore.target, snapshot).await?)
}

/// Waits until it runs.
///
/// # Errors
/// [`Error::NotThere`].
pub async fn await_instance(
    instances: &Instances<'_>,
    name: &str,
    on_state: &mut (dyn FnMut(&str) + Send),
) -> Result<(), Error> {
    let ends = Instant::now() + RUNS;
    loop {
        let state = instances.state(name).await?;
        if state.as_deref() == Some("running") {
            return Ok(());
        }
        let last = state.unwrap_or_else(|| "it is not listed".to_owned());
        on_state(&last);
        if Instant::now() >= ends {
            return Err(Error::NotThere { what: format!("instance {name}"), within: RUNS, last });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Moves the machine's public address to the new one, and stops the one before, which is kept: it could otherwise go on
/// with the API's own housekeeping.
///
/// # Errors
/// When Lightsail refuses.
pub async fn move_address(instances: &Instances<'_>, previous: &str, target: &str) -> Result<(), Error> {
    instances.put_in_use(target).await?;
    if previous != target && instances.state(previous).await?.as_deref() == Some("running") {
        instances.stop(previous).await?;
    }
    Ok(())
}

/// The newest snapshot of any generation of the machine: its name, and when it was taken.
///
/// # Errors
/// When Lightsail refuses.
pub async fn newest_instance_snapshot(
    clients: &Clients,
    spec: &StackSpec,
    machine: &Machine,
) -> Result<Option<(String, Timestamp)>, Error> {
    let names = Names::new(spec);
    let (mut newest, mut token) = (None, None);
    loop {
        let sent = clients.lightsail.get_instance_snapshots().set_page_token(token).send().await;
        let page = sent.map_err(|error| classify("list the snapshots of instances", error))?;
        let ours = page.instance_snapshots().iter().filter_map(|one| {
            let is_ours = names.number(machine.role(), one.from_instance_name()?).is_some();
            let is_whole = one.state() == Some(&InstanceSnapshotState::Available);
            let at = Timestamp::from_second(one.created_at()?.secs()).ok()?;
            (is_ours && is_whole).then(|| one.name().map(|name| (name.to_owned(), at)))?
        });
        newest = ours.chain(newest).max_by_key(|(_, at)| *at);
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(newest);
        }
    }
}
