//! How a column's values leave a server and come back to it, exactly.

use serde::{Deserialize, Serialize};

use crate::{server::quote, text::Shape};

/// A column whose values are stored: generated ones come by themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) nullable: bool,
    carriage: Carriage,
}

/// What its type asks for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Carriage {
    /// Its bytes.
    Bytes,
    /// Its bytes, which may be many.
    Long,
    /// `FLOAT` is printed with six digits, which is not all it has; as `DOUBLE` it is printed with all, but the same number
    /// in one way as a result and in another as a text.
    Float,
    /// A text of all its digits.
    Double,
    /// Its text, which the server takes only when it is told that it is text.
    Text,
    /// MySQL's JSON: as [`Text`](Self::Text), and may be long. In a column, numbers and dates may have types that JSON's
    /// text has not (`DECIMAL` 1.10); reading them as that text reads them is what a restore can give back.
    Json,
}

/// Longer values are not concatenated, see `text.rs`.
const LONG: &[&str] = &[
    "tinytext",
    "text",
    "mediumtext",
    "longtext",
    "tinyblob",
    "blob",
    "mediumblob",
    "longblob",
    "vector",
    "geometry",
    "point",
    "linestring",
    "polygon",
    "multipoint",
    "multilinestring",
    "multipolygon",
    "geomcollection",
    "geometrycollection",
];

impl Column {
    /// `data_type` is that of `information_schema.columns`.
    pub(crate) fn new(name: String, data_type: &str, nullable: bool) -> Self {
        let carriage = match data_type.to_ascii_lowercase().as_str() {
            "float" => Carriage::Float,
            "double" => Carriage::Double,
            // MariaDB's JSON is a text, and it says so.
            "json" => Carriage::Json,
            "uuid" | "inet4" | "inet6" => Carriage::Text,
            other if LONG.contains(&other) => Carriage::Long,
            _ => Carriage::Bytes,
        };
        Self { name, nullable, carriage }
    }

    pub(crate) fn shape(&self) -> Shape {
        Shape { long: matches!(self.carriage, Carriage::Long | Carriage::Json), nullable: self.nullable }
    }

    /// The expression that reads it.
    pub(crate) fn read(&self) -> String {
        match self.carriage {
            Carriage::Float => format!("CAST(CAST({} AS DOUBLE) AS BINARY)", quote(&self.name)),
            Carriage::Double => format!("CAST({} AS BINARY)", quote(&self.name)),
            Carriage::Text => format!("CAST({} AS CHAR CHARACTER SET utf8mb4)", quote(&self.name)),
            Carriage::Json => format!("CAST(CAST({} AS CHAR CHARACTER SET utf8mb4) AS JSON)", quote(&self.name)),
            _ => quote(&self.name),
        }
    }

    /// Its place in the list of `LOAD DATA`, and what is to be done with it.
    pub(crate) fn write(&self, number: usize) -> (String, Option<String>) {
        match self.carriage {
            Carriage::Text | Carriage::Json => {
                let variable = format!("@c{number}");
                let set = format!("{} = CONVERT({variable} USING utf8mb4)", quote(&self.name));
                (variable, Some(set))
            }
            _ => (quote(&self.name), None),
        }
    }

    /// What stands for it in a row's checksum.
    fn term(&self) -> String {
        if self.shape().long { format!("CRC32({})", self.read()) } else { format!("CAST({} AS BINARY)", self.read()) }
    }
}

/// What computes rows and sum of a table, as `text.rs` does.
pub(crate) fn checksum(table: &str, columns: &[Column]) -> String {
    let mut terms: Vec<String> = columns.iter().map(Column::term).collect();
    let nullable = columns.iter().filter(|column| column.nullable);
    let flags: Vec<String> = nullable.map(|column| format!("{} IS NULL", quote(&column.name))).collect();
    terms.push(if flags.is_empty() { "''".to_owned() } else { format!("CONCAT({})", flags.join(", ")) });
    let sum = format!("SUM(CRC32(CONCAT_WS('\\t', {})))", terms.join(", "));
    format!("SELECT COUNT(*), COALESCE({sum}, 0) FROM {}", quote(table))
}
