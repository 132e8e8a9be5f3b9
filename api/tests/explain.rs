//! Every statement that a read of the catalogue or of an administrator makes has an index to go by, with enough rows
//! that one matters. The statements are those that the server itself logged: none can be forgotten here.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, Row};
use support::{Shop, shops};

/// Tables that stay small in every shop, so that reading all of one is no harm.
const SMALL: [&str; 6] = ["c", "g", "categories", "collections", "journal_state", "schema_migrations"];

/// Lists whose order must come from an index.
const WALKS: [&str; 8] = [
    "",
    "?sort=price_asc",
    "?sort=price_desc",
    "?sort=name",
    "?category=rings",
    "?category=rings&sort=price_asc",
    "?category=rings&sort=price_desc",
    "?category=rings&sort=name",
];

#[tokio::test]
async fn no_statement_goes_without_an_index() {
    for shop in shops().await {
        let mut database = shop.database.options().database("shop").connect().await.unwrap();
        grow(&mut database).await;
        log(&mut database, true).await;
        read_everything(&shop).await;
        log(&mut database, false).await;
        let statements = logged(&mut database).await;
        assert!(statements.len() >= 15, "{statements:#?}");
        let mut walks = 0;
        for (text, statement) in &statements {
            for row in explain(&mut database, statement).await {
                let what = format!("{}: {text}\n{row:?}", shop.database.name);
                let is_small =
                    row.table.as_deref().is_none_or(|table| SMALL.contains(&table) || table.starts_with('<'));
                assert!(row.kind.as_deref() != Some("ALL") || is_small, "all rows are read by {what}");
                if text.contains("FORCE INDEX") {
                    walks += 1;
                    assert!(!row.extra.contains("filesort") && !row.extra.contains("temporary"), "sorted by {what}");
                }
            }
        }
        assert!(walks >= WALKS.len(), "only {walks}");
    }
}

/// Two thousand products with a variant and a picture each.
async fn grow(database: &mut MySqlConnection) {
    let id = |kind: &str| format!("UNHEX(LEFT(SHA2(CONCAT('grown-{kind}', n), 256), 32))");
    let (product, variant, image, member) = (id("p"), id("v"), id("i"), id("m"));
    let numbers = "(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM
        (SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
         UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) a
        CROSS JOIN (SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL
         SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) b
        CROSS JOIN (SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL
         SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) c
        CROSS JOIN (SELECT 0 d UNION ALL SELECT 1) e) numbers";
    for statement in [
        format!(
            "INSERT INTO products (id, category_id, slug, name, description, currency, price_from_minor, created_at,
                updated_at) SELECT {product}, UNHEX(LEFT(SHA2(ELT(n % 4 + 1, 'rings', 'necklaces', 'earrings', 'brooches'),
                256), 32)), CONCAT('grown-', n), CONCAT('Grown ', n), 'gold', 'SGD', 100 + n % 700,
                '2026-03-01' + INTERVAL n MINUTE, '2026-03-01' FROM {numbers}"
        ),
        format!(
            "INSERT INTO variants (id, product_id, sku, metal, price_minor, created_at, updated_at)
             SELECT {variant}, {product}, CONCAT('GROWN-', n), 'gold_18k', 100 + n % 700, '2026-03-01', '2026-03-01'
             FROM {numbers}"
        ),
        format!(
            "INSERT INTO inventory (variant_id, on_hand, reserved, updated_at)
             SELECT {variant}, n % 5, 0, '2026-03-01' FROM {numbers}"
        ),
        format!(
            "INSERT INTO images (id, product_id, position, object_key, alt, width, height, created_at)
             SELECT {image}, {product}, 1, CONCAT('media/', n), '', 1, 1, '2026-03-01' FROM {numbers}"
        ),
        "INSERT INTO collections (id, slug, name, created_at, updated_at)
         SELECT UNHEX(LEFT(SHA2(CONCAT('grown-c', d), 256), 32)), CONCAT('grown-', d), 'Grown', '2026-03-01', '2026-03-01'
         FROM (SELECT 0 d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) five"
            .to_owned(),
        format!(
            "INSERT INTO collection_products (id, collection_id, product_id, position, created_at, updated_at)
             SELECT {member}, UNHEX(LEFT(SHA2(CONCAT('grown-c', n % 5), 256), 32)), {product}, n, '2026-03-01', '2026-03-01'
             FROM {numbers}"
        ),
        "INSERT INTO cards (product_id, metals, in_stock) SELECT id, 'gold_18k', 1 FROM products".to_owned(),
        "ANALYZE TABLE products, variants, inventory, images, cards, categories, collections, collection_products".to_owned(),
    ] {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *database).await.unwrap();
    }
}

async fn log(database: &mut MySqlConnection, on: bool) {
    let switch =
        if on { "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1" } else { "SET GLOBAL general_log = 0" };
    sqlx::raw_sql(AssertSqlSafe(switch)).execute(database).await.unwrap();
}

/// Every documented GET, and the lists with their orders, second pages and filters.
async fn read_everything(shop: &Shop) {
    let document = shop.api.read("/api/openapi.json").await;
    let ids: [&str; 3] = ["aurora-ring", "rings", "01938c3e-0000-7000-8000-000000000000"];
    for (path, methods) in document["paths"].as_object().unwrap() {
        let Some(operation) = methods.get("get").filter(|_| path.starts_with("/api/")) else { continue };
        for id in ids {
            let parts = path.split('/').map(|part| if part.starts_with('{') { id } else { part });
            let path = parts.collect::<Vec<_>>().join("/");
            let request = shop.api.request(Method::GET, &path);
            let signed = operation["security"].is_array();
            let request = if signed { request.bearer_auth(shop.issuer.admin()) } else { request };
            let status = request.send().await.unwrap().status();
            assert!(!status.is_server_error(), "{path}: {status}");
        }
    }
    for walk in WALKS {
        let page = shop.api.read(&format!("/api/v1/products{walk}")).await;
        let cursor = page["next_cursor"].as_str().unwrap();
        let separator = if walk.is_empty() { '?' } else { '&' };
        let next: Value = shop.api.read(&format!("/api/v1/products{walk}{separator}cursor={cursor}")).await;
        assert_eq!(next["items"].as_array().unwrap().len(), 24, "{walk}");
    }
    for query in ["q=grown", "q=gold&sort=price_asc", "metal=gold_18k&in_stock=true", "min_price=300&max_price=310"] {
        shop.api.read(&format!("/api/v1/products?{query}")).await;
    }
}

/// Each statement once: its text with literals left out, and one example.
async fn logged(database: &mut MySqlConnection) -> BTreeMap<String, String> {
    let rows = sqlx::query(
        "SELECT CONVERT(argument USING utf8mb4) AS statement FROM mysql.general_log
         WHERE command_type IN ('Execute', 'Query')",
    )
    .fetch_all(database)
    .await
    .unwrap();
    let mut statements = BTreeMap::new();
    for row in rows {
        let text: String = row.get("statement");
        let verb = text.split_whitespace().next().unwrap_or_default().to_uppercase();
        if ["SELECT", "UPDATE", "DELETE"].contains(&verb.as_str())
            && text.contains(" FROM ")
            && !text.contains("mysql.")
        {
            statements.insert(shape(&text), filled(&text));
        }
    }
    statements
}

/// With a number where the log leaves a parameter's mark.
fn filled(text: &str) -> String {
    let parts = text.split('\'').enumerate();
    let parts = parts.map(|(index, part)| if index % 2 == 0 { part.replace('?', "1") } else { part.to_owned() });
    parts.collect::<Vec<_>>().join("'")
}

/// Without what stands between quotes, and without numbers and repeated blanks.
fn shape(text: &str) -> String {
    let unquoted: String = text.split('\'').step_by(2).collect::<Vec<_>>().join("?");
    let words =
        unquoted.split_whitespace().map(|word| if word.bytes().any(|b| b.is_ascii_digit()) { "#" } else { word });
    words.collect::<Vec<_>>().join(" ")
}

#[derive(Debug)]
struct Step {
    table: Option<String>,
    kind: Option<String>,
    extra: String,
}

async fn explain(database: &mut MySqlConnection, statement: &str) -> Vec<Step> {
    // MySQL 9 explains as a tree unless told otherwise; MariaDB knows no such word.
    sqlx::raw_sql("SET @@explain_format = 'TRADITIONAL'").execute(&mut *database).await.ok();
    let rows = sqlx::query(AssertSqlSafe(format!("EXPLAIN {statement}"))).fetch_all(database).await.unwrap();
    let text = |row: &sqlx::mysql::MySqlRow, column: &str| {
        row.try_get::<Option<Vec<u8>>, _>(column).unwrap().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    let step = |row: &sqlx::mysql::MySqlRow| Step {
        table: text(row, "table"),
        kind: text(row, "type"),
        extra: text(row, "Extra").unwrap_or_default(),
    };
    rows.iter().map(step).collect()
}
