//! `jewelctl status`: what runs, and whether the shop answers a visitor.

use std::time::Duration;

use jewel_engine::Readiness;
use serde::Serialize;

use super::plan::look;
use crate::Run;
use crate::args::StatusArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::ui;
use crate::wiring::Shop;

#[derive(Debug, Serialize)]
struct Status {
    healthy: bool,
    url: Option<String>,
    resources: Vec<Line>,
    probes: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    name: String,
    healthy: bool,
    detail: String,
}

/// Whether customers may pay as the settings say: these count from a deploy on.
async fn payments(shop: &Shop, url: &str) -> Line {
    let wanted: Vec<&str> = shop.settings.file.payments.methods.iter().map(|method| method.name()).collect();
    let offered = jewel_runbooks::payments::offered(url).await;
    let healthy = offered.as_ref().is_some_and(|offered| *offered == wanted);
    let detail = match offered {
        Some(offered) if healthy => offered.join(", "),
        Some(offered) => format!(
            "offers {}, and jewel.toml says {}; `jewelctl deploy api` delivers it",
            offered.join(", "),
            wanted.join(", ")
        ),
        None => "the shop does not say how one may pay".to_owned(),
    };
    Line { name: "payments".to_owned(), healthy, detail }
}

/// Prints it.
pub async fn run(run: &Run, args: &StatusArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let seen = look(run, &shop).await?;
    let resources: Vec<Line> = seen
        .observed
        .iter()
        .filter(|(address, _)| seen.stack.wants(address.as_str()))
        .map(|(address, observation)| {
            let (healthy, detail) = match observation.found().map(|found| &found.readiness) {
                None => (false, "does not exist".to_owned()),
                Some(Readiness::Ready) => (true, "ready".to_owned()),
                Some(Readiness::Waiting(status)) => (false, status.clone()),
                Some(Readiness::Failed(why)) => (false, format!("failed: {why}")),
            };
            Line { name: address.to_string(), healthy, detail }
        })
        .collect();
    let mut status =
        Status { healthy: resources.iter().all(|line| line.healthy), url: None, resources, probes: Vec::new() };
    if let Some(outputs) = jewel_aws::outputs(&seen.observed.outputs()) {
        let url = shop.url(&outputs).await?;
        let health =
            jewel_runbooks::check(&jewel_runbooks::Check { url: &url, within: Duration::ZERO, pass: None }).await;
        status.healthy &= health.healthy;
        status.probes = health
            .probes
            .into_iter()
            .map(|probe| Line {
                name: probe.name.to_owned(),
                healthy: probe.failure.is_none(),
                detail: match probe.failure {
                    None => format!("{} ms", probe.elapsed_ms),
                    Some(failure) => format!("{failure} ({})", probe.url),
                },
            })
            .collect();
        // The API is down or up whatever key it has; but with an old one it will not be for long.
        let delivered = jewel_runbooks::is_delivered(&shop.clients, &outputs.api_secret).await?;
        status.healthy &= delivered;
        status.probes.push(Line {
            name: "api-key".to_owned(),
            healthy: delivered,
            detail: if delivered {
                "the current one, and all other secrets, are on the instance"
            } else {
                "it or another secret changed; `jewelctl deploy api` delivers it"
            }
            .to_owned(),
        });
        let payments = payments(&shop, &url).await;
        status.healthy &= payments.healthy;
        status.probes.push(payments);
        status.url = Some(url);
    }
    run.ui.result(&status, || {
        let not_well = status.resources.iter().filter(|line| !line.healthy);
        let well = status.resources.iter().filter(|line| line.healthy).count();
        let summary = Line { name: "resources".into(), healthy: true, detail: format!("{well} ready") };
        let rows = std::iter::once(&summary)
            .chain(not_well)
            .chain(&status.probes)
            .map(|line| [if line.healthy { "ok" } else { "bad" }.to_owned(), line.name.clone(), line.detail.clone()]);
        let table = ui::table(["", "part", "detail"], rows);
        match &status.url {
            Some(url) => format!("{table}\n\n{} is at {url}", shop.settings.name()),
            None => format!("{table}\n\n{} is not provisioned; `jewelctl up` brings it up", shop.settings.name()),
        }
    });
    Ok(if args.exit_code && !status.healthy { Exit::CheckFailed } else { Exit::Done })
}
