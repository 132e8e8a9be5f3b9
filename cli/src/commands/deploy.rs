//! `jewelctl deploy`: a release of the API, or the site's files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jewel_host::Origin;
use jewel_runbooks::{Context, DeployApi, DeploySite, Reach, SiteEvent, SiteReport};
use serde_json::json;

use super::migrate;
use crate::Run;
use crate::args::{DeployApiArgs, DeployCommand, DeploySiteArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::site::SiteFolder;
use crate::ui;
use crate::wiring::{Shop, lock};

/// Runs one of them.
pub async fn run(run: &Run, command: DeployCommand) -> Outcome {
    match command {
        DeployCommand::Api(args) => run_api(run, &args).await,
        DeployCommand::Site(args) => run_site(run, &args).await,
    }
}

async fn run_api(run: &Run, args: &DeployApiArgs) -> Outcome {
    let binary = find_binary(args.binary.as_deref())?;
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    shop.payments().check(&shop.clients, &outputs.api_secret).await?;
    if args.dry_run {
        let (digest, _) = jewel_host::digest(&binary).await?;
        let release = jewel_host::ReleaseId::new(VERSION, &digest).to_string();
        let names: Vec<&str> = outputs.instances.iter().map(|one| one.name.as_str()).collect();
        let migrate = !args.no_migrate;
        let shown = json!({ "release": release, "instances": names, "binary": binary, "migrate": migrate });
        run.ui.result(&shown, || {
            let (binary, names) = (binary.display(), names.join(", then "));
            let first = if migrate { "would apply pending migrations, then " } else { "would " };
            format!("{first}put {release} ({binary}) into service on {names}, unless it serves already")
        });
        return Ok(Exit::Done);
    }
    let context = shop.context(&outputs).await?;
    let release = Wanted { origin: from_here(&binary), ready_within: Duration::from_secs(args.ready_within) };
    let report = lock::holding(run, &shop, Duration::ZERO, async |_| {
        let first = async |reach: &Reach<'_>| {
            if !args.no_migrate {
                let database = jewel_runbooks::database::open(reach).await?;
                migrate::apply(run, &database, migrate::LOCK_WAIT).await?;
            }
            api(run, &shop, reach, release).await
        };
        let mut report = context.on_instance(first).await?;
        report.changed |= further(run, &shop, &context, release).await?;
        Ok(report)
    })
    .await?;
    run.ui.result(&report, || match (&report.changed, &report.previous) {
        (false, _) => format!("{} serves already", report.release),
        (true, Some(previous)) => format!("{} serves; {previous} did before", report.release),
        (true, None) => format!("{} serves", report.release),
    });
    Ok(Exit::Done)
}

async fn run_site(run: &Run, args: &DeploySiteArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    if args.dry_run {
        let folder = site_folder(&shop, args.dir.as_deref())?;
        let report = jewel_runbooks::compare_site(&context, folder.path()).await?;
        run.ui.result(&report, || {
            format!("would send {} files ({} bytes); {} are there already", report.sent, report.bytes, report.unchanged)
        });
        return Ok(Exit::Done);
    }
    let report =
        lock::holding(run, &shop, Duration::ZERO, async |_| site(run, &shop, &context, args.dir.as_deref()).await)
            .await?;
    run.ui.result(&report, || format!("{} files sent", report.sent));
    Ok(Exit::Done)
}

/// Puts the API into service on the first instance.
pub async fn api(run: &Run, shop: &Shop, reach: &Reach<'_>, wanted: Wanted<'_>) -> Result<jewel_host::Report, Failure> {
    let outputs = reach.context().outputs;
    one(run, shop, reach, wanted, outputs.instances.len() == 1).await
}

/// Puts it into service on the others, one after the other: what does not start on one leaves the rest as they are, and
/// there are always some that serve. Gives whether anything was changed.
pub async fn further(run: &Run, shop: &Shop, context: &Context<'_>, wanted: Wanted<'_>) -> Result<bool, Failure> {
    let mut changed = false;
    let instances = &context.outputs.instances;
    for (number, instance) in (1..).zip(instances).skip(1) {
        let last = number == instances.len();
        let work = async |reach: &Reach<'_>| one(run, shop, reach, wanted, last).await;
        changed |= context.on(instance, work).await?.changed;
    }
    Ok(changed)
}

/// What is to serve, and how long it may take to be ready.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Where it comes from.
    pub origin: Origin<'a>,
    /// From its start.
    pub ready_within: Duration,
}

impl<'a> Wanted<'a> {
    /// With the usual patience.
    pub const fn new(origin: Origin<'a>) -> Self {
        Self { origin, ready_within: DeployApi::READY_WITHIN }
    }
}

/// The binary of this machine as a release.
pub const fn from_here(binary: &Path) -> Origin<'_> {
    Origin::Here { binary, version: VERSION }
}

/// Puts a release into service on the instance that is reached; `last` when all others have it already.
pub async fn one(
    run: &Run,
    shop: &Shop,
    reach: &Reach<'_>,
    release: Wanted<'_>,
    last: bool,
) -> Result<jewel_host::Report, Failure> {
    let phase = run.ui.phase("API");
    let several = reach.context().outputs.instances.len() > 1;
    let place = if several { format!(" on {}", reach.instance()) } else { String::new() };
    let jwks = shop.jwks_url(reach.context().outputs);
    let namespace = jewel_aws::metrics_namespace(&shop.spec());
    let mut wanted = DeployApi::new(release.origin, &namespace, shop.payments(), shop.terms());
    wanted.ready_within = release.ready_within;
    wanted.jwks_url = jwks.as_deref();
    wanted.aws_endpoint = shop.aws_endpoint();
    wanted.last = last;
    let report = jewel_runbooks::deploy_api(reach, &wanted, &mut |event| {
        run.ui.event("deploy-api", &event);
        phase.now(&ui::words::rollout(&event));
    })
    .await?;
    let release = if report.changed { format!("{} serves", report.release) } else { "serves already".to_owned() };
    phase.done(&format!("{release}{place}"));
    Ok(report)
}

/// Publishes the site.
pub async fn site(run: &Run, shop: &Shop, context: &Context<'_>, dir: Option<&Path>) -> Result<SiteReport, Failure> {
    let folder = site_folder(shop, dir)?;
    let phase = run.ui.phase("Site");
    let report = jewel_runbooks::deploy_site(context, &DeploySite { folder: folder.path() }, &mut |event| {
        run.ui.event("deploy-site", &event);
        phase.now(&match event {
            SiteEvent::Compared { changed, .. } => format!("{changed} files to send"),
            SiteEvent::Sent { key } => key,
            SiteEvent::Removed { key } => format!("{key} is gone"),
            SiteEvent::Invalidated { .. } => "the CDN forgets the old pages".into(),
            _ => String::new(),
        });
    })
    .await?;
    phase.done(&format!("{} files sent, {} unchanged", report.sent, report.unchanged));
    Ok(report)
}

/// The API's binary: given, or the one beside this program.
///
/// # Errors
/// Exit 2 when there is none.
pub fn find_binary(given: Option<&Path>) -> Result<PathBuf, Failure> {
    let path = match given {
        Some(path) => path.to_path_buf(),
        None => std::env::current_exe()?.with_file_name("jewel-api"),
    };
    if path.is_file() {
        return Ok(path);
    }
    Err(Failure::new(Exit::Usage, format!("there is no `jewel-api` at {}", path.display()))
        .hint("build it with `cargo build --bin jewel-api`, or name it with `--binary PATH`"))
}

/// The API carries the version of the workspace it was built in; the release's id adds the binary's own digest.
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn site_folder(shop: &Shop, given: Option<&Path>) -> Result<SiteFolder, Failure> {
    match (given, &shop.settings.file.site.dir) {
        (Some(dir), _) => Ok(SiteFolder::Given(dir.to_path_buf())),
        (None, Some(dir)) => Ok(SiteFolder::Given(shop.settings.beside_file(dir))),
        (None, None) => SiteFolder::built_in(),
    }
}
