//! The same backup as SQL, for whoever has `age`, `zstd` and the `mysql` client and not this program.

use crate::{
    manifest,
    schema::{Column, Schema, Table},
    server::quote,
};

/// The schema as this program reads it.
pub(crate) const DEFINITION: &str = "schema.json.zst.age";
/// First: the tables.
pub(crate) const TABLES: &str = "1-tables.sql.zst.age";
/// Second: their rows, from files beside it.
pub(crate) const ROWS: &str = "2-rows.sql.zst.age";
/// Third: views, routines, triggers and events.
pub(crate) const PARTS: &str = "3-parts.sql.zst.age";
/// If wanted: who may do what.
pub(crate) const USERS: &str = "4-users.sql.zst.age";

/// What every file begins with.
const SESSION: &str = "SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO', unique_checks = 0, \
    foreign_key_checks = 0;\n";

/// What ends a statement that may have semicolons in it.
const DELIMITER: &str = "$jewel$";

pub(crate) fn tables(schema: &Schema) -> String {
    let create = |table: &Table| format!("{};\n", table.create);
    let defaults = format!("ALTER DATABASE CHARACTER SET {} COLLATE {};\n", schema.charset, schema.collation);
    format!("{SESSION}{defaults}{}", schema.tables.iter().map(create).collect::<String>())
}

pub(crate) fn rows(schema: &Schema, tables: &[manifest::Table]) -> String {
    let load = |(table, made): (&Table, &manifest::Table)| {
        let statement = |chunk: &manifest::Chunk| format!("{};\n", load(table, &plain_name(&chunk.object.name)));
        made.chunks.iter().map(statement).collect::<String>()
    };
    format!("{SESSION}{}", schema.tables.iter().zip(tables).map(load).collect::<String>())
}

pub(crate) fn parts(schema: &Schema) -> String {
    let part = |part: &crate::schema::Part| {
        let session = part.session_statement().map(|statement| format!("{statement}{DELIMITER}\n")).unwrap_or_default();
        format!("{session}{}{DELIMITER}\n", part.create)
    };
    format!("{SESSION}DELIMITER {DELIMITER}\n{}", schema.parts.iter().map(part).collect::<String>())
}

pub(crate) fn users(statements: &[String]) -> String {
    statements.iter().map(|statement| format!("{statement};\n")).collect()
}

/// The statement that loads a file of rows.
pub(crate) fn load(table: &Table, file: &str) -> String {
    let (places, sets): (Vec<String>, Vec<Option<String>>) =
        table.columns.iter().enumerate().map(|(number, column)| Column::write(column, number)).unzip();
    let sets: Vec<String> = sets.into_iter().flatten().collect();
    let set = if sets.is_empty() { String::new() } else { format!(" SET {}", sets.join(", ")) };
    let (name, places) = (quote(&table.name), places.join(", "));
    format!("LOAD DATA LOCAL INFILE '{file}' INTO TABLE {name} CHARACTER SET binary ({places}){set}")
}

/// What an object is called when it is decrypted and decompressed.
fn plain_name(name: &str) -> String {
    name.trim_end_matches(".zst.age").to_owned()
}
