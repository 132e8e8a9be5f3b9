//! What a table is like, as the server itself says it: the one thing that tells whether a DDL statement has happened.

use sha2::{Digest, Sha256};
use sqlx::{AssertSqlSafe, MySqlConnection, Row};

use crate::error::server_code;

const NO_SUCH_TABLE: u16 = 1146;

/// The statement that makes the table anew; `None` when there is no such table.
pub(crate) async fn of(conn: &mut MySqlConnection, table: &str) -> Result<Option<String>, sqlx::Error> {
    let query = format!("SHOW CREATE TABLE {}", quoted(table));
    match sqlx::raw_sql(AssertSqlSafe(query)).fetch_one(conn).await {
        Ok(row) => row.try_get(1).map(Some),
        Err(error) if server_code(&error) == Some(NO_SUCH_TABLE) => Ok(None),
        Err(error) => Err(error),
    }
}

/// A hash of what these tables are like. It changes with every DDL statement that changes them, and with no write.
/// `None` when there are none.
pub(crate) async fn fingerprint(conn: &mut MySqlConnection, tables: &[&str]) -> Result<Option<String>, sqlx::Error> {
    let mut hash = Sha256::new();
    for table in tables {
        let definition = of(conn, table).await?.map(|text| without_counter(&text));
        hash.update([u8::from(definition.is_some())]);
        hash.update(definition.unwrap_or_default());
        hash.update([0]);
    }
    Ok((!tables.is_empty()).then(|| hex::encode(hash.finalize())))
}

/// A name as SQL wants it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The next number of a table that counts changes with its rows.
fn without_counter(definition: &str) -> String {
    let Some((before, after)) = definition.rsplit_once(" AUTO_INCREMENT=") else { return definition.to_owned() };
    format!("{before}{}", after.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_number_is_left_out() {
        let with = "CREATE TABLE `a` (\n `b` int AUTO_INCREMENT\n) ENGINE=InnoDB AUTO_INCREMENT=12 DEFAULT CHARSET=x";
        let without = "CREATE TABLE `a` (\n `b` int AUTO_INCREMENT\n) ENGINE=InnoDB DEFAULT CHARSET=x";
        assert_eq!(without_counter(with), without);
        assert_eq!(without_counter(without), without);
        assert_eq!(quoted("a`b"), "`a``b`");
    }
}
