//! Every type of column, with the values that are hard, and every other part of a schema.

use jewel_backup::{RestoreOptions, restore};
use mysql_async::{Conn, prelude::Queryable};

use crate::{
    back_up, keys,
    memory::Memory,
    options, restore_to, said,
    server::{self, Server, ask},
};

const TABLES: &[&str] = &[
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO', time_zone = '+00:00', foreign_key_checks = 0",
    "CREATE TABLE numbers (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, tiny TINYINT, small SMALLINT UNSIGNED, medium MEDIUMINT, plain INT,
        filled INT(8) ZEROFILL, big BIGINT UNSIGNED, exact DECIMAL(65,30), single FLOAT, two_places FLOAT(7,2), dbl DOUBLE,
        flag BOOLEAN, bits BIT(64), bits3 BIT(3), UNIQUE KEY by_tiny (tiny, id), KEY by_exact (exact)
    ) COMMENT 'it''s, \\\\ AUTO_INCREMENT=5 (x'",
    "INSERT INTO numbers VALUES
        (0, -128, 65535, -8388608, -2147483648, 42, 18446744073709551615, '-12345678901234567890123456789012345.123456789012345678901234567890',
            0.1, 12345.67, 1.7976931348623157e308, TRUE, X'FFFFFFFFFFFFFFFF', b'101'),
        (5, 127, 0, 8388607, 2147483647, 0, 0, 0, 3.4028235e38, -0.01, 5e-324, FALSE, 0, 0),
        (9, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
        (10, 1, 9, 9, 9, 9, 9, 9, 16777217, 0.1, 0.1, 1, X'095C0A00', 1),
        (11, 1, 9, 9, 9, 9, 9, 9, 1.17549435e-38, -0.0, -0.0, 1, 92, 1)",
    "CREATE TABLE texts (
        tag VARCHAR(40) CHARACTER SET utf8mb4 NOT NULL, latin VARCHAR(100) CHARACTER SET latin1, wide CHAR(20) CHARACTER SET utf16,
        japanese VARCHAR(50) CHARACTER SET sjis, small_text TINYTEXT, plain TEXT, medium_text MEDIUMTEXT, long_text LONGTEXT,
        fixed BINARY(5), varied VARBINARY(50), small_blob TINYBLOB, plain_blob BLOB, medium_blob MEDIUMBLOB, long_blob LONGBLOB,
        kind ENUM('a', 'b''c', '2', 'ä') CHARACTER SET latin1, several SET('x', 'y', 'z'),
        PRIMARY KEY (tag, fixed), KEY by_latin (latin), KEY by_prefix (plain(10))
    ) DEFAULT CHARSET utf8mb4",
    "INSERT INTO texts (tag, fixed, latin, wide, japanese, plain, long_text, varied, plain_blob, kind, several) VALUES
        ('', '', '', '', '', '', '', '', '', 'a', ''),
        ('\\\\N', X'0000000000', 'NULL', '\\\\N', '\\\\', '\\\\N', 'tab\\tnew\\nline\\rret\\\\back\\0zero', X'5C4E', X'00090A0D5C1A22', 'b''c', 'x,z'),
        ('💍', X'FFFEFDFCFB', _latin1 X'E4FF', '語', _sjis X'835C', _utf8mb4 '💍é', '\\'\"`', X'FF', X'F09F', '2', 'x,y,z'),
        ('trail ', X'2020', 'trail ', 'x ', 'y', 'tail ', ' ', X'20', X'2000', _latin1 X'E4', 'y')",
    "INSERT INTO texts (tag, fixed) VALUES ('nothing', 'x')",
    "CREATE TABLE times (
        at DATETIME(6) NOT NULL, day DATE, clock TIME(6), stamp TIMESTAMP(6) NULL, year YEAR, plain DATETIME, PRIMARY KEY (at)
    )",
    "INSERT INTO times VALUES
        ('9999-12-31 23:59:59.999999', '1000-01-01', '-838:59:59.000000', '2038-01-19 03:14:07.999999', 2155, '2026-03-29 02:30:00'),
        ('0000-00-00 00:00:00', '0000-00-00', '00:00:00.000001', '1970-01-01 00:00:01', 0, '0000-00-00'),
        ('2026-10-25 02:30:00.5', '2026-02-00', '838:59:59', NULL, 1901, NULL)",
    "CREATE TABLE shapes (id INT NOT NULL PRIMARY KEY, anything GEOMETRY, place POINT NOT NULL, area POLYGON, SPATIAL KEY (place))",
    "INSERT INTO shapes VALUES
        (1, ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 2),LINESTRING(0 0,1.5 -1.5))'), ST_GeomFromText('POINT(0.1 -0.2)'),
            ST_GeomFromText('POLYGON((0 0,4 0,4 4,0 4,0 0),(1 1,2 1,2 2,1 2,1 1))')),
        (2, NULL, ST_GeomFromText('POINT(1 1)'), NULL)",
    "CREATE TABLE papers (
        id VARCHAR(36) NOT NULL PRIMARY KEY, body JSON, doubled INT GENERATED ALWAYS AS (LENGTH(id) * 2) VIRTUAL,
        kept INT GENERATED ALWAYS AS (LENGTH(id) + 1) STORED, note VARCHAR(20) DEFAULT 'it''s', KEY by_kept (kept)
    )",
    "INSERT INTO papers (id, body, note) VALUES
        ('a', '{\"a\": [1, 2.5, null, \"tab\\\\tq\\\\\"x\"], \"ä\": \"💍\"}', NULL), ('b', 'null', DEFAULT), ('c', NULL, '')",
    "CREATE TABLE `odd ``na\\me, (` (`a ``b` INT, `, PRIMARY KEY (` TEXT, FULLTEXT KEY words (`, PRIMARY KEY (`))",
    "INSERT INTO `odd ``na\\me, (` VALUES (1, 'gold ring'), (1, 'gold ring'), (NULL, NULL)",
    "CREATE TABLE counted (code INT NOT NULL, number INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (code), KEY (number)) AUTO_INCREMENT = 500",
    "INSERT INTO counted VALUES (1, 3), (2, 0)",
    "CREATE TABLE nothing (id INT PRIMARY KEY)",
    "CREATE TABLE parts (id INT NOT NULL, at DATE NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (YEAR(at))
        (PARTITION p0 VALUES LESS THAN (2020), PARTITION p1 VALUES LESS THAN MAXVALUE)",
    "INSERT INTO parts VALUES (1, '2019-05-05'), (2, '2025-05-05')",
    "CREATE TABLE orders (id BINARY(16) NOT NULL PRIMARY KEY, number BIGINT, CONSTRAINT positive CHECK (number > 0))",
    "CREATE TABLE line_items (
        id BINARY(16) NOT NULL PRIMARY KEY, order_id BINARY(16) NOT NULL, other_id BINARY(16), KEY of_order (order_id),
        CONSTRAINT lines_order FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE CASCADE,
        CONSTRAINT lines_other FOREIGN KEY (other_id) REFERENCES line_items (id)
    )",
    "INSERT INTO orders SELECT LEFT(UNHEX(SHA2(n, 256)), 16), n FROM (SELECT 1 AS n UNION SELECT 2 UNION SELECT 3) some",
    "INSERT INTO line_items SELECT LEFT(UNHEX(SHA2(number + 100, 256)), 16), id, NULL FROM orders",
    "UPDATE line_items SET other_id = id",
    "CREATE FUNCTION price(cents INT) RETURNS VARCHAR(40) DETERMINISTIC RETURN CONCAT('€ ', cents / 100)",
    "CREATE PROCEDURE `add ``order`(IN n INT) BEGIN DECLARE x INT DEFAULT 1; INSERT INTO orders VALUES (LEFT(UNHEX(SHA2(n, 256)), 16), n); END",
    "CREATE VIEW b_view AS SELECT number FROM orders",
    "CREATE VIEW a_view AS SELECT b_view.number, price(b_view.number) AS price FROM b_view",
    "CREATE TRIGGER first BEFORE INSERT ON orders FOR EACH ROW SET NEW.number = NEW.number + 1000",
    "CREATE TRIGGER second BEFORE INSERT ON orders FOR EACH ROW BEGIN SET NEW.number = NEW.number; END",
    "CREATE EVENT yearly ON SCHEDULE EVERY 1 YEAR STARTS '2030-01-01 00:00:00' DISABLE DO DELETE FROM nothing",
];

/// What only one of them has.
fn own(server: &Server) -> &'static [&'static str] {
    if server.is_mysql() {
        &[
            "CREATE TABLE own (id INT PRIMARY KEY, lifted POINT SRID 4326, money JSON, hidden INT INVISIBLE DEFAULT 3, later INT DEFAULT (id), KEY backwards (hidden DESC))",
            "INSERT INTO own (id, lifted, money) VALUES (1, ST_SRID(POINT(10, 20), 4326), JSON_OBJECT('d', CAST('2026-01-02' AS DATE)))",
            "CREATE TABLE downwards (id INT, PRIMARY KEY (id DESC))",
            "INSERT INTO downwards VALUES (1), (2)",
            "CREATE TABLE vectors (id INT PRIMARY KEY, v VECTOR(3))",
            "INSERT INTO vectors VALUES (1, STRING_TO_VECTOR('[1,2.5,-3]'))",
        ]
    } else {
        &[
            "CREATE TABLE own (id UUID PRIMARY KEY, six INET6, four INET4, packed BLOB COMPRESSED)",
            "INSERT INTO own VALUES ('123e4567-e89b-12d3-a456-426614174000', '2001:db8::1', '127.0.0.1', 'aaaaaaaaaaaaaaaaaaaaaaa')",
        ]
    }
}

/// Everything in a schema, in a way that is not the one that backups use.
pub(crate) async fn contents(connection: &mut Conn) -> String {
    connection.query_drop("SET SESSION time_zone = '+00:00', sql_mode = ''").await.unwrap();
    let mut all = String::new();
    let tables =
        ask(connection, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1")
            .await;
    for table in tables.lines() {
        let columns = format!(
            "SELECT CONCAT('HEX(', IF(data_type = 'float', CONCAT('CAST(CAST(`', REPLACE(column_name, '`', '``'), '` AS DOUBLE) AS CHAR)'),
                 CONCAT('CAST(`', REPLACE(column_name, '`', '``'), '` AS CHAR CHARACTER SET binary)')), ')')
             FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = {} ORDER BY ordinal_position",
            format_args!("'{}'", table.replace('\\', "\\\\"))
        );
        let columns = ask(connection, &columns).await.replace('\n', ", ");
        let rows =
            ask(connection, &format!("SELECT {columns} FROM `{}` ORDER BY {columns}", table.replace('`', "``"))).await;
        all += &format!("{table}\n{rows}\n");
    }
    for query in [
        "SELECT table_name, index_name, non_unique, seq_in_index, column_name, sub_part, index_type FROM information_schema.statistics
         WHERE table_schema = DATABASE() ORDER BY 1, 2, 4",
        "SELECT table_name, constraint_name, constraint_type FROM information_schema.table_constraints WHERE constraint_schema = DATABASE() ORDER BY 1, 2",
        "SELECT routine_name, routine_definition, data_type FROM information_schema.routines WHERE routine_schema = DATABASE() ORDER BY 1",
        "SELECT trigger_name, action_order, action_statement FROM information_schema.triggers WHERE trigger_schema = DATABASE() ORDER BY 1",
        "SELECT event_name, event_definition, interval_value, status FROM information_schema.events WHERE event_schema = DATABASE() ORDER BY 1",
    ] {
        all += &format!("{}\n", ask(connection, query).await);
    }
    all
}

/// A schema with everything in it.
pub(crate) async fn shop(server: &Server) -> Conn {
    let mut shop = server.schema("shop", TABLES).await;
    for statement in own(server) {
        shop.query_drop(*statement).await.unwrap_or_else(|error| panic!("{}: {statement}: {error}", server.name));
    }
    shop
}

#[tokio::test]
async fn everything_comes_back_as_it_was() {
    for server in server::all().await {
        let mut shop = shop(&server).await;
        let keys = keys();
        let store = Memory::with(Default::default());
        let manifest = back_up(&server, &store, &keys, &options("shop"))
            .await
            .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
        let expected = contents(&mut shop).await;
        for (schema, keys) in [("again", &keys.shop), ("printed", &keys.printed)] {
            restore_to(&server, &store, &manifest.id, keys, schema)
                .await
                .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
            assert_same(&expected, &contents(&mut server.root_in(schema).await).await, server.name);
        }
        // The same where `LOAD DATA LOCAL` is forbidden.
        server.root().await.query_drop("SET GLOBAL local_infile = OFF").await.unwrap();
        let (restored, _) = restore_to(&server, &store, &manifest.id, &keys.shop, "slowly")
            .await
            .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
        assert!(restored.row_by_row);
        assert_same(&expected, &contents(&mut server.root_in("slowly").await).await, server.name);
        assert_eq!(ask(&mut server.root().await, "SHOW DATABASES LIKE 'jewel%'").await, "", "progress was left behind");
    }
}

#[tokio::test]
async fn users_come_back_with_their_passwords_and_rights_when_they_are_asked_for() {
    for server in server::all().await {
        server.schema("shop", &["CREATE TABLE orders (id INT PRIMARY KEY)"]).await;
        let mut root = server.root().await;
        for statement in [
            "CREATE USER 'shop_api'@'%' IDENTIFIED BY 'the api''s own' REQUIRE SSL",
            "GRANT SELECT, INSERT ON shop.* TO 'shop_api'@'%'",
            "GRANT UPDATE (id) ON shop.orders TO 'shop_api'@'%'",
            "CREATE USER 'nobody'@'%' IDENTIFIED BY 'of no concern'",
        ] {
            root.query_drop(statement).await.unwrap();
        }
        let (keys, store) = (keys(), Memory::with(Default::default()));
        let manifest = back_up(&server, &store, &keys, &options("shop"))
            .await
            .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
        let rights = async |root: &mut Conn| {
            ask(root, "SHOW GRANTS FOR 'shop_api'@'%'").await + &ask(root, "SHOW CREATE USER 'shop_api'@'%'").await
        };
        let expected = rights(&mut root).await;
        for statement in ["DROP USER 'shop_api'@'%', 'nobody'@'%'", "DROP DATABASE shop"] {
            root.query_drop(statement).await.unwrap();
        }
        let everything = RestoreOptions { users: true, ..RestoreOptions::new("shop") };
        restore(&store, &manifest.id, &keys.shop, &server.login(), &everything, &mut |_| {})
            .await
            .unwrap_or_else(|error| panic!("{}: {}", server.name, said(&error)));
        assert_eq!(rights(&mut root).await, expected, "{}", server.name);
        let stranger = ask(&mut root, "SELECT COUNT(*) FROM mysql.user WHERE user = 'nobody'").await;
        assert_eq!(stranger, "0", "{}", server.name);
        let stored =
            store.all().values().map(|object| String::from_utf8_lossy(object).into_owned()).collect::<String>();
        assert!(!stored.contains("shop_api"), "{}: a name of a user can be read in the store", server.name);
    }
}

/// The first lines that differ.
pub(crate) fn assert_same(expected: &str, found: &str, server: &str) {
    let differing = expected.lines().zip(found.lines()).find(|(one, other)| one != other);
    assert!(expected == found, "{server}: {differing:?}");
}
