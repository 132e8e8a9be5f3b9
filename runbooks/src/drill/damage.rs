//! What a drill does to a shop. For real: nothing here pretends.

use jewel_aws::{StackSpec, classify};
use jewel_backup::Store as _;
use jewel_engine::Failure;
use serde::Serialize;
use sqlx::AssertSqlSafe;

use super::canary::Promise;
use crate::backup::Backups;
use crate::{Context, Database, Error, Reach, database};

/// How many ids are asked for in one question.
const AT_ONCE: usize = 500;

/// What is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Damage {
    /// Nothing: what is typed is the damage.
    None,
    /// The database, with its automatic backups.
    DeleteDatabase,
    /// The tables of orders and of what hangs on them.
    DropTables,
    /// The first machine, with its automatic snapshots.
    DeleteInstance,
    /// Every credential is taken, and nothing is changed.
    LeakCredentials,
    /// Every picture.
    DeleteMedia,
    /// The database, and the newest backup of it.
    TruncateBackup,
    /// The API's way to its journal.
    RefuseJournal,
}

/// Does it; says what was done.
///
/// # Errors
/// When the cloud refuses, in which case nothing or a part was damaged.
pub async fn do_damage(context: &Context<'_>, spec: &StackSpec, damage: Damage) -> Result<String, Error> {
    let (clients, outputs) = (context.clients, context.outputs);
    Ok(match damage {
        Damage::None => "nothing is damaged beforehand".to_owned(),
        Damage::LeakCredentials => "somebody has a copy of every credential".to_owned(),
        Damage::TruncateBackup => {
            let object = truncate_backup(context).await?;
            format!("{object} cut short, {}", delete_database(context).await?)
        }
        Damage::DeleteDatabase => delete_database(context).await?,
        Damage::DropTables => {
            context.on_instance(async |reach: &Reach<'_>| drop_tables(&database::open(reach).await?).await).await?;
            "tables orders, order_lines, order_history, payments and refunds dropped".to_owned()
        }
        Damage::DeleteInstance => {
            let name = &outputs.instance_name;
            let delete = clients.lightsail.delete_instance().instance_name(name).force_delete_add_ons(true);
            delete.send().await.map_err(|error| classify(format!("delete instance {name}"), error))?;
            format!("instance {name} deleted")
        }
        Damage::DeleteMedia => format!("{} objects of the media bucket deleted", delete_media(context).await?),
        Damage::RefuseJournal => {
            jewel_aws::withhold_journal(spec, clients).await?;
            "the API's user may no longer write the journal".to_owned()
        }
    })
}

async fn delete_database(context: &Context<'_>) -> Result<String, Failure> {
    let name = &context.outputs.database_name;
    let delete = context.clients.lightsail.delete_relational_database().relational_database_name(name);
    let sent = delete.skip_final_snapshot(true).send().await;
    sent.map_err(|error| classify(format!("delete database {name}"), error))?;
    Ok(format!("database {name} deleted"))
}

/// Writes half of the largest object of the newest backup over it.
async fn truncate_backup(context: &Context<'_>) -> Result<String, Error> {
    let backups = Backups::of(context.clients, context.outputs);
    let nothing = || Failure::permanent("cut a backup short", "there is none");
    let store = |error| Error::from(Failure::permanent("cut a backup short", format!("{error}")));
    let objects = backups.list("").await.map_err(store)?;
    let newest = objects.last().and_then(|object| object.key.split_once('/')).map(|(id, _)| id.to_owned());
    let newest = newest.ok_or_else(nothing)?;
    let of_newest = objects.into_iter().filter(|object| object.key.starts_with(&newest));
    let largest = of_newest.max_by_key(|object| object.bytes).ok_or_else(nothing)?;
    let whole = backups.get(&largest.key).await.map_err(store)?.ok_or_else(nothing)?;
    backups.overwrite(&largest.key, whole.slice(..whole.len() / 2)).await?;
    Ok(backups.place(&largest.key))
}

async fn drop_tables(database: &Database) -> Result<(), Error> {
    let mut connection = database.connect().await?;
    for statement in
        ["SET SESSION foreign_key_checks = 0", "DROP TABLE refunds, payments, order_history, order_lines, orders"]
    {
        database.asked("dropping tables", sqlx::raw_sql(statement).execute(&mut connection).await)?;
    }
    Ok(())
}

async fn delete_media(context: &Context<'_>) -> Result<usize, Failure> {
    let (s3, bucket) = (&context.clients.s3, &context.outputs.media_bucket);
    let mut pages = s3.list_objects_v2().bucket(bucket).into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| classify(format!("list s3://{bucket}"), error))?;
        for key in page.contents().iter().filter_map(|object| object.key()) {
            let sent = s3.delete_object().bucket(bucket).key(key).send().await;
            sent.map_err(|error| classify(format!("delete s3://{bucket}/{key}"), error))?;
            count += 1;
        }
    }
    Ok(count)
}

/// Which of the promised orders the database does not have, or has otherwise than was promised.
///
/// # Errors
/// When it cannot be asked.
pub async fn acknowledged_that_are_missing(reach: &Reach<'_>, promises: &[Promise]) -> Result<Vec<String>, Error> {
    let database = database::open(reach).await?;
    let mut connection = database.connect().await?;
    let mut missing = Vec::new();
    for some in promises.chunks(AT_ONCE) {
        let marks = vec!["UNHEX(?)"; some.len()].join(", ");
        let query = format!("SELECT LOWER(HEX(id)), status FROM orders WHERE id IN ({marks})");
        let mut query = sqlx::query_as::<_, (String, String)>(AssertSqlSafe(query));
        for promise in some {
            query = query.bind(promise.order.replace('-', ""));
        }
        let there = database.asked("looking for promised orders", query.fetch_all(&mut connection).await)?;
        for promise in some {
            let id = promise.order.replace('-', "");
            match there.iter().find(|(one, _)| *one == id) {
                None => missing.push(format!("{} is not there", promise.number)),
                Some((_, status)) if promise.cancelled && status != "cancelled" => {
                    missing.push(format!("{} was cancelled and is {status}", promise.number));
                }
                Some(_) => {}
            }
        }
    }
    Ok(missing)
}
