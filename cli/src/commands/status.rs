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
        let health = jewel_runbooks::check(&jewel_runbooks::Check { url: &url, within: Duration::ZERO }).await;
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
                "the current one is on the instance"
            } else {
                "changed; `jewelctl deploy api` delivers it"
            }
            .to_owned(),
        });
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
