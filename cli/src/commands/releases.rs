//! `jewelctl releases`: what is on the instances, and what of it serves.

use jewel_host::{Release, State};
use jewel_runbooks::Reach;
use serde_json::{Value, json};

use crate::Run;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// Prints them.
pub async fn run(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let states = context.on_every(async |reaches| states(reaches).await).await?;
    let all = || states.iter().flat_map(|(name, state)| state.releases.iter().map(move |one| (name, state, one)));
    let objects: Vec<Value> = all().map(|(name, state, release)| object(name, state, release)).collect();
    run.ui.result(&json!({ "releases": objects }), || {
        let rows = all().map(|(name, state, release)| {
            let about = release.about.as_ref();
            [
                name.clone(),
                release.id.clone(),
                word(state, release).to_owned(),
                release.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
                about.map_or_else(|| "?".to_owned(), |about| about.schema_version.to_string()),
                about.and_then(|about| about.revision.clone()).unwrap_or_else(|| "?".to_owned()),
            ]
        });
        ui::table(["instance", "release", "state", "since", "schema", "revision"], rows)
    });
    Ok(Exit::Done)
}

/// How each instance is, in the order of the instances.
pub async fn states(reaches: &[Reach<'_>]) -> Result<Vec<(String, State)>, Failure> {
    let asking = reaches.iter().map(async |reach| {
        let state = jewel_host::inspect(reach.session()).await?;
        Ok::<_, Failure>((reach.instance().to_owned(), state))
    });
    futures::future::try_join_all(asking).await
}

fn word(state: &State, release: &Release) -> &'static str {
    let previous = state.previous().is_some_and(|previous| previous.id == release.id);
    match (release.current, previous, release.served) {
        (true, ..) => "current",
        (_, true, _) => "previous",
        (_, _, true) => "kept",
        (_, _, false) => "rejected",
    }
}

fn object(instance: &str, state: &State, release: &Release) -> Value {
    let about = release.about.as_ref();
    json!({
        "instance": instance,
        "id": release.id,
        "state": word(state, release),
        "at": release.at,
        "version": about.map(|about| &about.version),
        "revision": about.and_then(|about| about.revision.as_ref()),
        "schema_version": about.map(|about| about.schema_version),
    })
}
