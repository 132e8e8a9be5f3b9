//! The rows on real servers: MariaDB, and the MySQL that `JEWEL_MYSQLD` names.

#[path = "../../../../migrations/tests/server/mod.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with other crates' tests, each of which uses its own part")]
mod server;

use jewel_migrations::UpOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, MySqlConnection};

use super::{Written, write};
use crate::demo::Error;
use crate::demo::catalogue::{Catalogue, EMBEDDED};

async fn shop(server: &server::Server) -> MySqlConnection {
    let mut conn = server.database("shop").await.connect().await.unwrap();
    jewel_migrations::up(&mut conn, &UpOptions::default(), &mut |_| {}).await.unwrap();
    conn
}

async fn count(conn: &mut MySqlConnection, from: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("SELECT COUNT(*) FROM {from}"))).fetch_one(conn).await.unwrap()
}

async fn run(conn: &mut MySqlConnection, sql: &'static str) {
    assert_eq!(sqlx::query(sql).execute(conn).await.unwrap().rows_affected(), 1, "{sql}");
}

#[tokio::test]
async fn seeding_again_changes_nothing_and_keeps_what_was_sold() {
    for server in server::all().await {
        let catalogue = Catalogue::embedded().unwrap();
        let mut conn = shop(&server).await;
        let pieces = catalogue.pieces.len();
        let first = write(&mut conn, &catalogue).await.unwrap();
        assert_eq!(first, Written { added: pieces, updated: 0 }, "{}", server.name);
        assert_eq!(count(&mut conn, "products").await, pieces as i64);
        assert_eq!(count(&mut conn, "images").await, 2 * pieces as i64);
        let variants: usize = catalogue.pieces.iter().map(|piece| piece.variants().len()).sum();
        assert_eq!(count(&mut conn, "variants JOIN inventory ON variant_id = id").await, variants as i64);

        run(
            &mut conn,
            "UPDATE inventory SET on_hand = 1 WHERE variant_id = (SELECT id FROM variants WHERE sku = 'MP-R101-YG-11')",
        )
        .await;
        assert_eq!(write(&mut conn, &catalogue).await.unwrap(), Written::default(), "{}", server.name);
        let sold = "inventory JOIN variants ON variant_id = id WHERE sku = 'MP-R101-YG-11' AND on_hand = 1";
        assert_eq!(count(&mut conn, sold).await, 1);
    }
}

#[tokio::test]
async fn a_changed_catalogue_changes_only_what_differs() {
    for server in server::all().await {
        let mut conn = shop(&server).await;
        write(&mut conn, &Catalogue::embedded().unwrap()).await.unwrap();
        run(
            &mut conn,
            "UPDATE inventory SET on_hand = 7 WHERE variant_id = (SELECT id FROM variants WHERE sku = 'MP-R101-YG-11')",
        )
        .await;
        let changed = EMBEDDED
            .replacen("price = 428000", "price = 430000", 1)
            .replacen("look = \"a pair of polished hoop", "look = \"two polished hoop", 1)
            .replacen("stock = 18 }", "stock = 18 },\n    { metal = \"platinum_950\", price = 164000, stock = 2 }", 1);
        let changed = Catalogue::parse(&changed).unwrap();
        assert_eq!(write(&mut conn, &changed).await.unwrap(), Written { added: 0, updated: 2 }, "{}", server.name);
        assert_eq!(count(&mut conn, "variants WHERE price_minor = 430000").await, 4);
        let stock = "inventory JOIN variants ON variant_id = id WHERE";
        assert_eq!(count(&mut conn, &format!("{stock} sku = 'MP-E405-PT' AND on_hand = 2")).await, 1);
        assert_eq!(count(&mut conn, &format!("{stock} sku = 'MP-R101-YG-11' AND on_hand = 7")).await, 1);
    }
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_left_alone() {
    for server in server::all().await {
        let catalogue = Catalogue::embedded().unwrap();
        let mut conn = shop(&server).await;
        run(
            &mut conn,
            "INSERT INTO categories (id, slug, name, created_at, updated_at) VALUES \
             (REPEAT('c', 16), 'rings', 'Our own rings', '2026-01-01', '2026-01-01')",
        )
        .await;
        run(
            &mut conn,
            "INSERT INTO products (id, category_id, slug, name, description, currency, price_from_minor, created_at, \
             updated_at) VALUES (REPEAT('p', 16), REPEAT('c', 16), 'garis-flat-band', 'Ours', '', 'SGD', 1, \
             '2026-01-01', '2026-01-01')",
        )
        .await;
        let error = write(&mut conn, &catalogue).await.unwrap_err();
        assert!(matches!(&error, Error::Taken { what: "product", name } if name == "garis-flat-band"), "{error:?}");
        assert_eq!(count(&mut conn, "products").await, 1, "nothing is written by halves");
        assert_eq!(count(&mut conn, "categories").await, 1);

        run(&mut conn, "DELETE FROM products").await;
        write(&mut conn, &catalogue).await.unwrap();
        let rings = catalogue.pieces.iter().filter(|piece| piece.category == "rings").count() as i64;
        assert_eq!(count(&mut conn, "products WHERE category_id = REPEAT('c', 16)").await, rings);
        assert_eq!(count(&mut conn, "categories WHERE name = 'Our own rings'").await, 1);
    }
}
