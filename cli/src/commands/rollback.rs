//! `jewelctl rollback`: an earlier release, put into service as a deployment puts a new one.

use std::time::Duration;

use jewel_host::{Origin, Release};
use jewel_runbooks::{Reach, SchemaNow, rollback};
use serde_json::json;

use super::{deploy, releases};
use crate::Run;
use crate::args::RollbackArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// Goes back, on one instance after the other; every one has to have the release before the first one changes.
pub async fn run(run: &Run, args: &RollbackArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let wanted = args.release.as_deref();
    if args.dry_run {
        let (id, current) =
            context.on_every(async |reaches| choose(reaches, wanted).await.map(|chosen| chosen.summary())).await?;
        let names: Vec<&str> = outputs.instances.iter().map(|one| one.name.as_str()).collect();
        run.ui.result(&json!({ "release": id, "current": current, "instances": names }), || {
            let (names, current) = (names.join(", then "), current.as_deref().unwrap_or("nothing"));
            format!("would put {id} back into service on {names}, in the place of {current}")
        });
        return Ok(Exit::Done);
    }
    let report = lock::holding(run, &shop, Duration::ZERO, async |_| {
        context
            .on_every(async |reaches| {
                let chosen = choose(reaches, wanted).await?;
                let mut first = None;
                for (number, (reach, release)) in (1..).zip(reaches.iter().zip(&chosen.releases)) {
                    let last = number == reaches.len();
                    let report =
                        deploy::one(run, &shop, reach, deploy::Wanted::new(Origin::Kept(release)), last).await?;
                    first.get_or_insert(report);
                }
                first.ok_or_else(|| Failure::new(Exit::Failed, "the shop has no instance"))
            })
            .await
    })
    .await?;
    run.ui.result(&report, || match (&report.changed, &report.previous) {
        (false, _) => format!("{} serves already", report.release),
        (true, Some(previous)) => format!("{} serves again; {previous} did before", report.release),
        (true, None) => format!("{} serves again", report.release),
    });
    Ok(Exit::Done)
}

/// The release as each instance has it.
struct Chosen {
    releases: Vec<Release>,
    current: Option<String>,
}

impl Chosen {
    fn summary(&self) -> (String, Option<String>) {
        (self.releases.first().map(|release| release.id.clone()).unwrap_or_default(), self.current.clone())
    }
}

/// Which release is meant on the first instance, and that same one on the others; refused before anything is changed
/// where one lacks it or the schema has grown away from it.
async fn choose(reaches: &[Reach<'_>], wanted: Option<&str>) -> Result<Chosen, Failure> {
    let states = releases::states(reaches).await?;
    let mut wanted = wanted.map(str::to_owned);
    let mut chosen = Vec::new();
    for (instance, state) in &states {
        let release = rollback::choose(instance, state, wanted.as_deref())?;
        wanted = Some(release.id.clone());
        chosen.push(release.clone());
    }
    if let (Some(reach), Some(release)) = (reaches.first(), chosen.first()) {
        SchemaNow::read(reach).await?.allows(release)?;
    }
    let current = states.first().and_then(|(_, state)| state.current.clone());
    Ok(Chosen { releases: chosen, current })
}
