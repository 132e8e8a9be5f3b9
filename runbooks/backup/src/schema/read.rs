//! Reading what a schema consists of.

use std::collections::BTreeMap;

use mysql_async::{Conn, Row, prelude::Queryable};
use serde::{Deserialize, Serialize};

use super::{Column, Kind, Part, Schema, definer, order};
use crate::{
    Error,
    server::{literal, quote},
};

/// A table without its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// What `SHOW CREATE TABLE` prints.
    pub(crate) create: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, if rows lie in the order of their whole values.
    pub(crate) key: Vec<KeyColumn>,
    /// How much there is, as the server guesses, in bytes.
    #[serde(skip)]
    pub(crate) guess: u64,
}

/// A column of a primary key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeyColumn {
    pub(crate) name: String,
    pub(crate) data_type: String,
}

/// Everything in this schema.
///
/// # Errors
/// [`Error::Engine`] and [`Error::Unsupported`] when it has what cannot be backed up.
pub(crate) async fn read(connection: &mut Conn, schema: &str) -> Result<Schema, Error> {
    let mut reader = Reader { connection, schema: literal(schema) };
    let (charset, collation) = reader.defaults(schema).await?;
    let tables = reader.tables().await?;
    let mut parts = Vec::new();
    for (kind, from) in PARTS {
        let found = reader.parts(kind, from).await?;
        parts.extend(if kind == Kind::View { order::sorted(found) } else { found });
    }
    Ok(Schema { charset, collation, tables, parts })
}

/// Where the names of parts are, by the order in which they are made.
const PARTS: [(Kind, &str); 5] = [
    (
        Kind::Function,
        "SELECT routine_name FROM information_schema.routines WHERE routine_type = 'FUNCTION' AND routine_schema = ",
    ),
    (
        Kind::Procedure,
        "SELECT routine_name FROM information_schema.routines WHERE routine_type = 'PROCEDURE' AND routine_schema = ",
    ),
    (Kind::View, "SELECT table_name FROM information_schema.views WHERE table_schema = "),
    (Kind::Trigger, "SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = "),
    (Kind::Event, "SELECT event_name FROM information_schema.events WHERE event_schema = "),
];

struct Reader<'a> {
    connection: &'a mut Conn,
    /// As SQL writes it.
    schema: String,
}

impl Reader<'_> {
    async fn rows(&mut self, query: &str) -> Result<Vec<Row>, Error> {
        self.connection.query(query).await.map_err(Error::server("reading the schema"))
    }

    async fn defaults(&mut self, name: &str) -> Result<(String, String), Error> {
        let of = format!(
            "SELECT default_character_set_name, default_collation_name FROM information_schema.schemata
             WHERE schema_name = {}",
            self.schema
        );
        let rows = self.rows(&of).await?;
        let row = rows.first().ok_or_else(|| Error::Unsupported { what: vec![format!("no schema `{name}`")] })?;
        Ok((text(row, 0), text(row, 1)))
    }

    async fn tables(&mut self) -> Result<Vec<Table>, Error> {
        let list = format!(
            "SELECT table_name, table_type, engine, data_length FROM information_schema.tables
             WHERE table_schema = {} AND table_type NOT LIKE '%VIEW' ORDER BY table_name",
            self.schema
        );
        let listed = self.rows(&list).await?;
        let strange: Vec<String> = listed
            .iter()
            .filter(|row| text(row, 1) != "BASE TABLE")
            .map(|row| format!("{} ({})", text(row, 0), text(row, 1).to_lowercase()))
            .collect();
        if !strange.is_empty() {
            return Err(Error::Unsupported { what: strange });
        }
        let other: Vec<String> = listed
            .iter()
            .filter(|row| !text(row, 2).eq_ignore_ascii_case("InnoDB"))
            .map(|row| format!("{} ({})", text(row, 0), text(row, 2)))
            .collect();
        if !other.is_empty() {
            return Err(Error::Engine { tables: other });
        }
        let mut columns = self.columns().await?;
        let mut keys = self.keys().await?;
        let mut tables = Vec::new();
        for row in &listed {
            let name = text(row, 0);
            let shown = self.rows(&format!("SHOW CREATE TABLE {}", quote(&name))).await?;
            let create = shown.first().map(|row| text(row, 1)).unwrap_or_default();
            let columns = columns.remove(&name).unwrap_or_default();
            let key = keys.remove(&name).unwrap_or_default();
            let guess = text(row, 3).parse().unwrap_or(0);
            tables.push(Table { name, create, columns, key, guess });
        }
        Ok(tables)
    }

    async fn columns(&mut self) -> Result<BTreeMap<String, Vec<Column>>, Error> {
        let list = format!(
            "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns
             WHERE table_schema = {} AND COALESCE(generation_expression, '') = ''
             ORDER BY table_name, ordinal_position",
            self.schema
        );
        let mut columns: BTreeMap<String, Vec<Column>> = BTreeMap::new();
        for row in self.rows(&list).await? {
            let column = Column::new(text(&row, 1), &text(&row, 2), text(&row, 3) == "YES");
            columns.entry(text(&row, 0)).or_default().push(column);
        }
        Ok(columns)
    }

    /// Primary keys of whole columns in ascending order; others say nothing about where rows lie.
    async fn keys(&mut self) -> Result<BTreeMap<String, Vec<KeyColumn>>, Error> {
        let list = format!(
            "SELECT s.table_name, s.column_name, c.data_type, s.sub_part, s.collation
             FROM information_schema.statistics s JOIN information_schema.columns c
               ON c.table_schema = s.table_schema AND c.table_name = s.table_name AND c.column_name = s.column_name
             WHERE s.table_schema = {} AND s.index_name = 'PRIMARY' ORDER BY s.table_name, s.seq_in_index",
            self.schema
        );
        let mut keys: BTreeMap<String, Vec<KeyColumn>> = BTreeMap::new();
        let mut partial = Vec::new();
        for row in self.rows(&list).await? {
            let table = text(&row, 0);
            if !text(&row, 3).is_empty() || text(&row, 4) != "A" {
                partial.push(table.clone());
            }
            let column = KeyColumn { name: text(&row, 1), data_type: text(&row, 2).to_ascii_lowercase() };
            keys.entry(table).or_default().push(column);
        }
        keys.retain(|table, _| !partial.contains(table));
        Ok(keys)
    }

    async fn parts(&mut self, kind: Kind, from: &str) -> Result<Vec<Part>, Error> {
        let order = if kind == Kind::Trigger { "event_object_table, action_order" } else { "1" };
        let listed = self.rows(&format!("{from}{} ORDER BY {order}", self.schema)).await?;
        let mut parts = Vec::new();
        for row in &listed {
            let name = text(row, 0);
            let shown = self.rows(&format!("SHOW CREATE {} {}", kind.word(), quote(&name))).await?;
            let missing = || Error::Unsupported {
                what: vec![format!("{} {name}, which this login may not read", kind.word().to_lowercase())],
            };
            parts.push(shown.first().and_then(|row| part(kind, &name, row)).ok_or_else(missing)?);
        }
        Ok(parts)
    }
}

/// From what `SHOW CREATE` answers; the columns have the same names in all servers, and not the same places.
fn part(kind: Kind, name: &str, row: &Row) -> Option<Part> {
    let cell = |wanted: &str| {
        let place = row.columns_ref().iter().position(|column| column.name_str().eq_ignore_ascii_case(wanted))?;
        row.get_opt::<Option<String>, _>(place)?.ok()?
    };
    let create = match kind {
        Kind::Trigger => cell("SQL Original Statement")?,
        other => cell(&format!("Create {}", other.word()))?,
    };
    // Not `character_set_client`: the text comes and goes as UTF-8.
    let settings = ["sql_mode", "collation_connection", "time_zone"];
    let session = settings.iter().filter_map(|setting| Some(((*setting).to_owned(), cell(setting)?))).collect();
    Some(Part { kind, name: name.to_owned(), create: definer::without(&create), session })
}

/// A cell as text; NULL is nothing.
fn text(row: &Row, place: usize) -> String {
    match row.as_ref(place) {
        Some(mysql_async::Value::Bytes(bytes)) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}
