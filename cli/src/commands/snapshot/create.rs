//! `jewelctl snapshot create`.

use std::time::Duration;

use jewel_aws::{Databases, SnapshotOf, SnapshotSight, Snapshots, snapshots_usd};
use jewel_runbooks::snapshots::{self, Window};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::machines;
use crate::Run;
use crate::args::SnapshotCreateArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// One that is to be taken.
struct Wanted {
    of: SnapshotOf,
    source: String,
    name: String,
    /// The standard plan of a database that does not answer meanwhile.
    interrupts: Option<String>,
}

/// Says what will be taken, asks, takes, waits.
pub(super) async fn run(run: &Run, args: &SnapshotCreateArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let wanted = wanted(run, &shop, args).await?;
    let window = shop.settings.file.database.maintenance_window.clone();
    let now = Timestamp::now();
    if args.in_window {
        within(&wanted, &window, now)?;
    }
    let text = foretell(&wanted, &window, now);
    if args.dry_run {
        let values: Vec<Value> = wanted.iter().map(foretold).collect();
        run.ui.result(&json!({ "would_take": values }), || text);
        return Ok(Exit::Done);
    }
    run.ui.say(&text);
    run.ui.consent(&format!("Take {} in account {}?", counted(wanted.len()), shop.account_id))?;
    let taken = lock::holding(run, &shop, Duration::ZERO, async |_| take(run, &shop, &wanted).await).await?;
    let values: Vec<Value> = taken.iter().map(value).collect();
    run.ui.result(&json!({ "snapshots": values }), || {
        taken.iter().map(|one| format!("{} can be restored", one.name)).collect::<Vec<_>>().join("\n")
    });
    Ok(Exit::Done)
}

async fn wanted(run: &Run, shop: &Shop, args: &SnapshotCreateArgs) -> Result<Vec<Wanted>, Failure> {
    let (spec, now) = (shop.spec(), Timestamp::now());
    let mut all = Vec::new();
    let take = |of: SnapshotOf, source: String, interrupts: Option<String>| {
        let name = snapshots::name(&source, now);
        Wanted { of, source, name, interrupts }
    };
    if args.what.has_database() {
        if spec.database.external.is_some() {
            let what = "the shop's database is your own (`database.external`), and Lightsail takes no snapshots of it";
            if !args.what.has_instances() {
                return Err(Failure::new(Exit::Refused, what).hint("`jewelctl backup create` backs it up"));
            }
            run.ui.warn(what);
        } else {
            let current = jewel_aws::pointers(&spec, &shop.clients).await?.database;
            let sight = Databases::new(&spec, &shop.clients).sight(&current).await?;
            let sight = sight.filter(|sight| !sight.is_being_deleted()).ok_or_else(|| {
                Failure::new(Exit::Failed, format!("there is no database {current} to take a snapshot of"))
                    .hint("`jewelctl status` says what there is; page `database-gone` if it was lost")
            })?;
            let interrupts = snapshots::interrupts(&sight.bundle).then_some(sight.bundle);
            all.push(take(SnapshotOf::Database, current, interrupts));
        }
    }
    if args.what.has_instances() {
        all.extend(machines(shop).await?.into_iter().map(|(of, source)| take(of, source, None)));
    }
    Ok(all)
}

/// Refuses an interruption at another time than was set aside for it.
fn within(wanted: &[Wanted], window: &str, now: Timestamp) -> Result<(), Failure> {
    let is_open = Window::parse(window).is_some_and(|window| window.is_open(now));
    let Some(one) = wanted.iter().find(|one| one.interrupts.is_some() && !is_open) else { return Ok(()) };
    let why = format!("a snapshot of {} interrupts its service, and the maintenance window is not open", one.source);
    Err(Failure::new(Exit::Refused, why).hint(format!("{}; without `--in-window` it is taken now", next(window, now))))
}

fn next(window: &str, now: Timestamp) -> String {
    let Some((begins, ends)) = Window::parse(window).map(|parsed| parsed.next(now)) else {
        return format!("the maintenance window is {window}, UTC");
    };
    let (begins, ends) = (begins.strftime("%A %Y-%m-%d from %H:%M"), ends.strftime("%H:%M UTC"));
    format!("the next maintenance window is {begins} to {ends}")
}

fn foretell(wanted: &[Wanted], window: &str, now: Timestamp) -> String {
    let mut lines: Vec<String> = wanted.iter().map(|one| format!("snapshot {} of {}", one.name, one.source)).collect();
    for (one, bundle) in wanted.iter().filter_map(|one| Some((one, one.interrupts.as_ref()?))) {
        lines.push(format!(
            "{} is on a standard plan ({bundle}) and does not answer while its snapshot is taken: customers cannot buy \
             meanwhile; {}",
            one.source,
            next(window, now)
        ));
    }
    lines.join("\n")
}

fn foretold(one: &Wanted) -> Value {
    json!({ "name": one.name, "source": one.source, "interrupts": one.interrupts.is_some() })
}

/// Orders all of them before any is waited for.
async fn take(run: &Run, shop: &Shop, wanted: &[Wanted]) -> Result<Vec<SnapshotSight>, Failure> {
    let (spec, is_local) = (shop.spec(), shop.local.is_some());
    let (store, databases) = (Snapshots::new(&spec, &shop.clients), Databases::new(&spec, &shop.clients));
    let mut taken = Vec::new();
    for one in wanted {
        if one.of == SnapshotOf::Database {
            let phase = run.ui.phase("Database");
            let mut tell = |state: &str| phase.waits(state);
            snapshots::await_database(&databases, &one.source, is_local, &mut tell).await?;
            phase.done("nothing else is being done to it");
        }
        store.order(&one.of, &one.source, &one.name).await?;
        run.ui.event("snapshot", &json!({ "snapshot": one.name, "of": one.source, "state": "ordered" }));
    }
    for one in wanted {
        let phase = run.ui.phase("Snapshot");
        let mut tell = |state: &str| phase.waits(state);
        taken.push(snapshots::await_whole(&store, &one.of, &one.name, is_local, &mut tell).await?);
        if one.of == SnapshotOf::Database {
            // A standard plan's database comes back only now.
            snapshots::await_database(&databases, &one.source, is_local, &mut tell).await?;
        }
        run.ui.event("snapshot", &json!({ "snapshot": one.name, "of": one.source, "state": "available" }));
        phase.done(&one.name);
    }
    Ok(taken)
}

/// A snapshot for programs.
pub(super) fn value(one: &SnapshotSight) -> Value {
    json!({
        "name": one.name, "kind": if one.is_ours { "kept" } else { "foreign" }, "of": one.of.role(),
        "source": one.source, "at": snapshots::shows(one), "state": one.state, "gb": one.gb,
        "monthly_usd": one.gb.map(|gb| snapshots_usd(f64::from(gb)).as_f64()),
    })
}

/// So many snapshots, in words.
pub(super) fn counted(count: usize) -> String {
    if count == 1 { "1 snapshot".to_owned() } else { format!("{count} snapshots") }
}
