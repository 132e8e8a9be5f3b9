//! `jewelctl restore`: what was lost is made anew beside what is left, looked at, and put in its place.

mod abandon;
mod after;
mod choose;
mod database;
mod drive;
mod foretell;
mod instance;
mod list;
mod objects;

use std::time::Duration;

use jewel_runbooks::restore::{Restore, RestoreStore, Subject};

use crate::Run;
use crate::args::{HowArgs, RestoreCommand};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// Runs one of them.
pub async fn run(run: &Run, command: RestoreCommand) -> Outcome {
    match command {
        RestoreCommand::Database(args) => {
            let shop = Shop::open(run).await?;
            let restore = match &args.how.resume {
                Some(id) => resumed(&shop, id, Subject::Database).await?,
                None => choose::database(run, &shop, &args).await?,
            };
            carry_out(run, &shop, restore, &args.how).await
        }
        RestoreCommand::Instance(args) => {
            let shop = Shop::open(run).await?;
            let restore = match &args.how.resume {
                Some(id) => resumed(&shop, id, Subject::Instance).await?,
                None => choose::instance(run, &shop, &args).await?,
            };
            carry_out(run, &shop, restore, &args.how).await
        }
        RestoreCommand::Undo(args) => {
            let shop = Shop::open(run).await?;
            let restore = choose::undo(run, &shop, args.restore.as_deref()).await?;
            let how = HowArgs { resume: None, dry_run: args.dry_run, lock_wait: args.lock_wait };
            carry_out(run, &shop, restore, &how).await
        }
        RestoreCommand::Abandon(args) => abandon::run(run, &args).await,
        RestoreCommand::Media(args) => objects::media(run, &args).await,
        RestoreCommand::Site(args) => objects::site(run, &args).await,
        RestoreCommand::List => list::run(run).await,
    }
}

/// A restore that was cut off.
async fn resumed(shop: &Shop, id: &str, subject: Subject) -> Result<Restore, Failure> {
    let see = "`jewelctl restore list` shows them";
    let found = RestoreStore::new(&shop.spec(), &shop.clients).get(id).await?;
    let restore = found.ok_or_else(|| Failure::new(Exit::Usage, format!("there is no restore {id}")).hint(see))?;
    if restore.subject != subject {
        return Err(Failure::new(Exit::Usage, format!("restore {id} brings back something else")).hint(see));
    }
    Ok(restore)
}

/// Shows the steps, asks, and does them under the lock.
async fn carry_out(run: &Run, shop: &Shop, mut restore: Restore, how: &HowArgs) -> Outcome {
    if how.dry_run {
        run.ui.result(&foretell::value(&restore), || foretell::words(&restore));
        return Ok(Exit::Done);
    }
    if restore.next().is_none() {
        run.ui.result(&restore, || format!("restore {} is done already", restore.id));
        return Ok(Exit::Done);
    }
    run.ui.say(&foretell::words(&restore));
    run.ui.consent(&format!("Restore {} in account {}?", restore.stack, shop.account_id))?;
    let wait = Duration::from_secs(how.lock_wait);
    lock::holding(run, shop, wait, async |held| drive::drive(run, shop, &mut restore, held).await).await?;
    let took: u64 = restore.done.iter().map(|done| done.took_ms).sum();
    run.ui.result(&restore, || {
        format!(
            "{} is in use, restored from {} in {:.0} s; {} is kept as it was where it is still there, and costs until \
             it is deleted",
            restore.target,
            restore.source,
            took as f64 / 1e3,
            restore.previous,
        )
    });
    Ok(Exit::Done)
}
