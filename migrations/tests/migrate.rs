//! The migrator against real servers: the shop's own schema, refusals, two runs at once, and death at every boundary.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod server;

use std::time::Duration;

use jewel_migrations::{
    Error, Event, Migration, Problem, State, UpOptions, applied_version, embedded, expected_version, status,
    status_with, up, up_with,
};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, Row, mysql::MySqlConnectOptions};

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

const BROKEN: Migration = Migration {
    version: 1,
    name: "first",
    sql: "CREATE TABLE a (b INT); INSERT INTO a VALUES (1); CREATE TABLE c (nonsense); CREATE TABLE d (e INT);",
};

#[tokio::test]
async fn a_mended_migration_goes_on_where_it_failed_and_nothing_happens_twice() {
    for server in server::all().await {
        let mut connection = server.database("mended").await.connect().await.unwrap();
        let error = up_with(&mut connection, &[BROKEN], &UpOptions::default(), &mut quiet()).await.unwrap_err();
        assert!(matches!(&error, Error::Statement { version: 1, ordinal: 3, of: 4, line: 1, .. }), "{error:?}");
        assert!(error.to_string().contains("CREATE TABLE c (nonsense)"), "{error}");

        let status = status_with(&mut connection, &[BROKEN]).await.unwrap();
        assert_eq!(status.migrations[0].state, State::Partial { done: 2, statements: 4 });
        assert_eq!(applied_version(&mut connection).await.unwrap(), None, "half a migration counts for nothing");

        let edited = [Migration { sql: "CREATE TABLE a (b INT); INSERT INTO a VALUES (2);", ..BROKEN }];
        let refused = up_with(&mut connection, &edited, &UpOptions::default(), &mut quiet()).await.unwrap_err();
        let Error::Refused { problems } = &refused else { panic!("{refused:?}") };
        let Problem::Edited { ordinal, applied, file, .. } = &problems[0] else { panic!("{problems:?}") };
        assert_eq!(*ordinal, 2);
        assert_eq!(applied.as_deref(), Some("INSERT INTO a VALUES (1)"));
        assert_eq!(file.as_deref(), Some("INSERT INTO a VALUES (2)"));

        let text = BROKEN.sql.replace("nonsense", "f INT").replace("; ", ";\r\n -- a comment\r\n");
        let mended = [Migration { sql: text.leak(), ..BROKEN }];
        let report = up_with(&mut connection, &mended, &UpOptions::default(), &mut quiet()).await.unwrap();
        assert_eq!(report.applied[0].statements, 2);
        let rows: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM a").fetch_one(&mut connection).await.unwrap();
        assert_eq!(rows, 1, "the INSERT ran twice on {}", server.name);
    }
}

#[tokio::test]
async fn two_at_once_one_works_and_the_other_waits_or_gives_up() {
    for server in server::all().await {
        let options = server.database("raced").await;
        let slow = [Migration { version: 1, name: "slow", sql: "CREATE TABLE a (b INT); DO SLEEP(2);" }];
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let first = tokio::spawn({
            let mut connection = options.connect().await.unwrap();
            let mut begun = Some(begun);
            async move {
                up_with(&mut connection, &slow, &UpOptions::default(), &mut |event| {
                    if let (Event::MigrationStarted { .. }, Some(begun)) = (event, begun.take()) {
                        begun.send(()).unwrap();
                    }
                })
                .await
            }
        });
        has_begun.await.unwrap();

        let mut impatient = options.connect().await.unwrap();
        let at_once = UpOptions { lock_timeout: Duration::ZERO, ..UpOptions::default() };
        let error = up_with(&mut impatient, &slow, &at_once, &mut quiet()).await.unwrap_err();
        assert!(matches!(&error, Error::LockHeld { holder: Some(_), .. }), "{error:?}");

        let mut waited = false;
        let report = up_with(&mut impatient, &slow, &UpOptions::default(), &mut |event| {
            waited |= matches!(event, Event::WaitingForLock { holder: Some(_) });
        })
        .await
        .unwrap();
        assert!(waited);
        assert_eq!(report.applied, [], "the second run did the work again");
        assert_eq!(first.await.unwrap().unwrap().applied.len(), 1);
    }
}

/// One of each kind of statement.
const TEN: Migration = Migration {
    version: 1,
    name: "ten",
    sql: "
        CREATE TABLE parents (id INT PRIMARY KEY, note VARCHAR(20));
        CREATE TABLE children (id INT PRIMARY KEY, parent INT NOT NULL);
        INSERT INTO parents VALUES (1, 'one'), (2, 'two');
        ALTER TABLE children ADD COLUMN size INT NOT NULL DEFAULT 0, ADD KEY children_size (size);
        ALTER TABLE children ADD CONSTRAINT children_parent FOREIGN KEY (parent) REFERENCES parents (id);
        CREATE INDEX parents_note ON parents (note);
        UPDATE parents SET note = CONCAT(note, '!');
        ALTER TABLE children DROP COLUMN size;
        CREATE TABLE gone (id INT);
        DROP TABLE gone;
    ",
};

#[tokio::test]
async fn death_at_any_boundary_changes_nothing_in_the_end() {
    for server in server::all().await {
        let undisturbed = server.database("undisturbed").await;
        let mut connection = undisturbed.connect().await.unwrap();
        up_with(&mut connection, &[TEN], &UpOptions::default(), &mut quiet()).await.unwrap();
        let expected = contents(&mut connection).await;

        for ordinal in 1..=10 {
            for death in [Death::BeforeSending, Death::AfterSentNoted, Death::BeforeDoneNoted, Death::AfterDoneNoted] {
                let name = format!("death_{ordinal}_{death:?}").to_lowercase();
                let options = server.database(&name).await;
                die(&options, ordinal, death).await;
                let mut connection = options.connect().await.unwrap();
                let status = status_with(&mut connection, &[TEN]).await.unwrap();
                assert_eq!(status.problems, [], "{name} on {}", server.name);
                up_with(&mut connection, &[TEN], &UpOptions::default(), &mut quiet())
                    .await
                    .unwrap_or_else(|error| panic!("{name} on {}: {error:?}", server.name));
                assert_eq!(contents(&mut connection).await, expected, "{name} on {}", server.name);
            }
        }
    }
}

#[tokio::test]
async fn the_server_may_die_too() {
    for mut server in server::all().await {
        let mut connection = server.database("undisturbed").await.connect().await.unwrap();
        up_with(&mut connection, &[TEN], &UpOptions::default(), &mut quiet()).await.unwrap();
        let expected = contents(&mut connection).await;
        for ordinal in [3, 5, 10] {
            let options = server.database(&format!("died_{ordinal}")).await;
            let mut connection = options.connect().await.unwrap();
            let died = up_with(&mut connection, &[TEN], &UpOptions::default(), &mut |event| match event {
                Event::StatementStarted { ordinal: now, .. } if now == ordinal => server.kill(),
                _ => {}
            })
            .await;
            assert!(died.is_err(), "it did not notice");
            server.launch().await;
            let mut connection = options.connect().await.unwrap();
            up_with(&mut connection, &[TEN], &UpOptions::default(), &mut quiet()).await.unwrap();
            assert_eq!(contents(&mut connection).await, expected, "statement {ordinal} on {}", server.name);
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Death {
    /// Nothing of the statement has happened.
    BeforeSending,
    /// It was noted as sent, and never reached the server.
    AfterSentNoted,
    /// It took effect, and nobody noted that.
    BeforeDoneNoted,
    /// It took effect and that was noted.
    AfterDoneNoted,
}

/// A run that dies at one statement. Where no event marks the place, the history is set to what it would be there.
async fn die(options: &MySqlConnectOptions, ordinal: u32, death: Death) {
    let mut connection = options.connect().await.unwrap();
    let before = matches!(death, Death::BeforeSending | Death::AfterSentNoted);
    let run = tokio::spawn(async move {
        up_with(&mut connection, &[TEN], &UpOptions::default(), &mut |event| match event {
            Event::StatementStarted { ordinal: now, .. } if before && now == ordinal => std::panic::panic_any(()),
            Event::StatementFinished { ordinal: now, .. } if !before && now == ordinal => std::panic::panic_any(()),
            _ => {}
        })
        .await
    });
    assert!(run.await.unwrap_err().is_panic(), "the run ended before its death");

    let mut connection = options.connect().await.unwrap();
    let is_transactional = [3, 7].contains(&ordinal);
    let query = match death {
        // A statement in a transaction is never noted as sent: it is done or it is not.
        _ if is_transactional => return,
        Death::BeforeSending | Death::AfterDoneNoted => return,
        Death::AfterSentNoted => {
            "INSERT INTO schema_migration_statements (version, ordinal, hash, body, state, sent_at)
             VALUES (1, ?, ?, '', 'sent', UTC_TIMESTAMP(6))"
        }
        Death::BeforeDoneNoted => {
            "UPDATE schema_migration_statements SET state = 'sent', done_at = NULL WHERE ordinal = ? AND hash = ?"
        }
    };
    let hash = jewel_migrations::split(TEN.sql).unwrap()[ordinal as usize - 1].hash();
    let noted = sqlx::query(query).bind(ordinal).bind(hash).execute(&mut connection).await.unwrap();
    assert_eq!(noted.rows_affected(), 1);
}

/// The schema and the rows.
async fn contents(connection: &mut MySqlConnection) -> Vec<String> {
    let mut all = tables(connection).await;
    for table in ["parents", "children"] {
        let query = AssertSqlSafe(format!("SHOW CREATE TABLE {table}"));
        all.push(sqlx::query(query).fetch_one(&mut *connection).await.unwrap().get(1));
    }
    let rows = "SELECT CONCAT(id, note) FROM parents ORDER BY id";
    all.extend(sqlx::query_scalar::<_, String>(rows).fetch_all(&mut *connection).await.unwrap());
    let statements = "SELECT CONCAT(ordinal, state) FROM schema_migration_statements ORDER BY ordinal";
    all.extend(sqlx::query_scalar::<_, String>(statements).fetch_all(connection).await.unwrap());
    all
}
