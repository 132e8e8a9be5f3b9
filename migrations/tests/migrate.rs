//! The migrator against real servers: the shop's own schema, refusals, and two runs at once.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod deaths;
mod foresight;
mod page;
mod repair;
mod server;

use std::time::Duration;

use jewel_migrations::{
    Error, Event, Migration, Problem, State, UpOptions, applied_version, embedded, expected_version, status,
    status_with, up, up_with,
};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};

fn quiet() -> impl FnMut(Event) + Send {
    |_| {}
}

async fn tables(connection: &mut MySqlConnection) -> Vec<String> {
    let query =
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1";
    sqlx::query_scalar(query).fetch_all(connection).await.unwrap()
}

#[tokio::test]
async fn the_shops_schema_is_applied_once_and_holds_its_rules() {
    for server in server::all().await {
        let options = server.database("shop").await;
        let mut connection = options.connect().await.unwrap();

        let before = status(&mut connection).await.unwrap();
        assert_eq!((before.applied, before.pending()), (None, embedded().len()), "{}", server.name);
        assert_eq!(applied_version(&mut connection).await.unwrap(), None);
        let dry = UpOptions { dry_run: true, ..UpOptions::default() };
        let foreseen = up(&mut connection, &dry, &mut quiet()).await.unwrap();
        assert_eq!((foreseen.to, foreseen.applied.len()), (Some(expected_version()), embedded().len()));
        assert_eq!(tables(&mut connection).await, [] as [&str; 0], "reading wrote something");

        let mut events = Vec::new();
        let report = up(&mut connection, &UpOptions::default(), &mut |event| events.push(event)).await.unwrap();
        assert_eq!((report.from, report.to), (None, Some(expected_version())));
        let finished = events.iter().filter(|event| matches!(event, Event::MigrationFinished { .. })).count();
        assert_eq!(finished, embedded().len());
        let after = status(&mut connection).await.unwrap();
        assert!(after.is_current(), "{after:?}");
        assert!(matches!(&after.migrations[0].state, State::Applied { at } if at.ends_with('Z')), "{after:?}");
        assert_eq!(applied_version(&mut connection).await.unwrap(), Some(expected_version()));

        let again = up(&mut connection, &UpOptions::default(), &mut |event| panic!("{event:?}")).await.unwrap();
        assert_eq!(
            (again.from, again.to, again.applied.len()),
            (Some(expected_version()), Some(expected_version()), 0)
        );

        holds_its_rules(&mut connection).await;
    }
}

async fn holds_its_rules(connection: &mut MySqlConnection) {
    for statement in [
        "INSERT INTO categories (id, slug, name, description, position, created_at, updated_at)
         VALUES ('c', 'rings', 'Rings', '', 0, '2026-01-01', '2026-01-01')",
        "INSERT INTO products (id, category_id, slug, name, description, status, currency, price_from_minor, created_at,
             updated_at)
         VALUES ('p', 'c', 'ring', 'Ring', 'Gold', 'active', 'SGD', 5, '2026-01-01', '2026-01-01')",
        "INSERT INTO variants (id, product_id, position, sku, metal, stone, ring_size, price_minor, created_at, updated_at)
         VALUES ('v', 'p', 0, 'R-1', 'gold_18k', NULL, '12', 5, '2026-01-01', '2026-01-01')",
        "INSERT INTO inventory (variant_id, on_hand, reserved, updated_at)
         VALUES ('v', 3, 1, '2026-01-01')",
    ] {
        let padded = statement.replace("'c'", "RPAD('c', 16, '-')").replace("'p'", "RPAD('p', 16, '-')");
        run(connection, &padded.replace("'v'", "RPAD('v', 16, '-')")).await.unwrap();
    }
    for refused in [
        "UPDATE inventory SET on_hand = -1, reserved = -1",
        "UPDATE inventory SET on_hand = 0",
        "UPDATE inventory SET reserved = -1",
        "UPDATE products SET status = 'gone'",
        "UPDATE products SET price_from_minor = 0",
        "UPDATE variants SET price_minor = -5",
        "DELETE FROM variants",
        "INSERT INTO products SELECT RPAD('q', 16, '-'), category_id, slug, name, description, status, currency,
            price_from_minor, created_at, updated_at FROM products",
    ] {
        assert!(run(connection, refused).await.is_err(), "accepted: {refused}");
    }
}

async fn run(connection: &mut MySqlConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(drop)
}

const BROKEN: Migration = Migration::embedded(
    1,
    "first",
    "CREATE TABLE a (b INT); INSERT INTO a VALUES (1); CREATE TABLE c (nonsense); CREATE TABLE d (e INT);",
);

#[tokio::test]
async fn a_mended_migration_goes_on_where_it_failed_and_nothing_happens_twice() {
    for server in server::all().await {
        let mut connection = server.database("mended").await.connect().await.unwrap();
        let error = up_with(&mut connection, None, &[BROKEN], &UpOptions::default(), &mut quiet()).await.unwrap_err();
        assert!(matches!(&error, Error::Statement { version: 1, ordinal: 3, of: 4, line: 1, .. }), "{error:?}");
        assert!(error.to_string().contains("CREATE TABLE c (nonsense)"), "{error}");

        let status = status_with(&mut connection, &[BROKEN]).await.unwrap();
        assert_eq!(status.migrations[0].state, State::Partial { done: 2, statements: 4 });
        assert_eq!(applied_version(&mut connection).await.unwrap(), None, "half a migration counts for nothing");

        let edited = [Migration { sql: "CREATE TABLE a (b INT); INSERT INTO a VALUES (2);".into(), ..BROKEN }];
        let refused = up_with(&mut connection, None, &edited, &UpOptions::default(), &mut quiet()).await.unwrap_err();
        let Error::Refused { problems } = &refused else { panic!("{refused:?}") };
        let Problem::Edited { ordinal, applied, file, .. } = &problems[0] else { panic!("{problems:?}") };
        assert_eq!(*ordinal, 2);
        assert_eq!(applied.as_deref(), Some("INSERT INTO a VALUES (1)"));
        assert_eq!(file.as_deref(), Some("INSERT INTO a VALUES (2)"));

        let text = BROKEN.sql.replace("nonsense", "f INT").replace("; ", ";\r\n -- a comment\r\n");
        let mended = [Migration { sql: text.into(), ..BROKEN }];
        let report = up_with(&mut connection, None, &mended, &UpOptions::default(), &mut quiet()).await.unwrap();
        assert_eq!(report.applied[0].statements, 2);
        let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM a").fetch_one(&mut connection).await.unwrap();
        assert_eq!(rows, 1, "the INSERT ran twice on {}", server.name);
    }
}

#[tokio::test]
async fn two_at_once_one_works_and_the_other_waits_or_gives_up() {
    for server in server::all().await {
        let options = server.database("raced").await;
        let slow = [Migration::embedded(1, "slow", "CREATE TABLE a (b INT); DO SLEEP(2);")];
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let slow = slow.clone();
            let mut connection = options.connect().await.unwrap();
            let mut begun = Some(begun);
            async move {
                up_with(&mut connection, None, &slow, &UpOptions::default(), &mut |event| {
                    if matches!(event, Event::MigrationStarted { .. }) {
                        begun.take().unwrap().send(()).unwrap();
                    }
                })
                .await
            }
        });
        has_begun.await.unwrap();

        let mut impatient = options.connect().await.unwrap();
        let at_once = UpOptions { lock_timeout: Duration::ZERO, ..UpOptions::default() };
        let error = up_with(&mut impatient, None, &slow, &at_once, &mut quiet()).await.unwrap_err();
        assert!(matches!(&error, Error::LockHeld { holder: Some(_), .. }), "{error:?}");

        let mut waited = false;
        let report = up_with(&mut impatient, None, &slow, &UpOptions::default(), &mut |event| {
            waited |= matches!(event, Event::WaitingForLock { holder: Some(_) });
        })
        .await
        .unwrap();
        assert!(waited);
        assert_eq!(report.applied, [], "the second run did the work again");
        assert_eq!(first.await.unwrap().unwrap().applied.len(), 1);
    }
}
