//! A shop that has traded for years: every table that grows has so many rows, as they are after a while. Most orders are
//! delivered, most payments made, everything is in the journal.

use jewel_migrations::SHOWCASE_ANEW;
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::support::server::Server;

/// Tables with their columns, and what those are in row `n`. `#name` is the n-th id of that kind.
const TABLES: &[(&str, &str, &str)] = &[
    (
        "products",
        "id, category_id, slug, name, description, currency, price_from_minor, created_at, updated_at",
        "#product, UNHEX(LEFT(SHA2(ELT(n % 4 + 1, 'rings', 'necklaces', 'earrings', 'brooches'), 256), 32)),
         CONCAT('grown-', n), CONCAT('Grown ', n), 'gold', 'SGD', 100 + n % 700, @day + INTERVAL n MINUTE, @day",
    ),
    (
        "variants",
        "id, product_id, sku, metal, price_minor, created_at, updated_at",
        "#variant, #product, CONCAT('GROWN-', n), 'gold_18k', 100 + n % 700, @day, @day",
    ),
    ("inventory", "variant_id, on_hand, reserved, maybe_low, updated_at", "#variant, 10 + n % 5, 0, 0, @day"),
    (
        "inventory_adjustments",
        "id, variant_id, delta, on_hand, reason, author, created_at",
        "#adjustment, #variant, 1, 1, 'counted', 'somebody', @day",
    ),
    (
        "frame_sets",
        "id, product_id, alt, frame_count, state, created_at, updated_at",
        "#frames, #product, '', 2, 'replaced', @day, @day",
    ),
    (
        "images",
        "id, product_id, position, object_key, alt, width, height, created_at",
        "#image, #product, 1, CONCAT('media/', n), '', 1, 1, @day",
    ),
    (
        "media_uploads",
        "id, author, product_id, image_id, object_key, content_type, bytes, alt, state, created_at, expires_at, updated_at",
        "#upload, 'somebody', #product, #image, CONCAT('media/uploads/', n), 'image/jpeg', 1, '', 'confirmed', @day, @day,
         @day",
    ),
    (
        "collection_products",
        "id, collection_id, product_id, position, created_at, updated_at",
        "#member, UNHEX(LEFT(SHA2(CONCAT('collection', n % 10), 256), 32)), #product, n, @day, @day",
    ),
    (
        "carts",
        "id, customer, open_for, status, contents, created_at, updated_at",
        "#cart, CONCAT('customer-', n), NULL, 'ordered', '[]', @day, @day",
    ),
    (
        "orders",
        "id, number, cart_id, customer, email, address, status, currency, items_minor, shipping_minor, total_minor,
         tax_name, tax_basis_points, tax_minor, shipping_method, payment_method, paid_at, document, created_at, updated_at",
        "#order, CONCAT('G-', n), #cart, CONCAT('customer-', n), 'a@example.com', '{}', 'delivered', 'SGD', 100, 0, 100,
         'GST', 900, 8, 'standard', 'card', @day, 'stored', @day, @day",
    ),
    (
        "order_lines",
        "id, order_id, position, variant_id, sku, name, details, price_minor, quantity",
        "#line, #order, 1, #variant, CONCAT('GROWN-', n), 'Grown', '', 100, 1",
    ),
    (
        "order_history",
        "id, order_id, status, actor, reason, created_at",
        "#step, #order, 'delivered', 'system', 'arrived', @day",
    ),
    (
        "payments",
        "id, order_id, attempt, provider, provider_reference, state, amount_minor, currency, received_minor, created_at,
         updated_at",
        "#payment, #order, 1, 'stripe', CONCAT('pi_grown_', n), 'succeeded', 100, 'SGD', 100, @day, @day",
    ),
    (
        "refunds",
        "id, payment_id, order_id, attempt, provider_reference, state, amount_minor, currency, reason, created_at,
         updated_at",
        "#refund, #payment, #order, 1, CONCAT('re_grown_', n), 'succeeded', 1, 'SGD', '', @day, @day",
    ),
    (
        "webhook_events",
        "id, provider, provider_reference, kind, about_reference, outcome, event_id, created_at",
        "#message, 'stripe', CONCAT('evt_grown_', n), 'payment_intent.succeeded', CONCAT('pi_grown_', n), 'applied',
         #event, @day",
    ),
    ("customers", "id, subject, created_at, updated_at", "#customer, CONCAT('customer-', n), @day, @day"),
    (
        "addresses",
        "id, customer_id, label, name, line1, city, country, created_at, updated_at",
        "#address, #customer, '', 'Somebody', 'Somewhere', 'Singapore', 'SG', @day, @day",
    ),
    (
        "idempotency_keys",
        "id, route, request_hash, subject_id, event_id, created_at",
        "#key, 'orders', SHA2(n, 256), #order, #event, @day",
    ),
    (
        "audit",
        "id, actor, kind, request, detail, created_at",
        "#event, CONCAT('admin-', n % 5), 'product.changed', 'r', '{}', @day",
    ),
    (
        "outbox",
        "event_id, kind, body, created_at, journal_epoch, journal_seq",
        "#event, 'product.changed', '{}', @day, 0, n",
    ),
];

/// Fills the tables of the database `shop`. What it needs for that stays in the database `grown`.
pub(crate) async fn grow(server: &Server, rows: u32) {
    let mut connection = server.database("grown").await.connect().await.unwrap();
    let numbers = (1..=rows).map(|n| format!("({n})")).collect::<Vec<_>>().join(", ");
    let mut statements = vec![
        "CREATE TABLE grown.numbers (n INT PRIMARY KEY)".to_owned(),
        format!("INSERT INTO grown.numbers VALUES {numbers}"),
        "USE shop".to_owned(),
        "SET @day = CAST('2026-03-01' AS DATETIME)".to_owned(),
        "INSERT INTO collections (id, slug, name, created_at, updated_at)
         SELECT UNHEX(LEFT(SHA2(CONCAT('collection', n % 10), 256), 32)), CONCAT('grown-', n % 10), 'Grown', @day, @day
         FROM grown.numbers WHERE n <= 10"
            .to_owned(),
    ];
    for (table, columns, values) in TABLES {
        let values = with_ids(values);
        statements.push(format!("INSERT INTO {table} ({columns}) SELECT {values} FROM grown.numbers"));
    }
    statements.push(SHOWCASE_ANEW.to_owned());
    let all: Vec<&str> = TABLES.iter().map(|(table, ..)| *table).collect();
    statements.push(format!("ANALYZE TABLE {}, showcase", all.join(", ")));
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
}

/// With the expression of an id in place of each `#name`.
fn with_ids(values: &str) -> String {
    let mut parts = values.split('#');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len());
        text += &format!("UNHEX(LEFT(SHA2(CONCAT('grown-{}', n), 256), 32)){}", &part[..end], &part[end..]);
    }
    text
}
