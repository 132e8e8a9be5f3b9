//! Rows that nobody thought of, in tables with every kind of key, cut into ranges and chunks as small as can be.

use std::fmt::Write;

use mysql_async::{Conn, prelude::Queryable};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use crate::{
    back_up, keys,
    memory::Memory,
    options, restore_to, said,
    server::{self, ask},
};

/// A table for each kind of key, with the expression that makes a key of a number.
const KEYS: &[(&str, &str, &str)] = &[
    ("number", "id BIGINT NOT NULL, PRIMARY KEY (id)", "{n}"),
    ("negative", "id INT NOT NULL, PRIMARY KEY (id)", "-{n}"),
    (
        "text",
        "id VARCHAR(30) NOT NULL, PRIMARY KEY (id)",
        "CONCAT(ELT(1 + {n} % 5, 'Order-', 'order_', 'o', 'ör', '~'), {n})",
    ),
    (
        "ascii",
        "id CHAR(12) CHARACTER SET latin1 NOT NULL, PRIMARY KEY (id)",
        "CONCAT(ELT(1 + {n} % 3, 'a', 'B', 'z-'), {n})",
    ),
    ("bytes", "id BINARY(16) NOT NULL, PRIMARY KEY (id)", "LEFT(UNHEX(SHA2({n}, 256)), 16)"),
    ("several", "one INT NOT NULL, id INT NOT NULL, PRIMARY KEY (one, id)", "7, {n}"),
    (
        "mixed",
        "one VARBINARY(9) NOT NULL, two DATE NOT NULL, id INT, PRIMARY KEY (one, two, id)",
        "'x', '2026-01-01', {n}",
    ),
    ("moment", "id DATETIME(3) NOT NULL, PRIMARY KEY (id)", "'2026-01-01' + INTERVAL {n} SECOND"),
    ("partly", "id VARCHAR(30) NOT NULL, PRIMARY KEY (id(20))", "{n}"),
    ("none", "id INT", "{n} % 3"),
];

const COLUMNS: &str = "
    bytes VARBINARY(200), blobs BLOB, words TEXT, latin VARCHAR(100) CHARACTER SET latin1, big BIGINT, dbl DOUBLE, flt FLOAT,
    exact DECIMAL(20,6), at DATETIME(6), bits BIT(40)";

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    // What the format gives a meaning to, more often than chance would.
    let special = prop::sample::select(b"\\\\\t\n\0N'\"\r\x1a`".to_vec());
    prop::collection::vec(prop_oneof![3 => special, 2 => any::<u8>()], 0..most)
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    if bytes.as_ref().is_empty() { "''".to_owned() } else { format!("X'{}'", hex::encode(bytes)) }
}

/// The values of a row, as SQL; each may be NULL.
fn row() -> impl Strategy<Value = String> {
    let text = prop::collection::vec(prop_oneof![any::<char>(), prop::char::range('\0', '\u{7f}')], 0..40);
    let values = (
        bytes(200).prop_map(hex),
        bytes(4000).prop_map(hex),
        text.prop_map(|letters| format!("CONVERT({} USING utf8mb4)", hex(letters.into_iter().collect::<String>()))),
        bytes(100).prop_map(|bytes| format!("CONVERT({} USING latin1)", hex(bytes))),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        any::<f32>().prop_filter("normal", |number| number.is_normal()).prop_map(|number| format!("{number:e}")),
        (any::<i32>(), 0u32..1_000_000).prop_map(|(whole, part)| format!("{whole}.{part:06}")),
        (0u32..9999, 0u32..1_000_000).prop_map(|(year, part)| format!("'{year:04}-02-03 04:05:06.{part:06}'")),
        (0u64..1 << 40).prop_map(|bits| bits.to_string()),
    );
    (values, prop::bits::u16::ANY).prop_map(|((a, b, c, d, e, f, g, h, i, j), present)| {
        let all = [a, b, c, d, e, f, g, h, i, j].into_iter().enumerate();
        let value = |(place, value): (usize, String)| if present >> place & 1 == 0 { "NULL".to_owned() } else { value };
        all.map(value).collect::<Vec<_>>().join(", ")
    })
}

/// A checksum that is not the one that backups use.
async fn contents(connection: &mut Conn, table: &str) -> String {
    let sum = format!(
        "SELECT COUNT(*), SHA2(GROUP_CONCAT(row_hash ORDER BY row_hash), 256) FROM (
             SELECT SHA2(CONCAT_WS('#', HEX(id), HEX(bytes), HEX(blobs), HEX(words), HEX(latin), big, dbl, CAST(flt AS DOUBLE),
                 exact, at, bits + 0, bytes IS NULL, blobs IS NULL, words IS NULL, latin IS NULL, big IS NULL), 256) AS row_hash
             FROM `{table}`) hashes"
    );
    connection.query_drop("SET SESSION group_concat_max_len = 100000000").await.unwrap();
    ask(connection, &sum).await
}

#[tokio::test]
async fn any_rows_come_back_from_tables_with_any_key() {
    let rows: usize = std::env::var("PROPTEST_CASES").ok().and_then(|count| count.parse().ok()).unwrap_or(120);
    for server in server::all().await {
        let mut shop = server.schema("shop", &["SET SESSION sql_mode = ''"]).await;
        let mut runner = TestRunner::new(Config::default());
        for (table, key, value) in KEYS {
            shop.query_drop(format!("CREATE TABLE `{table}` ({key}, {COLUMNS})")).await.unwrap();
            let mut insert = String::new();
            for number in 1..=rows {
                let row = row().new_tree(&mut runner).unwrap().current();
                let value = value.replace("{n}", &(number * 37).to_string());
                write!(insert, "{} ({value}, {row})", if number == 1 { "" } else { "," }).unwrap();
            }
            shop.query_drop(format!("INSERT INTO `{table}` VALUES {insert}"))
                .await
                .unwrap_or_else(|error| panic!("{} {table}: {error}", server.name));
            shop.query_drop(format!("ANALYZE TABLE `{table}`")).await.unwrap();
        }
        let (keys, store) = (keys(), Memory::with(Default::default()));
        let small =
            jewel_backup::CreateOptions { chunk_bytes: 12_000, range_bytes: 1 << 15, readers: 3, ..options("shop") };
        let manifest = back_up(&server, &store, &keys, &small).await.unwrap();
        let chunks = |name: &str| manifest.tables.iter().find(|table| table.name == name).unwrap().chunks.len();
        let ranges = |name: &str| {
            let part = format!("-{name}.");
            store.all().keys().filter(|key| key.contains(&part) && key.contains("-00000.")).count()
        };
        for (name, ..) in KEYS {
            assert!(chunks(name) > 3, "{}: {name} has {} chunks", server.name, chunks(name));
        }
        for name in ["number", "negative", "ascii", "bytes", "several"] {
            assert!(ranges(name) > 1, "{}: {name} is one range", server.name);
        }
        restore_to(&server, &store, &manifest.id, &keys.shop, "again")
            .await
            .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
        let mut again = server.root_in("again").await;
        for (table, ..) in KEYS {
            let (expected, found) = (contents(&mut shop, table).await, contents(&mut again, table).await);
            assert_eq!(expected, found, "{}: {table}", server.name);
            assert!(expected.starts_with(&format!("{rows}|")), "{expected}");
        }
    }
}
