//! `jewelctl maintenance`: close the shop, let its people in, open it again.

use std::time::Duration;

use jewel_aws::Closed;
use jewel_runbooks::{Context, maintenance};
use serde_json::{Value, json};

use crate::Run;
use crate::args::{MaintenanceCommand, Target};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// How long visitors are asked after. CloudFront takes a function to all its places within seconds, but promises none.
const SEEN_WITHIN: Duration = Duration::from_secs(120);

/// How long CloudFront takes, in words.
const AWS_TAKES: &str = "CloudFront takes it to all its places within seconds, at times a minute";

/// Runs one of them.
pub async fn run(run: &Run, command: MaintenanceCommand) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let url = shop.url(&outputs).await?;
    let before = jewel_aws::closed(&shop.spec(), &shop.clients).await?;
    match command {
        MaintenanceCommand::Status => {
            let text = || match &before {
                Some(closed) => format!("{url} is closed; {} lets you in", link(&url, closed)),
                None => format!("{url} is open"),
            };
            run.ui.result(&describe(&url, before.as_ref()), text);
        }
        MaintenanceCommand::On { message, retry_after, dry_run } => {
            // Who was given the link before keeps it.
            let pass = before.map(|before| before.pass);
            let fresh = Closed::new(retry_after);
            let closed = Closed { pass: pass.unwrap_or(fresh.pass), retry_after };
            if dry_run {
                run.ui.result(&json!({ "would_close": url, "message": message }), || {
                    format!("would close {url}; {AWS_TAKES}")
                });
                return Ok(Exit::Done);
            }
            let context = shop.context(&outputs).await?;
            let took = turn(run, &shop, &context, &url, Some((&closed, message.as_deref()))).await?;
            let mut result = describe(&url, Some(&closed));
            result["took_ms"] = json!(took);
            run.ui.result(&result, || format!("{url} is closed; {} lets you in", link(&url, &closed)));
        }
        MaintenanceCommand::Off { dry_run } => {
            if dry_run {
                run.ui.result(&json!({ "would_open": url }), || format!("would open {url}; {AWS_TAKES}"));
                return Ok(Exit::Done);
            }
            let context = shop.context(&outputs).await?;
            let took = turn(run, &shop, &context, &url, None).await?;
            let mut result = describe(&url, None);
            result["took_ms"] = json!(took);
            run.ui.result(&result, || format!("{url} is open"));
        }
    }
    Ok(Exit::Done)
}

/// Turns the key and waits until visitors notice; gives the milliseconds that took.
async fn turn(
    run: &Run,
    shop: &Shop,
    context: &Context<'_>,
    url: &str,
    closed: Option<(&Closed, Option<&str>)>,
) -> Result<u64, Failure> {
    let phase = run.ui.phase("Door");
    if run.global.target == Target::Aws {
        phase.now(AWS_TAKES);
    }
    let spec = shop.spec();
    lock::holding(run, shop, Duration::ZERO, async |_| {
        match closed {
            Some((closed, message)) => maintenance::close(context, &spec, closed, message).await?,
            None => maintenance::open(context, &spec).await?,
        }
        Ok(())
    })
    .await?;
    let state = if closed.is_some() { "closed" } else { "open" };
    let Some(took) = maintenance::seen(url, closed.is_some(), SEEN_WITHIN).await else {
        let seconds = SEEN_WITHIN.as_secs();
        return Err(Failure::new(
            Exit::CheckFailed,
            format!("visitors of {url} do not see it {state} after {seconds} s"),
        )
        .hint("the change was accepted; `jewelctl maintenance status` and a look at the shop tell when it is there"));
    };
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    phase.done(&format!("visitors see it {state}"));
    Ok(took)
}

fn describe(url: &str, closed: Option<&Closed>) -> Value {
    json!({
        "url": url,
        "closed": closed.is_some(),
        "retry_after": closed.map(|closed| closed.retry_after),
        "pass_url": closed.map(|closed| link(url, closed)),
    })
}

fn link(url: &str, closed: &Closed) -> String {
    format!("{url}/?jewel-pass={}", closed.pass)
}
