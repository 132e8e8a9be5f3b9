//! Splitting a large table, so that several connections can read it: by its primary key, whose first and last values are
//! two reads of the index.
//!
//! Between them points are interpolated. They need not be values that exist, nor stand in the order that the server sorts
//! by: a row belongs to the first range whose end is behind it, so each row belongs to one. Badly placed points make
//! ranges of unequal size and nothing worse.

use mysql_async::{Conn, Value, prelude::Queryable};

use crate::{
    Error,
    schema::{KeyColumn, Table},
    server::quote,
};

/// More are of no use to a few connections.
const MOST: u64 = 16;
/// Of a text or binary key, behind what all values begin with, so many bytes decide.
const DIGITS: usize = 7;

/// The conditions of its ranges, in the order of the key; none is a condition when there is only one range.
pub(crate) async fn split(
    connection: &mut Conn,
    table: &Table,
    range_bytes: u64,
) -> Result<Vec<Option<String>>, Error> {
    let parts = (table.guess / range_bytes.max(1)).clamp(1, MOST);
    if parts == 1 {
        return Ok(vec![None]);
    }
    let mut fixed = Vec::new();
    for column in &table.key {
        let Some((first, last)) = ends(connection, table, column, &fixed).await? else { break };
        if first != last {
            let Some(points) = points(column, &first, &last, parts) else { break };
            return Ok(conditions(&column.name, &fixed, &points));
        }
        // All rows have this value: the next column tells them apart.
        let Some(literal) = literal(column, &first) else { break };
        fixed.push(format!("{} = {literal}", quote(&column.name)));
    }
    Ok(vec![None])
}

/// The smallest and the greatest value.
async fn ends(
    connection: &mut Conn,
    table: &Table,
    column: &KeyColumn,
    fixed: &[String],
) -> Result<Option<(Vec<u8>, Vec<u8>)>, Error> {
    let (name, condition) = (quote(&column.name), all(fixed));
    let query = format!("SELECT MIN({name}), MAX({name}) FROM {} WHERE {condition}", quote(&table.name));
    let ends: Option<(Value, Value)> =
        connection.query_first(query).await.map_err(Error::server(format!("reading the key of {}", table.name)))?;
    Ok(match ends {
        Some((Value::Bytes(first), Value::Bytes(last))) => Some((first, last)),
        _ => None,
    })
}

fn all(conditions: &[String]) -> String {
    if conditions.is_empty() { "TRUE".to_owned() } else { conditions.join(" AND ") }
}

fn conditions(column: &str, fixed: &[String], points: &[String]) -> Vec<Option<String>> {
    let column = quote(column);
    let condition = |end: usize| {
        let behind = points[..end].iter().map(|point| format!("{column} >= {point}"));
        let before = points.get(end).map(|point| format!("{column} < {point}"));
        Some(all(&fixed.iter().cloned().chain(behind).chain(before).collect::<Vec<_>>()))
    };
    (0..=points.len()).map(condition).collect()
}

enum Order {
    Number,
    Bytes,
    Text,
}

fn order(column: &KeyColumn) -> Option<Order> {
    match column.data_type.as_str() {
        "tinyint" | "smallint" | "mediumint" | "int" | "bigint" => Some(Order::Number),
        "binary" | "varbinary" => Some(Order::Bytes),
        "char" | "varchar" => Some(Order::Text),
        _ => None,
    }
}

fn literal(column: &KeyColumn, value: &[u8]) -> Option<String> {
    match order(column)? {
        Order::Number => std::str::from_utf8(value).ok()?.parse::<i128>().ok().map(|number| number.to_string()),
        Order::Bytes if value.is_empty() => None,
        Order::Bytes => Some(format!("X'{}'", hex::encode(value))),
        // As text of one byte each it can be compared with a column of any character set.
        Order::Text if value.is_empty() || !value.is_ascii() => None,
        Order::Text => Some(format!("_utf8mb4 X'{}'", hex::encode(value))),
    }
}

/// Points that divide what lies between two values into so many parts.
fn points(column: &KeyColumn, first: &[u8], last: &[u8], parts: u64) -> Option<Vec<String>> {
    let values: Vec<Vec<u8>> = match order(column)? {
        Order::Number => {
            let number = |value: &[u8]| std::str::from_utf8(value).ok()?.parse::<i128>().ok();
            let (first, last) = (number(first)?, number(last)?);
            let step = |part: u64| first + (last - first) * i128::from(part) / i128::from(parts);
            (1..parts).map(|part| step(part).to_string().into_bytes()).collect()
        }
        Order::Bytes => between(first, last, parts, 0, 256),
        Order::Text if !first.is_ascii() || !last.is_ascii() => return None,
        Order::Text => between(first, last, parts, b' ', 95),
    };
    values.iter().map(|value| literal(column, value)).collect()
}

/// Interpolates between two strings as if they were numbers with digits of this base, the lowest of which is `zero`.
fn between(first: &[u8], last: &[u8], parts: u64, zero: u8, base: u128) -> Vec<Vec<u8>> {
    let same = first.iter().zip(last).take_while(|(one, other)| one == other).count();
    let number = |value: &[u8]| {
        let digit = |place: usize| value.get(same + place).map_or(0, |byte| u128::from(byte.saturating_sub(zero)));
        (0..DIGITS).fold(0, |sum, place| sum * base + digit(place).min(base - 1))
    };
    let (low, high) = (number(first), number(last).max(number(first)));
    let value = |part: u64| {
        let mut number = low + (high - low) * u128::from(part) / u128::from(parts);
        let mut digits = [0; DIGITS];
        for digit in digits.iter_mut().rev() {
            // Less than 256: the base is at most that.
            *digit = zero + u8::try_from(number % base).unwrap_or(0);
            number /= base;
        }
        [&first[..same], &digits].concat()
    };
    (1..parts).map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(data_type: &str) -> KeyColumn {
        KeyColumn { name: "k".into(), data_type: data_type.into() }
    }

    #[test]
    fn points_lie_evenly_between_the_ends() {
        assert_eq!(points(&column("bigint"), b"-10", b"30", 4).unwrap(), ["0", "10", "20"]);
        let widest = points(&column("bigint"), b"0", b"18446744073709551615", 2).unwrap();
        assert_eq!(widest, ["9223372036854775807"]);
        assert_eq!(points(&column("binary"), &[7, 0], &[7, 255, 255], 2).unwrap(), ["X'077fff8000000000'"]);
        let text = points(&column("varchar"), b"order-a", b"order-c", 2).unwrap();
        assert_eq!(text, [format!("_utf8mb4 X'{}'", hex::encode("order-b      "))]);
        assert_eq!(points(&column("varchar"), "ä".as_bytes(), "ö".as_bytes(), 2), None);
        assert_eq!(points(&column("datetime"), b"2020", b"2021", 2), None);
    }

    #[test]
    fn each_row_belongs_to_one_range() {
        let fixed = ["`a` = 1".to_owned()];
        let ranges = conditions("k", &fixed, &["3".to_owned(), "2".to_owned()]);
        let ranges: Vec<String> = ranges.into_iter().flatten().collect();
        assert_eq!(
            ranges,
            ["`a` = 1 AND `k` < 3", "`a` = 1 AND `k` >= 3 AND `k` < 2", "`a` = 1 AND `k` >= 3 AND `k` >= 2"]
        );
    }
}
