//! What a restore is made of: decided before anything is touched, and written down with it.

use jewel_aws::{Databases, Instances, Machine};
use jewel_backup::State;
use jewel_runbooks::restore::{self, Restore, RestoreStore, Source, Subject};
use jiff::{SignedDuration, Timestamp};

use crate::Run;
use crate::args::{DatabaseFrom, InstanceFrom, RestoreDatabaseArgs, RestoreInstanceArgs};
use crate::commands::backup::Kept;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::Shop;

/// A source, and the time that its contents are of.
type Chosen = (Source, Option<Timestamp>);

/// Of what the database is restored, and under which name.
pub(super) async fn database(run: &Run, shop: &Shop, args: &RestoreDatabaseArgs) -> Result<Restore, Failure> {
    not_the_operators_own(shop)?;
    let spec = shop.spec();
    let databases = Databases::new(&spec, &shop.clients);
    let current = jewel_aws::pointers(&spec, &shop.clients).await?.database;
    if args.at.is_some() && !matches!(args.from, None | Some(DatabaseFrom::PointInTime)) {
        return Err(Failure::new(Exit::Usage, "`--at` is for `--from point-in-time`")
            .hint("a snapshot or a backup is of its own time; `--name` says which"));
    }
    let is_there = databases.sight(&current).await?.is_some_and(|sight| !sight.is_being_deleted());
    let (source, contents_of) = match args.from {
        Some(DatabaseFrom::PointInTime) => point_in_time(&databases, &current, args.at, !args.no_replay).await?,
        Some(DatabaseFrom::Backup) => backup(shop, args.name.as_deref()).await?,
        Some(DatabaseFrom::Snapshot) => snapshot(shop, args.name.as_deref()).await?,
        None if args.at.is_some() || is_there => point_in_time(&databases, &current, args.at, !args.no_replay).await?,
        None => newest(shop).await?,
    };
    let target = databases.next(&current).await?;
    let mut restore = begin(run, shop, Subject::Database, source, &current, &target);
    restore.contents_of = contents_of;
    restore.replays = !args.no_replay;
    restore.reopens = jewel_aws::closed(&spec, &shop.clients).await?.is_none();
    Ok(restore)
}

/// The way back: onto the database that served before, which stands there still.
pub(super) async fn undo(run: &Run, shop: &Shop, id: Option<&str>) -> Result<Restore, Failure> {
    not_the_operators_own(shop)?;
    let spec = shop.spec();
    let see = "`jewelctl restore list` shows them";
    let all = RestoreStore::new(&spec, &shop.clients).all().await?;
    let undone = match id {
        Some(id) => all.into_iter().find(|one| one.id == id),
        None => {
            all.into_iter().rfind(|one| one.subject == Subject::Database && one.ended_at.is_some() && !one.abandoned)
        }
    };
    let undone = undone.ok_or_else(|| {
        let what = id.map_or_else(|| "restore of the database that has ended".to_owned(), |id| format!("restore {id}"));
        Failure::new(Exit::Usage, format!("there is no {what}")).hint(see)
    })?;
    let current = jewel_aws::pointers(&spec, &shop.clients).await?.database;
    if undone.subject != Subject::Database || undone.target != current {
        let why = format!("restore {} is not what put {current} in use", undone.id);
        return Err(Failure::new(Exit::Refused, why).hint(see));
    }
    let stands = Databases::new(&spec, &shop.clients).sight(&undone.previous).await?;
    if stands.is_none_or(|sight| sight.is_being_deleted()) {
        let why = format!("{}, which served before, is gone", undone.previous);
        return Err(Failure::new(Exit::Refused, why).hint("`jewelctl restore database` restores from what there is"));
    }
    let source = Source::Standing(undone.previous.clone());
    let mut restore = begin(run, shop, Subject::Database, source, &current, &undone.previous);
    // It has all that was acknowledged before it was left.
    restore.contents_of = Some(undone.started_at);
    restore.reopens = jewel_aws::closed(&spec, &shop.clients).await?.is_none();
    Ok(restore)
}

/// Of what the machine is made, and under which name.
pub(super) async fn instance(run: &Run, shop: &Shop, args: &RestoreInstanceArgs) -> Result<Restore, Failure> {
    let spec = shop.spec();
    if args.number > spec.api.instances {
        let there = spec.api.instances;
        let why = format!("there is no machine {}: `api.instances` of jewel.toml says {there}", args.number);
        return Err(Failure::new(Exit::Usage, why));
    }
    let machine = Machine::numbered(args.number);
    let instances = Instances::new(&spec, &shop.clients, machine.clone());
    let current = instances.current().await?;
    let newest = async || restore::newest_instance_snapshot(&shop.clients, &spec, &machine).await;
    let (source, contents_of) = match (args.from, &args.name) {
        (Some(InstanceFrom::Nothing), None) => (Source::Nothing, None),
        (Some(InstanceFrom::Nothing), Some(_)) => {
            return Err(Failure::new(Exit::Usage, "`--name` is for `--from snapshot`"));
        }
        (_, Some(name)) => (Source::Snapshot(name.clone()), None),
        (from, None) => match newest().await? {
            Some((name, at)) => (Source::Snapshot(name), Some(at)),
            None if from.is_none() => (Source::Nothing, None),
            None => {
                let what = format!("there is no snapshot of {current} or of one before it");
                return Err(
                    Failure::new(Exit::Refused, what).hint("`--from nothing` makes a new machine; it holds no data")
                );
            }
        },
    };
    let target = instances.next(&current).await?;
    let mut restore = begin(run, shop, Subject::Instance, source, &current, &target);
    restore.contents_of = contents_of;
    restore.machine = args.number;
    Ok(restore)
}

fn begin(run: &Run, shop: &Shop, subject: Subject, source: Source, current: &str, target: &str) -> Restore {
    Restore::new(run.record.id(), &shop.settings.name(), subject, source, current, target)
}

fn not_the_operators_own(shop: &Shop) -> Result<(), Failure> {
    if shop.spec().database.external.is_none() {
        return Ok(());
    }
    Err(Failure::new(
        Exit::Refused,
        "the shop's database is your own (`database.external`), and only you can restore it",
    )
    .hint("restore it where it runs, then put its new address into its secret and run `jewelctl deploy api`"))
}

async fn point_in_time(
    databases: &Databases<'_>,
    current: &str,
    at: Option<Timestamp>,
    replays: bool,
) -> Result<Chosen, Failure> {
    let other = "`--from snapshot` or `--from backup`; `jewelctl restore database` alone takes the newest of both";
    let Some(sight) = databases.sight(current).await?.filter(|sight| !sight.is_being_deleted()) else {
        let why = format!("{current} is gone, and its automatic backups with it");
        return Err(Failure::new(Exit::Refused, why).hint(other));
    };
    let Some(latest) = sight.latest_restorable else {
        return Err(Failure::new(Exit::Refused, format!("{current} has no automatic backups yet")).hint(other));
    };
    // RDS wants a time before the latest. It is fixed here: whoever goes on with this later must not get another one,
    // and the latest moves on, beyond what is to be undone.
    let reached = latest.checked_sub(SignedDuration::from_secs(1)).unwrap_or(latest);
    let at = match at {
        // What came between is in the journal, so nobody has to wait for the backups.
        Some(wanted) if wanted > reached && replays => reached,
        Some(wanted) if wanted > reached => {
            let why = format!("the automatic backups of {current} reach to {reached}, not to {wanted}");
            return Err(Failure::new(Exit::Refused, why)
                .hint("they lag by some five minutes; with the journal's replay it need not be waited for"));
        }
        Some(wanted) => wanted,
        None => reached,
    };
    Ok((Source::PointInTime { database: current.to_owned(), at }, Some(at)))
}

async fn snapshot(shop: &Shop, name: Option<&str>) -> Result<Chosen, Failure> {
    let there = restore::snapshots(&shop.clients, &shop.spec()).await?;
    let found = match name {
        Some(name) => there.into_iter().find(|(one, _)| one == name),
        None => there.into_iter().next_back(),
    };
    let (name, at) = found.ok_or_else(|| {
        let what = name.map_or_else(|| "snapshot of the shop's database".to_owned(), |name| format!("snapshot {name}"));
        Failure::new(Exit::Refused, format!("there is no {what} that is whole"))
            .hint("`jewelctl snapshot list` shows what there is")
    })?;
    Ok((Source::Snapshot(name), Some(at)))
}

async fn backup(shop: &Shop, name: Option<&str>) -> Result<Chosen, Failure> {
    let outputs = shop.outputs().await?;
    let kept = Kept::open(shop, &outputs).await?;
    let id = kept.id(name).await?;
    let found = kept.all().await?.into_iter().find(|one| one.id == id);
    match found.map(|one| one.state) {
        Some(State::Complete(manifest)) => Ok((Source::Backup(id), Some(manifest.at))),
        Some(State::Damaged(_, findings)) => {
            let mut failure = Failure::new(Exit::Refused, format!("backup {id} is damaged; nothing was touched"));
            for finding in findings {
                failure = failure.because(finding.to_string());
            }
            Err(failure.hint("without `--name` it is the newest that is whole"))
        }
        _ => Err(Failure::new(Exit::Refused, format!("backup {id} was never finished, or is not to be believed"))
            .hint("`jewelctl backup list` says which; without `--name` it is the newest that is whole")),
    }
}

/// The newest of what outlives a database.
async fn newest(shop: &Shop) -> Result<Chosen, Failure> {
    let outputs = shop.outputs().await?;
    let snapshots = restore::snapshots(&shop.clients, &shop.spec()).await?;
    let backups = Kept::open(shop, &outputs).await?.newest().await?;
    let snapshots = snapshots.into_iter().map(|(name, at)| (Source::Snapshot(name), at));
    let newest = snapshots.chain(backups.map(|(id, at)| (Source::Backup(id), at))).max_by_key(|(_, at)| *at);
    newest.map(|(source, at)| (source, Some(at))).ok_or_else(|| {
        Failure::new(Exit::Refused, "the database is gone, and there is neither a snapshot nor a backup of it")
            .hint("delete its secret and run `jewelctl up` for an empty one")
    })
}
