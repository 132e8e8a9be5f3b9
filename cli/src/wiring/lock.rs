//! The lock that keeps two runs from changing one shop at once, and who we are to the others.

use std::time::Duration;

use jewel_engine::{Held, Holder, LeaseError, LeaseRecord, Sight};

use super::Shop;
use crate::Run;
use crate::exit::Exit;
use crate::failure::Failure;

/// Does something while nobody else changes the shop.
///
/// # Errors
/// Exit 5 when somebody else holds the lock; otherwise what `work` fails with.
pub(crate) async fn holding<T>(
    run: &Run,
    shop: &Shop,
    wait: Duration,
    work: impl AsyncFnOnce(&Held) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let held = take(run, shop, wait).await?;
    // The lock's bucket is there now.
    run.record.begin();
    let outcome = work(&held).await;
    let released = held.release().await;
    let value = outcome?;
    // What was to be done is done, and a lock that stays expires by itself: not a failure, but worth a word. Where
    // the whole shop was taken down, its lock went with it.
    if let Err(error) = released
        && jewel_aws::lease(&shop.spec(), &shop.clients).status().await.is_ok_and(|record| record.is_some())
    {
        run.ui.warn(&format!("the lock could not be released and expires by itself in under a minute: {error}"));
    }
    Ok(value)
}

/// Takes the shop's lock.
///
/// A lock that a killed run left on this very machine is taken over at once: its process is gone, so nothing of it
/// is still at work. Any other is waited for, at most `wait`.
///
/// # Errors
/// Exit 5, naming the holder.
async fn take(run: &Run, shop: &Shop, wait: Duration) -> Result<Held, Failure> {
    let lease = jewel_aws::lease(&shop.spec(), &shop.clients);
    let holder = ourselves();
    let phase = run.ui.phase("Lock");
    let sight = |record: &LeaseRecord| {
        if sight(record) == Sight::Gone {
            let pid = record.holder.pid;
            run.ui.say(&format!("process {pid} on this machine was killed and left its lock; taking it over"));
            return Sight::Gone;
        }
        phase.now(&format!("held by {} on {} (`{}`)", record.holder.user, record.holder.host, record.holder.command));
        Sight::Alive
    };
    let held = tokio::select! {
        held = lease.acquire(run.record.id(), &holder, wait, &sight) => held,
        () = run.cancel.cancelled() => return Err(Failure::interrupted("waiting for the lock")),
    };
    held.map_err(|error| {
        let exit = if matches!(error, LeaseError::Held { .. }) { Exit::Locked } else { Exit::Failed };
        Failure::from_error(exit, &error).hint(
            "wait for it with `--lock-wait SECONDS`; a killed run's lock ends in under a minute; \
             `jewelctl lock status` says more",
        )
    })
}

/// Removes the lock that a killed run left on this very machine. For commands that find nothing to do and so take none:
/// otherwise a run killed at its last step would leave it lying there.
pub(crate) async fn sweep(shop: &Shop) -> Result<(), Failure> {
    let lease = jewel_aws::lease(&shop.spec(), &shop.clients);
    if let Some(record) = lease.status().await?
        && sight(&record) == Sight::Gone
    {
        match lease.take_from(&record.id).await {
            // Somebody took it over meanwhile, who has use for it.
            Ok(_) | Err(LeaseError::Held { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Whether the holder was a process of this machine, and is gone.
pub(crate) fn sight(record: &LeaseRecord) -> Sight {
    let gone = is_here(&record.holder) && !std::path::Path::new(&format!("/proc/{}", record.holder.pid)).exists();
    if gone { Sight::Gone } else { Sight::Alive }
}

/// Whether the holder is or was a process of this machine since it was started.
pub(crate) fn is_here(holder: &Holder) -> bool {
    holder.host == machine()
}

/// Who we are to the others. No argument of this program carries a secret.
pub(crate) fn ourselves() -> Holder {
    let command: Vec<String> = std::env::args().skip(1).collect();
    Holder {
        user: crate::environment::user(),
        host: machine(),
        pid: std::process::id(),
        command: format!("jewelctl {}", command.join(" ")),
    }
}

/// This machine since it was started, and the processes we can see on it. The name alone would not do: build machines
/// often share one, and a lock must not be taken from a live process that is only out of our sight.
fn machine() -> String {
    let read =
        |path: &str| fs_err::read_to_string(path).map_or_else(|_| "unknown".into(), |text| text.trim().to_owned());
    let boot = read("/proc/sys/kernel/random/boot_id");
    let processes = fs_err::read_link("/proc/self/ns/pid").unwrap_or_default();
    let processes: String = processes.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    let name = read("/proc/sys/kernel/hostname");
    format!("{name} ({}-{processes})", boot.split('-').next().unwrap_or_default())
}
