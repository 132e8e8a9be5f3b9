//! `jewelctl restore abandon`: back to the database that is in use, when a restore of another cannot be ended.

use std::time::Duration;

use jewel_runbooks::maintenance;
use jewel_runbooks::restore::{Restore, RestoreStore, Step, Subject};
use serde_json::json;

use super::after;
use crate::Run;
use crate::args::RestoreUndoArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// Gives it up.
pub(super) async fn run(run: &Run, args: &RestoreUndoArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let spec = shop.spec();
    let store = RestoreStore::new(&spec, &shop.clients);
    let mut restore = choose(store.all().await?, args.restore.as_deref())?;
    if args.dry_run {
        run.ui.result(&json!({ "would_abandon": restore }), || {
            format!("would give restore {} up: {} serves on, {} stays", restore.id, restore.previous, restore.target)
        });
        return Ok(Exit::Done);
    }
    run.ui.consent(&format!("Give restore {} up and serve from {} again?", restore.id, restore.previous))?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    lock::holding(run, &shop, Duration::from_secs(args.lock_wait), async |_| {
        after::redeploy(run, &shop, &context).await?;
        after::check(&shop, &outputs).await?;
        if restore.reopens {
            maintenance::open(&context, &spec).await?;
        }
        restore.abandon();
        Ok(store.put(&restore).await?)
    })
    .await?;
    run.ui.result(&restore, || {
        let (previous, target) = (&restore.previous, &restore.target);
        format!("{previous} serves; {target} stays where it is there, and costs until it is deleted")
    });
    Ok(Exit::Done)
}

fn choose(all: Vec<Restore>, id: Option<&str>) -> Result<Restore, Failure> {
    let see = "`jewelctl restore list` shows them";
    let found = match id {
        Some(id) => all.into_iter().find(|one| one.id == id),
        None => all.into_iter().rfind(|one| one.subject == Subject::Database),
    };
    let restore = found.ok_or_else(|| Failure::new(Exit::Usage, "there is no such restore").hint(see))?;
    let why = match restore.subject {
        _ if restore.ended_at.is_some() => "has ended; `jewelctl restore undo` goes back from it",
        Subject::Instance => "is of a machine: the next restore or `jewelctl up` goes on from what there is",
        Subject::Database if restore.done.iter().any(|done| done.step == Step::PutInUse) => {
            "has put its database in use already: `--resume` ends it, `undo` then goes back"
        }
        Subject::Database => return Ok(restore),
    };
    Err(Failure::new(Exit::Refused, format!("restore {} {why}", restore.id)).hint(see))
}
