//! `jewelctl snapshot`: copies that Lightsail makes of the database and the machines, and that outlive them.

mod create;
mod keep;
mod list;
mod prune;

use jewel_aws::{Instances, Machine, SnapshotOf, SnapshotSight};

use crate::Run;
use crate::args::{SnapshotCommand, SnapshotWhat};
use crate::failure::{Failure, Outcome};
use crate::wiring::Shop;

/// Runs one of them.
pub async fn run(run: &Run, command: SnapshotCommand) -> Outcome {
    match command {
        SnapshotCommand::Create(args) => create::run(run, &args).await,
        SnapshotCommand::Keep { dry_run } => keep::run(run, dry_run).await,
        SnapshotCommand::List { what } => list::run(run, what).await,
        SnapshotCommand::Prune(args) => prune::run(run, &args).await,
    }
}

/// The machines in use, each with what its snapshots are of.
async fn machines(shop: &Shop) -> Result<Vec<(SnapshotOf, String)>, Failure> {
    let spec = shop.spec();
    let mut all = Vec::new();
    for number in 1..=spec.api.instances {
        let machine = Machine::numbered(number);
        let current = Instances::new(&spec, &shop.clients, machine.clone()).current().await?;
        all.push((SnapshotOf::Instance(machine), current));
    }
    Ok(all)
}

/// Whether it is one of those that are asked for.
fn is_meant(what: SnapshotWhat, sight: &SnapshotSight) -> bool {
    match sight.of {
        SnapshotOf::Database => what.has_database(),
        SnapshotOf::Instance(_) => what.has_instances(),
    }
}
