//! `jewelctl restore media` and `jewelctl restore site`: what the buckets keep of the past, put back.

use std::time::Duration;

use jewel_runbooks::restore::{MediaReport, restore_media};
use jewel_runbooks::{SiteEvent, put_back_site, site_releases};
use jiff::Timestamp;
use serde_json::json;

use crate::Run;
use crate::args::RestoreObjectsArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// The pictures, as they were.
pub(super) async fn media(run: &Run, args: &RestoreObjectsArgs) -> Outcome {
    in_the_past(args.at)?;
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let foreseen = restore_media(&context, args.at, true).await?;
    if args.dry_run || foreseen.deleted.is_empty() && foreseen.overwritten.is_empty() {
        run.ui.result(&foreseen, || words("would be", &foreseen));
        return Ok(Exit::Done);
    }
    run.ui.say(&words("are to be", &foreseen));
    run.ui.consent(&format!("Put them back in account {}?", shop.account_id))?;
    let phase = run.ui.phase("Pictures");
    let report =
        lock::holding(run, &shop, Duration::ZERO, async |_| Ok(restore_media(&context, args.at, false).await?)).await?;
    phase.done(&words("were", &report));
    run.ui.result(&report, || words("were", &report));
    Ok(Exit::Done)
}

fn words(are: &str, report: &MediaReport) -> String {
    format!(
        "{} deleted and {} overwritten pictures {are} put back; {} are as they were, {} came later and stay",
        report.deleted.len(),
        report.overwritten.len(),
        report.unchanged,
        report.later
    )
}

/// The site's last release before the time.
pub(super) async fn site(run: &Run, args: &RestoreObjectsArgs) -> Outcome {
    in_the_past(args.at)?;
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let (releases, _) = site_releases(&context).await?;
    let see = "`jewelctl releases --site` lists what can be put back";
    let wanted = releases.iter().find(|release| release.published_at <= args.at).ok_or_else(|| {
        Failure::new(Exit::Refused, format!("the site had no release at {} that is still kept", args.at)).hint(see)
    })?;
    if args.dry_run {
        run.ui.result(&json!({ "would_put_back": wanted.id, "files": wanted.files.len() }), || {
            format!("would put release {} of the site back ({} files)", wanted.id, wanted.files.len())
        });
        return Ok(Exit::Done);
    }
    let phase = run.ui.phase("Site");
    let report = lock::holding(run, &shop, Duration::ZERO, async |_| {
        let mut tell = |event: SiteEvent| {
            run.ui.event("restore-site", &event);
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

fn in_the_past(at: Timestamp) -> Result<(), Failure> {
    if at <= Timestamp::now() {
        return Ok(());
    }
    Err(Failure::new(Exit::Usage, format!("{at} is yet to come")))
}
