//! `jewelctl lock`: who changes the shop right now, and how to take the lock away from who does not any more.

use jewel_engine::{LeaseError, LeaseRecord, Sight};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::Run;
use crate::args::LockCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// Runs one of them.
pub async fn run(run: &Run, command: LockCommand) -> Outcome {
    let shop = Shop::open(run).await?;
    match command {
        LockCommand::Status { exit_code } => status(run, &shop, exit_code).await,
        LockCommand::Release { force, dry_run } => release(run, &shop, force, dry_run).await,
    }
}

async fn status(run: &Run, shop: &Shop, exit_code: bool) -> Outcome {
    let record = jewel_aws::lease(&shop.spec(), &shop.clients).status().await?;
    let now = Timestamp::now();
    let held = record.as_ref().is_some_and(|record| is_held(record, now));
    run.ui.result(&describe(record.as_ref(), now), || match &record {
        None => format!("nobody holds the lock of {}", shop.settings.name()),
        Some(record) => text(record, now),
    });
    Ok(if exit_code && held { Exit::Locked } else { Exit::Done })
}

async fn release(run: &Run, shop: &Shop, force: bool, dry_run: bool) -> Outcome {
    let lease = jewel_aws::lease(&shop.spec(), &shop.clients);
    let now = Timestamp::now();
    let Some(record) = lease.status().await? else {
        run.ui.result(&json!({ "released": false, "holder": null }), || {
            format!("nobody holds the lock of {}", shop.settings.name())
        });
        return Ok(Exit::Done);
    };
    if dry_run {
        run.ui.result(&json!({ "would_release": describe(Some(&record), now) }), || text(&record, now));
        return Ok(Exit::Done);
    }
    run.ui.say(&text(&record, now));
    let here = lock::is_here(&record.holder) && lock::sight(&record) == Sight::Alive;
    if here && !force {
        return Err(Failure::new(
            Exit::Refused,
            format!("process {} works on this machine; its lock was left to it", record.holder.pid),
        )
        .hint("let it end, or stop it with Ctrl-C, which frees the lock; --force takes the lock away all the same"));
    }
    if is_held(&record, now) {
        let (user, host) = (&record.holder.user, &record.holder.host);
        run.ui.consent(&format!("Take the lock away from {user} on {host}?"))?;
    }
    run.record.begin();
    let released = lease.take_from(&record.id).await.map_err(|error| match error {
        LeaseError::Held { .. } => {
            Failure::from_error(Exit::Locked, &error).hint("another run took the lock meanwhile; it was left to it")
        }
        error => error.into(),
    })?;
    run.ui.result(&json!({ "released": released, "holder": record }), || {
        let rest = if here { "; the run that held it notices within seconds and starts nothing more" } else { "" };
        format!("the lock is free{rest}")
    });
    Ok(Exit::Done)
}

/// Whether somebody may still be at work under it.
fn is_held(record: &LeaseRecord, now: Timestamp) -> bool {
    !record.is_expired(now) && lock::sight(record) == Sight::Alive
}

fn describe(record: Option<&LeaseRecord>, now: Timestamp) -> Value {
    let Some(record) = record else { return json!({ "held": false }) };
    json!({
        "held": is_held(record, now),
        "run": record.id,
        "holder": record.holder,
        "held_for_seconds": record.held_for(now),
        "expires_in_seconds": record.expires_in(now),
        "expired": record.is_expired(now),
        "holder_is_gone": lock::sight(record) == Sight::Gone,
    })
}

fn text(record: &LeaseRecord, now: Timestamp) -> String {
    let state = if record.is_expired(now) {
        "expired; the next run takes it over".to_owned()
    } else if lock::sight(record) == Sight::Gone {
        "its process was killed; the next run on this machine takes it over".to_owned()
    } else {
        format!("renewed all the time; ends {} s after the last renewal", record.expires_in(now))
    };
    let rows = [
        ("holder", format!("{} on {} (process {})", record.holder.user, record.holder.host, record.holder.pid)),
        ("command", record.holder.command.clone()),
        ("run", record.id.clone()),
        ("held for", format!("{} s", record.held_for(now))),
        ("state", state),
    ];
    ui::table(["lock", ""], rows.map(|(name, value)| [name.to_owned(), value]))
}
