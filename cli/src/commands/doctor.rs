//! `jewelctl doctor`: what is missing on this machine, and the line that mends it.

use jewel_localcloud::doctor::{self, Check};
use serde_json::json;

use crate::Run;
use crate::args::{DoctorArgs, Target};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::settings::Settings;
use crate::ui;
use crate::wiring::{Shop, local_options};

/// Checks, and with `--fix` installs.
pub async fn run(run: &Run, args: &DoctorArgs) -> Outcome {
    match run.global.target {
        Target::Local => local(run, args.fix).await,
        Target::Aws => aws(run).await,
    }
}

/// Makes sure the local cloud can run here, installing what is missing after consent.
pub async fn ensure_local(run: &Run) -> Result<(), Failure> {
    let checks = doctor::check(&local_options(run)?).await;
    if checks.iter().all(|check| check.ok) {
        return Ok(());
    }
    fix(run, &checks).await?;
    let left: Vec<Check> = doctor::check(&local_options(run)?).await.into_iter().filter(|check| !check.ok).collect();
    if left.is_empty() { Ok(()) } else { Err(missing(&left)) }
}

async fn local(run: &Run, wants_fix: bool) -> Outcome {
    let mut checks = doctor::check(&local_options(run)?).await;
    if wants_fix && checks.iter().any(|check| !check.ok) {
        fix(run, &checks).await?;
        checks = doctor::check(&local_options(run)?).await;
    }
    let install = doctor::install_command(&checks).map(|command| command.join(" "));
    let ok = checks.iter().all(|check| check.ok);
    // A machine can be looked at without any shop on it.
    let closed = match Shop::open(run).await {
        Ok(shop) => close_doors(run, &shop).await?,
        Err(_) => Vec::new(),
    };
    run.ui.result(&json!({ "ok": ok, "checks": checks, "install": install, "closed": closed }), || {
        let rows = checks.iter().map(|check| {
            [if check.ok { "ok" } else { "missing" }.to_owned(), check.name.to_string(), check.detail.to_string()]
        });
        let mut text = ui::table(["", "check", "detail"], rows);
        if let Some(install) = &install {
            text.push_str(&format!(
                "\n\ninstall what is missing:\n  {install}\nor let me: jewelctl doctor --target local --fix"
            ));
        }
        text
    });
    Ok(if ok { Exit::Done } else { Exit::CheckFailed })
}

async fn fix(run: &Run, checks: &[Check]) -> Result<(), Failure> {
    let Some(command) = doctor::install_command(checks) else {
        let left: Vec<Check> = checks.iter().filter(|check| !check.ok).cloned().collect();
        return Err(missing(&left));
    };
    run.ui.consent(&format!("Install system packages with `{}`?", command.join(" ")))?;
    let phase = run.ui.phase("System packages");
    doctor::fix(checks, &mut |event| phase.now(&ui::words::local(&event))).await?;
    phase.done("installed");
    Ok(())
}

fn missing(left: &[Check]) -> Failure {
    let lines: Vec<String> = left.iter().map(|check| format!("{}: {}", check.name, check.detail)).collect();
    Failure::new(Exit::CheckFailed, format!("this machine cannot run the local cloud\n  {}", lines.join("\n  ")))
        .hint("`jewelctl doctor --target local` shows every check")
}

/// On AWS: the file, the credentials, the account.
async fn aws(run: &Run) -> Outcome {
    let settings = Settings::load(&run.global)?;
    let shop = Shop::connect(run, settings).await?;
    let closed = close_doors(run, &shop).await?;
    let rows = [
        ("configuration", run.global.config.display().to_string()),
        ("account", shop.account_id.clone()),
        ("region", shop.settings.file.region.clone()),
    ];
    let (account, region) = (&shop.account_id, &shop.settings.file.region);
    run.ui.result(&json!({ "ok": true, "account_id": account, "region": region, "closed": closed }), || {
        ui::table(["", "check", "detail"], rows.map(|(name, detail)| ["ok".to_owned(), name.to_owned(), detail]))
    });
    Ok(Exit::Done)
}

/// Closes port 22 where a command that was killed left it open.
async fn close_doors(run: &Run, shop: &Shop) -> Result<Vec<String>, Failure> {
    let Ok(outputs) = shop.outputs().await else { return Ok(Vec::new()) };
    let closed = jewel_runbooks::close_doors(&shop.clients, &outputs).await?;
    for instance in &closed {
        run.ui.say(&format!("port 22 of {instance} was left open by a command that was killed; it is closed now"));
    }
    Ok(closed)
}
