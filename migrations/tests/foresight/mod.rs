//! What is known before the first statement is sent: lint, rehearsal, algorithms; and what is told while one runs.

use std::time::{Duration, Instant};

use jewel_migrations::{Error, Event, Forecast, Method, Migration, Rule, UpOptions, status_with, up_with};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, mysql::MySqlConnectOptions};

use crate::server::{self, Server};

const FIRST: Migration = Migration::embedded(
    1,
    "first",
    "CREATE TABLE parents (id INT PRIMARY KEY);
     CREATE TABLE things (id INT PRIMARY KEY, name VARCHAR(80) NOT NULL DEFAULT '', n INT NULL, parent INT NULL,
         CONSTRAINT things_parent FOREIGN KEY (parent) REFERENCES parents (id),
         CONSTRAINT things_n CHECK (n > 0));
     INSERT INTO things (id, n) VALUES (1, 1), (2, 2);",
);

fn second(sql: &str) -> [Migration; 2] {
    [FIRST, Migration { version: 2, name: "second".into(), sql: sql.to_owned().into() }]
}

async fn begin(server: &Server, name: &str) -> MySqlConnectOptions {
    let options = server.database(name).await;
    let mut connection = options.connect().await.unwrap();
    up_with(&mut connection, None, &[FIRST], &UpOptions::default(), &mut |_| {}).await.unwrap();
    options
}

async fn scalar(connection: &mut MySqlConnection, query: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(connection).await.unwrap()
}

async fn scratch_schemas(connection: &mut MySqlConnection) -> i64 {
    scalar(connection, "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name LIKE 'jewel_rehearsal%'")
        .await
}

#[tokio::test]
async fn every_alter_says_how_it_will_be_done_and_is_done_so() {
    let safe = "-- jewel: safe because this is a test\n";
    let pending = second(&format!(
        "ALTER TABLE things ADD COLUMN a INT NOT NULL DEFAULT 0;
         ALTER TABLE things ADD KEY things_a (a);
         {safe} ALTER TABLE things MODIFY n BIGINT NULL;
         CREATE INDEX things_n_name ON things (n, name);
         ALTER TABLE things ADD COLUMN b INT NULL, ALGORITHM=COPY;
         UPDATE things SET a = 1 WHERE id > 0;
         CREATE TABLE others (id INT PRIMARY KEY);
         ALTER TABLE others ADD COLUMN c INT NOT NULL DEFAULT 0;"
    ));
    for server in server::all().await {
        let mut connection = begin(&server, "how").await.connect().await.unwrap();
        let dry = UpOptions { dry_run: true, ..UpOptions::default() };
        let report = up_with(&mut connection, None, &pending, &dry, &mut |_| {}).await.unwrap();
        let methods: Vec<&Method> = report.statements.iter().map(|forecast| &forecast.method).collect();
        let beside = Method::InPlace { writes_go_on: true };
        assert_eq!(
            methods,
            [
                &Method::Instant,
                &beside,
                &Method::Copy,
                &beside,
                &Method::AsWritten,
                &Method::Rows,
                &Method::New,
                &Method::New
            ],
            "{}",
            server.name
        );
        assert_eq!(scratch_schemas(&mut connection).await, 0, "the copy is still there");
        let columns = "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE()
             AND table_name IN ('things', 'others')";
        assert_eq!(scalar(&mut connection, columns).await, 4, "a dry run changed the schema on {}", server.name);

        let mut foreseen: Vec<Forecast> = Vec::new();
        let report = up_with(&mut connection, None, &pending, &UpOptions::default(), &mut |event| {
            if let Event::Foreseen { forecast } = event {
                foreseen.push(forecast);
            }
        })
        .await
        .unwrap();
        assert_eq!(foreseen, report.statements);
        assert_eq!(scalar(&mut connection, columns).await, 8);
        assert_eq!(scalar(&mut connection, "SELECT COUNT(*) FROM things WHERE a = 1").await, 2);
    }
}

#[tokio::test]
async fn what_would_fail_or_break_the_old_release_is_refused_before_anything_happens() {
    for server in server::all().await {
        let mut connection = begin(&server, "refused").await.connect().await.unwrap();
        let fails = second("ALTER TABLE things ADD COLUMN a INT NULL; ALTER TABLE things ADD KEY k (missing);");
        let error = up_with(&mut connection, None, &fails, &UpOptions::default(), &mut |_| {}).await.unwrap_err();
        assert!(matches!(&error, Error::Rehearsal { version: 2, ordinal: 2, of: 2, .. }), "{error:?}");

        let breaks = second("ALTER TABLE things ADD COLUMN a INT NULL;\nALTER TABLE things DROP COLUMN name;");
        let error = up_with(&mut connection, None, &breaks, &UpOptions::default(), &mut |_| {}).await.unwrap_err();
        let Error::Unsafe { findings } = &error else { panic!("{error:?}") };
        assert_eq!((findings[0].rule, findings[0].line), (Rule::DropColumn, 2));
        assert!(error.to_string().contains("0002_second.sql:2: drop-column: drops things.name"), "{error}");

        let columns = "SELECT COUNT(*) FROM information_schema.columns WHERE table_schema = DATABASE()
             AND table_name = 'things'";
        assert_eq!(scalar(&mut connection, columns).await, 4, "something was applied on {}", server.name);
        assert_eq!(scalar(&mut connection, "SELECT COUNT(*) FROM schema_migrations").await, 1);
        assert_eq!(scratch_schemas(&mut connection).await, 0, "the copy is still there");
    }
}

#[tokio::test]
async fn a_rehearsal_that_was_killed_leaves_nothing_for_long() {
    let pending = second("ALTER TABLE things ADD COLUMN a INT NULL;");
    let dry = UpOptions { dry_run: true, ..UpOptions::default() };
    for server in server::all().await {
        let options = begin(&server, "killed").await;
        let mut master = options.connect().await.unwrap();
        // Killed a little later each time, until the copy is there and nobody removes it.
        let killed = (1..=2000).map(Duration::from_millis);
        for after in killed {
            let mut connection = options.connect().await.unwrap();
            let mut tell = |_| {};
            let run = up_with(&mut connection, None, &pending, &dry, &mut tell);
            assert!(tokio::time::timeout(after, run).await.is_err(), "it was never caught on {}", server.name);
            let id = scalar(&mut master, "SELECT CAST(MAX(id) AS SIGNED) FROM information_schema.processlist").await;
            drop(connection);
            gone(&mut master, id).await;
            if scratch_schemas(&mut master).await == 1 {
                break;
            }
        }
        up_with(&mut master, None, &pending, &UpOptions::default(), &mut |_| {}).await.unwrap();
        assert_eq!(scratch_schemas(&mut master).await, 0, "the copy is still there");
    }
}

async fn gone(connection: &mut MySqlConnection, id: i64) {
    let query = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE id = {id}");
    let deadline = Instant::now() + Duration::from_secs(20);
    while scalar(connection, &query).await > 0 {
        assert!(Instant::now() < deadline, "connection {id} does not end");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A user with rights on one schema only: nothing can be tried, nothing is asked of other sessions, and it works.
#[tokio::test]
async fn a_user_with_few_rights_migrates_without_the_comforts() {
    for server in server::all().await {
        let options = begin(&server, "plain").await;
        let mut master = options.connect().await.unwrap();
        for statement in [
            "CREATE USER plain IDENTIFIED BY 'a-password-for-tests'",
            "GRANT ALL ON `plain`.* TO plain",
            "CREATE USER reader IDENTIFIED BY 'a-password-for-tests'",
            "GRANT SELECT ON `plain`.* TO reader",
        ] {
            sqlx::raw_sql(statement).execute(&mut master).await.unwrap();
        }
        let pending = second("ALTER TABLE things ADD COLUMN a INT NULL; DO SLEEP(1);");

        let mut reader = options.clone().username("reader").connect().await.unwrap();
        let status = status_with(&mut reader, &pending).await.unwrap();
        assert_eq!(status.pending(), 1, "who may only read gets the status on {}", server.name);

        let mut plain = options.clone().username("plain").connect().await.unwrap();
        let mut second = options.clone().username("plain").connect().await.unwrap();
        let options = UpOptions { progress_every: Duration::from_millis(100), ..UpOptions::default() };
        let mut told = Vec::new();
        let report = up_with(&mut plain, Some(&mut second), &pending, &options, &mut |event| {
            if let Event::StatementProgress { ordinal: 2, elapsed_ms, .. } = event {
                told.push(elapsed_ms);
            }
        })
        .await
        .unwrap();
        assert!(matches!(&report.statements[0].method, Method::Unknown { reason } if reason.contains("may not")));
        assert!(told.len() > 2 && told.is_sorted(), "{told:?} on {}", server.name);
    }
}

#[tokio::test]
async fn a_long_statement_says_how_far_it_is() {
    let long = Migration::embedded(
        1,
        "long",
        "CREATE TABLE big (id INT PRIMARY KEY AUTO_INCREMENT, a CHAR(100) NOT NULL DEFAULT 'a');
         INSERT INTO big (id) VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9);
         INSERT INTO big (a) SELECT 'b' FROM big a, big b, big c, big d, big e, big f;
         ALTER TABLE big MODIFY a CHAR(120) NOT NULL DEFAULT 'a', ALGORITHM=COPY;",
    );
    for server in server::all().await {
        let options = server.database("long").await;
        let mut connection = options.connect().await.unwrap();
        if server.name == "mysql" {
            let on =
                "UPDATE performance_schema.setup_consumers SET enabled = 'YES' WHERE name = 'events_stages_current'";
            sqlx::raw_sql(on).execute(&mut connection).await.unwrap();
            let on = "UPDATE performance_schema.setup_instruments SET enabled = 'YES' WHERE name LIKE 'stage/%'";
            sqlx::raw_sql(on).execute(&mut connection).await.unwrap();
        }
        let mut second = options.connect().await.unwrap();
        // InnoDB says nothing new to who asks more often than every tenth of a second.
        let often = UpOptions { progress_every: Duration::from_millis(150), ..UpOptions::default() };
        let (mut rows, mut percents, mut remaining, mut stages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        up_with(&mut connection, Some(&mut second), std::slice::from_ref(&long), &often, &mut |event| {
            if let Event::StatementProgress { ordinal, stage, percent, remaining_ms, rows_changed, .. } = event {
                stages.extend(stage);
                match ordinal {
                    3 => rows.extend(rows_changed),
                    4 => {
                        percents.extend(percent);
                        remaining.extend(remaining_ms);
                    }
                    _ => {}
                }
            }
        })
        .await
        .unwrap();
        assert!(!rows.is_empty() && rows.is_sorted(), "{rows:?} on {}", server.name);
        assert!(percents.iter().any(|percent| (1..=99).contains(percent)), "{percents:?} on {}", server.name);
        assert!(!remaining.is_empty() && !stages.is_empty(), "{remaining:?} {stages:?} on {}", server.name);
    }
}
