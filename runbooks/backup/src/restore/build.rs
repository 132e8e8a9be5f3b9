//! Everything of a schema but its rows: tables before them, keys and the rest after.

use std::collections::BTreeSet;

use mysql_async::{Conn, prelude::Queryable};

use crate::{
    Error,
    schema::{Create, Kind, Part, Schema, Table, key_name},
    server::{literal, prepare, quote},
};

/// The first thing in a schema, if there is one.
pub(crate) async fn first_thing(control: &mut Conn, schema: &str) -> Result<Option<String>, Error> {
    let name = literal(schema);
    let query = format!(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = {name}
         UNION ALL SELECT routine_name FROM information_schema.routines WHERE routine_schema = {name}
         UNION ALL SELECT event_name FROM information_schema.events WHERE event_schema = {name} LIMIT 1"
    );
    control.query_first(query).await.map_err(Error::server(format!("looking into {schema}")))
}

/// Makes the schema, if it is not there.
pub(crate) async fn schema(control: &mut Conn, target: &str, like: &Schema) -> Result<(), Error> {
    let (name, charset, collation) = (quote(target), &like.charset, &like.collation);
    let set = format!("CHARACTER SET {charset} COLLATE {collation}");
    for statement in [
        format!("CREATE DATABASE IF NOT EXISTS {name} {set}"),
        format!("ALTER DATABASE {name} {set}"),
        format!("USE {name}"),
    ] {
        control.query_drop(statement).await.map_err(Error::server(format!("making the schema {target}")))?;
    }
    Ok(())
}

/// Makes the tables, without what is made after their rows.
pub(crate) async fn tables(control: &mut Conn, schema: &Schema) -> Result<(), Error> {
    for table in &schema.tables {
        let statement = Create::parse(&table.create).bare();
        control.query_drop(statement).await.map_err(Error::server(format!("making table {}", table.name)))?;
    }
    Ok(())
}

/// Makes the keys of a table, in one statement; what is there already is left as it is.
pub(crate) async fn keys(connection: &mut Conn, target: &str, table: &Table) -> Result<(), Error> {
    let create = Create::parse(&table.create);
    let known = "SELECT DISTINCT index_name FROM information_schema.statistics WHERE table_schema = ";
    add(connection, target, table, &create.keys(), known).await
}

/// Makes the foreign keys of a table, which were true when it was backed up.
pub(crate) async fn foreign_keys(connection: &mut Conn, target: &str, table: &Table) -> Result<(), Error> {
    let create = Create::parse(&table.create);
    let known = "SELECT constraint_name FROM information_schema.table_constraints WHERE constraint_schema = ";
    add(connection, target, table, &create.foreign_keys(), known).await
}

async fn add(connection: &mut Conn, target: &str, table: &Table, wanted: &[&str], known: &str) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let failed = || Error::server(format!("making the keys of {}", table.name));
    let known = format!("{known}{} AND table_name = {}", literal(target), literal(&table.name));
    let known: Vec<String> = connection.query(known).await.map_err(failed())?;
    let known: BTreeSet<String> = known.iter().map(|name| quote(name)).collect();
    let missing: Vec<String> = wanted
        .iter()
        .filter(|item| key_name(item).is_none_or(|name| !known.contains(name)))
        .map(|item| format!("ADD {item}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let statement = format!("ALTER TABLE {} {}", quote(&table.name), missing.join(", "));
    connection.query_drop(statement).await.map_err(failed())
}

/// Makes views, routines, triggers and events. Views may need one another: as long as one can be made, the others are
/// tried again.
pub(crate) async fn parts(control: &mut Conn, schema: &Schema) -> Result<(), Error> {
    let mut left: Vec<&Part> = schema.parts.iter().collect();
    while !left.is_empty() {
        let mut refused = Vec::new();
        let before = left.len();
        let mut first_error = None;
        for one in left {
            match part(control, one).await {
                Ok(()) => {}
                Err(error) if one.kind == Kind::View => {
                    first_error.get_or_insert(error);
                    refused.push(one);
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(error) = first_error.filter(|_| refused.len() == before) {
            return Err(error);
        }
        left = refused;
    }
    Ok(())
}

async fn part(control: &mut Conn, part: &Part) -> Result<(), Error> {
    let drop = format!("DROP {} IF EXISTS {}", part.kind.word(), quote(&part.name));
    let made = async {
        control.query_drop(drop).await?;
        if let Some(statement) = part.session_statement() {
            control.query_drop(statement).await?;
        }
        control.query_drop(part.create.as_str()).await
    };
    let made = made.await;
    // As it was before: the next one may not say what it needs.
    let reset = async {
        control.query_drop("SET NAMES utf8mb4").await?;
        prepare(control).await
    };
    let reset = reset.await;
    let failed = || Error::server(format!("making {} {}", part.kind.word().to_lowercase(), part.name));
    made.map_err(failed())?;
    reset.map_err(failed())
}

/// Makes users and gives them their rights, as the backup has them.
pub(crate) async fn users(control: &mut Conn, statements: &str) -> Result<(), Error> {
    for statement in statements.lines() {
        control.query_drop(statement).await.map_err(Error::server("making the schema's users"))?;
    }
    Ok(())
}
