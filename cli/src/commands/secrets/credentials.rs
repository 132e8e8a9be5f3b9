//! `jewelctl secrets rotate aws-key` and `rotate database`: credentials that AWS makes, of which the old one dies at once.

use std::time::Duration;

use jewel_aws::Databases;
use jewel_runbooks::secrets::{rotate_aws_key, rotate_database_password};
use serde_json::json;

use super::DELIVER;
use crate::Run;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::{Shop, lock};

/// A new key for the API's user; the old ones are deleted.
pub(super) async fn aws_key(run: &Run, dry_run: bool) -> Outcome {
    let shop = Shop::open(run).await?;
    shop.outputs().await?;
    let away = "until then the API cannot write its journal, and refuses orders";
    if dry_run {
        return Ok(foretell(run, "aws-key", away));
    }
    run.ui.consent(&format!("Delete the API's key and make another? {away}"))?;
    let spec = shop.spec();
    lock::holding(run, &shop, Duration::ZERO, async |_| Ok(rotate_aws_key(&spec, &shop.clients).await?)).await?;
    Ok(done(run, "aws-key", away))
}

/// A new password for the database's master user, and with it for the API's.
pub(super) async fn database(run: &Run, dry_run: bool) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let spec = shop.spec();
    if spec.database.external.is_some() {
        let why = "the shop's database is your own (`database.external`): its password is yours to change";
        return Err(
            Failure::new(Exit::Refused, why).hint("change it there and in its secret, then run `jewelctl deploy api`")
        );
    }
    let away = "new connections of the API fail until then";
    if dry_run {
        return Ok(foretell(run, "database", away));
    }
    run.ui.consent(&format!("Change the password of {}? {away}", outputs.database_name))?;
    let phase = run.ui.phase("Password");
    lock::holding(run, &shop, Duration::ZERO, async |_| {
        let databases = Databases::new(&spec, &shop.clients);
        Ok(rotate_database_password(&databases, &outputs.database_name).await?)
    })
    .await?;
    phase.done("it is another one");
    Ok(done(run, "database", away))
}

fn foretell(run: &Run, name: &str, away: &str) -> Exit {
    run.ui.result(&json!({ "would_rotate": name }), || format!("would make a new {name}; {DELIVER}; {away}"));
    Exit::Done
}

fn done(run: &Run, name: &str, away: &str) -> Exit {
    run.ui.result(&json!({ "rotated": name }), || format!("{name} is new, the one before is dead; {DELIVER}; {away}"));
    Exit::Done
}
