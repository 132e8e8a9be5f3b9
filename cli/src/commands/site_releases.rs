//! The site's part of `jewelctl releases` and `jewelctl rollback`.

use std::time::Duration;

use jewel_runbooks::{SiteEvent, SiteRelease, put_back_site, site_releases};
use serde_json::{Value, json};

use crate::Run;
use crate::args::RollbackArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::{Shop, lock};

/// Prints the site's releases, the newest first.
pub async fn list(run: &Run) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let (releases, current) = site_releases(&context).await?;
    let state = |release: &SiteRelease| if current.as_ref() == Some(&release.id) { "current" } else { "kept" };
    let objects: Vec<Value> = releases
        .iter()
        .map(|release| json!({ "id": release.id, "state": state(release), "files": release.files.len() }))
        .collect();
    run.ui.result(&json!({ "releases": objects }), || {
        let row =
            |release: &SiteRelease| [release.id.clone(), state(release).to_owned(), release.files.len().to_string()];
        ui::table(["release", "state", "files"], releases.iter().map(row))
    });
    Ok(Exit::Done)
}

/// Puts one of them back.
pub async fn put_back(run: &Run, args: &RollbackArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let (releases, current) = site_releases(&context).await?;
    let wanted = chosen(&releases, current.as_deref(), args.release.as_deref())?;
    if args.dry_run {
        run.ui.result(&json!({ "would_put_back": wanted.id, "files": wanted.files.len() }), || {
            format!("would put release {} of the site back ({} files)", wanted.id, wanted.files.len())
        });
        return Ok(Exit::Done);
    }
    let phase = run.ui.phase("Site");
    let report = lock::holding(run, &shop, Duration::ZERO, async |_| {
        let mut tell = |event: SiteEvent| {
            run.ui.event("rollback-site", &event);
            if let SiteEvent::Sent { key } = event {
                phase.now(&key);
            }
        };
        Ok(put_back_site(&context, wanted, &mut tell).await?)
    })
    .await?;
    phase.done(&format!("{} files put back, {} unchanged", report.sent, report.unchanged));
    run.ui.result(&report, || format!("visitors see release {} of the site", wanted.id));
    Ok(Exit::Done)
}

fn chosen<'a>(
    releases: &'a [SiteRelease],
    current: Option<&str>,
    named: Option<&str>,
) -> Result<&'a SiteRelease, Failure> {
    let see = "`jewelctl releases --site` lists what can be put back";
    if let Some(name) = named {
        let mut found = releases.iter().filter(|release| release.id.starts_with(name));
        return match (found.next(), found.next()) {
            (Some(release), None) => Ok(release),
            (Some(_), Some(_)) => {
                Err(Failure::new(Exit::Usage, format!("several releases of the site begin with {name}")).hint(see))
            }
            (None, _) => Err(Failure::new(Exit::Usage, format!("the site has no release {name}")).hint(see)),
        };
    }
    // They are sorted by time, the newest first.
    let before = releases.iter().find(|release| current.is_some_and(|current| release.id.as_str() < current));
    before.ok_or_else(|| {
        Failure::new(Exit::Refused, "the site has no release before the one that visitors see").hint(see)
    })
}
