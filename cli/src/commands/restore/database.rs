//! The steps of a database's restore.

use std::sync::Arc;
use std::time::Duration;

use jewel_aws::{Closed, Databases};
use jewel_backup::RestoreOptions;
use jewel_engine::Held;
use jewel_migrations::embedded;
use jewel_runbooks::journal::Journal;
use jewel_runbooks::restore::{self, Restore, Source, Step};
use jewel_runbooks::{Context, Database, Reach, backup, maintenance};

use super::after;
use crate::Run;
use crate::args::Target;
use crate::commands::backup::Kept;
use crate::commands::migrate;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::ui::{self, Phase};
use crate::wiring::Shop;

/// When programs should come back, in seconds: what is promised.
const RETRY_AFTER: u32 = 1_800;
const MESSAGE: &str = "We are restoring the shop. Every order that was confirmed to you is safe.";
/// An open door is seen by visitors within this.
const SEEN: Duration = Duration::from_secs(120);

/// Does one step; says what came of it.
pub(super) async fn step(
    run: &Run,
    shop: &Shop,
    restore: &Restore,
    step: Step,
    held: &Held,
    phase: &Phase,
) -> Result<String, Failure> {
    let spec = shop.spec();
    let databases = Databases::new(&spec, &shop.clients);
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let journal = Journal::of(&shop.clients, &outputs);
    let target = restore.target.as_str();
    match step {
        Step::Close => {
            if jewel_aws::closed(&spec, &shop.clients).await?.is_none() {
                maintenance::close(&context, &spec, &Closed::new(RETRY_AFTER), Some(MESSAGE)).await?;
            }
            Ok("visitors see the maintenance page".to_owned())
        }
        Step::Stop => {
            for one in &outputs.instances {
                phase.now(&one.name);
                context.on(one, async |reach| restore::stop_api(reach).await).await?;
            }
            let names: Vec<&str> = outputs.instances.iter().map(|one| one.name.as_str()).collect();
            Ok(format!("nothing is acknowledged any more on {}", names.join(", ")))
        }
        Step::Fence => Ok(format!("{} epochs have ended", restore::fence(&journal).await?)),
        Step::Make => {
            restore::make_database(&databases, restore).await?;
            Ok(format!("{target}, of {}", restore.source))
        }
        Step::Enter => {
            let is_local = run.global.target == Target::Local;
            let enter = async |reach: &Reach<'_>| {
                restore::await_login(&databases, reach, target, is_local, &mut |state| phase.now(state)).await.map(drop)
            };
            context.on_instance(enter).await?;
            carry_parameters(&databases, restore).await
        }
        Step::Load => {
            let Source::Backup(id) = &restore.source else { return Ok("there is nothing to load".to_owned()) };
            let kept = Kept::open(shop, &outputs).await?;
            let work = async |database: &Database| load(run, &kept, id, database, phase).await;
            on_target(&context, &databases, target, work).await
        }
        Step::Migrate => {
            let work = async |database: &Database| migrate::apply(run, database, migrate::LOCK_WAIT).await;
            let applied = on_target(&context, &databases, target, work).await?;
            Ok(if applied == 0 { "nothing was missing".to_owned() } else { format!("{applied} applied") })
        }
        Step::Replay => {
            let work = async |database: &Database| Ok(restore::replay(&journal, database, restore.contents_of).await?);
            let report = on_target(&context, &databases, target, work).await?;
            Ok(format!("{} of {} events were missing, and are in now", report.new, report.read))
        }
        Step::Verify => {
            let work = async |database: &Database| Ok(restore::verify(database, embedded()).await?);
            judge(run, restore, on_target(&context, &databases, target, work).await?)
        }
        Step::PutInUse => {
            let work = async |database: &Database| Ok(restore::put_database_in_use(&databases, database).await?);
            on_target(&context, &databases, target, work).await?;
            Ok(format!("{target}, in the place of {}", restore.previous))
        }
        Step::Provision => after::provision(run, shop, held).await,
        Step::Deploy => after::redeploy(run, shop, &context).await,
        Step::Check => after::check(shop, &outputs).await,
        Step::Open => {
            maintenance::open(&context, &spec).await?;
            let url = shop.url(&outputs).await?;
            if maintenance::seen(&url, false, SEEN).await.is_none() {
                return Err(Failure::new(Exit::CheckFailed, format!("visitors do not see {url} open")));
            }
            Ok(format!("{url} is open"))
        }
    }
}

/// A database in which something is wrong is not put in use.
fn judge(run: &Run, restore: &Restore, found: restore::Findings) -> Result<String, Failure> {
    run.ui.event("verify", &found);
    if found.wrong.is_empty() && found.pending == 0 {
        return Ok(format!("{} products, {} orders, nothing wrong", found.products, found.orders));
    }
    let mut failure = Failure::new(Exit::CheckFailed, format!("{} is not fit to be put in use", restore.target));
    for wrong in found.wrong {
        failure = failure.because(wrong);
    }
    if found.pending > 0 {
        failure = failure.because(format!("{} migrations are missing", found.pending));
    }
    Err(failure.hint(format!("{} is as it was", restore.previous)))
}

/// Puts a backup's rows into the shop's schema of a database that is in nobody's role. Cut off, it goes on where it was.
async fn load(run: &Run, kept: &Kept, id: &str, database: &Database, phase: &Phase) -> Result<String, Failure> {
    let options = RestoreOptions { replace: true, ..RestoreOptions::new(&database.secret().dbname) };
    let (server, keys, store) = (backup::server(database), &kept.keys.reading, Arc::new(kept.backups.clone()));
    let mut rows = 0;
    let mut tell = |event: jewel_backup::Event| {
        if let jewel_backup::Event::Loaded { rows: more, .. } = &event {
            rows += more;
            phase.now(&format!("{rows} rows"));
        } else {
            phase.now(&ui::words::backup(&event));
        }
        run.ui.event("backup", &ui::words::backup(&event));
    };
    let restored = jewel_backup::restore(&store, id, keys, &server, &options, &mut tell).await;
    let manifest = restored.map_err(jewel_runbooks::Error::from)?.manifest;
    Ok(format!("{} rows in {} tables, compared and the same", manifest.rows(), manifest.tables.len()))
}

/// What somebody had set in the old one is set in the new one, where the old one is there to be asked.
async fn carry_parameters(databases: &Databases<'_>, restore: &Restore) -> Result<String, Failure> {
    let target = &restore.target;
    if matches!(restore.source, Source::Standing(_)) || databases.sight(&restore.previous).await?.is_none() {
        return Ok(format!("{target} lets us in"));
    }
    let (names, reboots) = databases.carry_parameters(&restore.previous, target).await?;
    let names_said = names.join(", ");
    Ok(match (names.is_empty(), reboots) {
        (true, _) => format!("{target} lets us in"),
        (false, false) => format!("{target} lets us in; parameters set: {names_said}"),
        (false, true) => format!("{target} lets us in; parameters set, some from its next reboot on: {names_said}"),
    })
}

/// Does some work with a way to the target, which is in nobody's role yet.
async fn on_target<T>(
    context: &Context<'_>,
    databases: &Databases<'_>,
    target: &str,
    work: impl AsyncFnOnce(&Database) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let gone = || Failure::new(Exit::Failed, format!("database {target} has no address any more"));
    let login = databases.login(target).await?.ok_or_else(gone)?;
    let on = async |reach: &Reach<'_>| {
        let database = jewel_runbooks::database::open_as(reach, login).await?;
        work(&database).await
    };
    context.on_instance(on).await
}
