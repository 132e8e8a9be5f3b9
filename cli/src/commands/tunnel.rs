//! `jewelctl tunnel`: a port on this machine that leads to the private database.

use std::time::Duration;

use jewel_runbooks::{Reach, database};
use serde_json::json;

use crate::Run;
use crate::args::TunnelCommand;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::Shop;

/// How often it is seen whether the connection still stands.
const LOOK: Duration = Duration::from_secs(1);

/// Opens it and holds it until Ctrl-C.
pub async fn run(run: &Run, command: &TunnelCommand) -> Outcome {
    let TunnelCommand::Database { port } = *command;
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let context = shop.context(&outputs).await?;
    context.on_instance(async |reach| database(run, reach, port).await).await
}

async fn database(run: &Run, reach: &Reach<'_>, port: u16) -> Outcome {
    let database = database::open_at(reach, port).await?;
    let (secret, local) = (database.secret(), database.local());
    let (host, port, name) = (local.ip(), local.port(), &reach.context().outputs.database_secret);
    let told = json!({
        "host": host, "port": port, "database": secret.dbname, "username": secret.username, "secret": name,
    });
    run.ui.result(&told, || {
        format!(
            "the database is at {local} until Ctrl-C\n\n  \
             mysql --host={host} --port={port} --user={} --password --ssl-mode=REQUIRED {}\n\n\
             and its password is in the secret {name}:\n\n  \
             aws secretsmanager get-secret-value --secret-id {name} --query SecretString --output text | jq -r .password",
            secret.username, secret.dbname,
        )
    });
    let mut look = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            () = run.cancel.cancelled() => return Ok(Exit::Done),
            _ = look.tick() => if reach.session().is_closed() {
                return Err(Failure::new(Exit::Failed, format!("the connection to {} ended", reach.instance()))
                    .hint("run the command again"));
            },
        }
    }
}
