//! `jewelctl local …`: the cloud on this machine.

use jewel_localcloud as localcloud;
use jewel_localcloud::Endpoints;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};

use crate::Run;
use crate::args::LocalCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::local_options;

/// Runs one of them.
pub async fn run(run: &Run, command: LocalCommand) -> Outcome {
    match command {
        LocalCommand::Up => {
            let endpoints = up(run).await?;
            run.ui.result(&public(&endpoints), || {
                format!("the local cloud is up; point the AWS CLI at it with: eval \"$(jewelctl local env)\"\ngateway {}  lightsail {}", endpoints.gateway, endpoints.lightsail)
            });
        }
        LocalCommand::Down { dry_run } => down(run, dry_run).await?,
        LocalCommand::Status => return status(run).await,
        LocalCommand::Reset { dry_run } => reset(run, dry_run).await?,
        LocalCommand::Env => env(run).await?,
        LocalCommand::Daemon => localcloud::daemon::run(&local_options(run)?).await?,
    }
    Ok(Exit::Done)
}

/// Starts the local cloud, or finds it running.
pub async fn up(run: &Run) -> Result<Endpoints, Failure> {
    let options = local_options(run)?;
    let phase = run.ui.phase("Local cloud");
    let stream = run.ui.clone();
    let mut report = |event: localcloud::Event| {
        stream.event("local", &event);
        phase.now(&ui::words::local(&event));
    };
    let starting = localcloud::up(&options, &mut report);
    let endpoints = tokio::select! {
        endpoints = starting => endpoints?,
        () = run.cancel.cancelled() => return Err(Failure::interrupted("starting the local cloud")),
    };
    phase.done(&endpoints.gateway);
    Ok(endpoints)
}

async fn down(run: &Run, dry_run: bool) -> Result<(), Failure> {
    let options = local_options(run)?;
    if dry_run {
        let runs = localcloud::endpoints(&options).await?.is_some();
        let what = if runs { "would stop the local cloud; everything in it is kept" } else { "it does not run" };
        run.ui.result(&json!({ "would_stop": runs }), || what.to_owned());
        return Ok(());
    }
    let phase = run.ui.phase("Stopping the local cloud");
    localcloud::down(&options, &mut |event| phase.now(&ui::words::local(&event))).await?;
    phase.done("everything in it is kept");
    run.ui.result(&json!({ "stopped": true }), || "the local cloud is down".to_owned());
    Ok(())
}

async fn reset(run: &Run, dry_run: bool) -> Result<(), Failure> {
    let options = local_options(run)?;
    let data = options.data_dir.display().to_string();
    if dry_run {
        run.ui.result(&json!({ "would_erase": data }), || format!("would stop the local cloud and erase {data}"));
        return Ok(());
    }
    run.ui.consent(&format!("Erase the local cloud and all its data in {data}?"))?;
    let phase = run.ui.phase("Erasing the local cloud");
    localcloud::reset(&options, &mut |event| phase.now(&ui::words::local(&event))).await?;
    phase.done(&data);
    run.ui.result(&json!({ "erased": data }), || "the local cloud is gone; its base image stays cached".to_owned());
    Ok(())
}

async fn status(run: &Run) -> Outcome {
    let status = localcloud::status(&local_options(run)?).await?;
    run.ui.result(&status, || {
        let rows = status.parts.iter().map(|part| {
            let state = if part.healthy { "healthy" } else { "not healthy" };
            [part.name.clone(), state.to_owned(), part.detail.clone()]
        });
        ui::table(["part", "state", "detail"], rows)
    });
    Ok(if status.healthy { Exit::Done } else { Exit::CheckFailed })
}

async fn env(run: &Run) -> Result<(), Failure> {
    let Some(endpoints) = localcloud::endpoints(&local_options(run)?).await? else {
        return Err(Failure::new(Exit::Failed, "the local cloud does not run").hint("jewelctl local up"));
    };
    let variables = [
        ("AWS_ACCESS_KEY_ID", endpoints.access_key_id.as_str()),
        ("AWS_SECRET_ACCESS_KEY", endpoints.secret_access_key.expose_secret()),
        ("AWS_REGION", endpoints.region.as_str()),
        ("AWS_DEFAULT_REGION", endpoints.region.as_str()),
        ("AWS_ENDPOINT_URL", endpoints.gateway.as_str()),
        ("AWS_ENDPOINT_URL_LIGHTSAIL", endpoints.lightsail.as_str()),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    if run.ui.json() {
        let object: serde_json::Map<String, Value> =
            variables.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))).collect();
        run.ui.result(&object, String::new);
    } else {
        let mut lines: Vec<String> = variables.iter().map(|(name, value)| format!("export {name}='{value}'")).collect();
        // A session token or a profile of the real account would win over these.
        lines.push("unset AWS_SESSION_TOKEN AWS_PROFILE".into());
        run.ui.raw(&lines.join("\n"));
    }
    Ok(())
}

/// What may be shown of the endpoints: all but the secret.
pub fn public(endpoints: &Endpoints) -> Value {
    json!({
        "gateway": endpoints.gateway,
        "lightsail": endpoints.lightsail,
        "region": endpoints.region,
        "account_id": endpoints.account_id,
    })
}
