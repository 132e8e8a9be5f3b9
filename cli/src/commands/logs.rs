//! `jewelctl logs`: what the API writes, from all instances.

use std::sync::atomic::{AtomicU64, Ordering};

use futures::future::try_join_all;
use jewel_host::{LogLine, LogQuery};
use serde_json::json;

use crate::Run;
use crate::args::LogsArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::Shop;

/// Prints them, and with `--follow` goes on until Ctrl-C or until nobody reads any more.
pub async fn run(run: &Run, args: &LogsArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    let query =
        LogQuery { since: args.since, everything: args.grep.is_some() && args.since.is_none(), follow: args.follow };
    let several = outputs.instances.len() > 1;
    let printed = AtomicU64::new(0);
    let enough = run.cancel.child_token();
    let show = |instance: &str, line: LogLine| {
        if args.grep.as_ref().is_some_and(|text| !line.message.contains(text.as_str())) {
            return;
        }
        printed.fetch_add(1, Ordering::Relaxed);
        let event = json!({ "instance": instance, "at": line.at, "from": line.from, "message": line.message });
        let read = run.ui.log("logs", &event, || {
            let at = line.at.strftime("%Y-%m-%d %H:%M:%S%.3fZ");
            let place = if several { format!(" {instance}") } else { String::new() };
            format!("{at}{place} {}: {}", line.from, line.message)
        });
        if !read {
            enough.cancel();
        }
    };
    context
        .on_every(async |reaches| {
            let reading = reaches.iter().map(async |reach| {
                let instance = reach.instance();
                reach.session().log(&query, &mut |line| show(instance, line)).await
            });
            tokio::select! {
                read = try_join_all(reading) => read.map(drop).map_err(Failure::from),
                () = enough.cancelled() => Ok(()),
            }
        })
        .await?;
    if run.ui.json() {
        run.ui.result(&json!({ "lines": printed.into_inner() }), String::new);
    }
    Ok(Exit::Done)
}
