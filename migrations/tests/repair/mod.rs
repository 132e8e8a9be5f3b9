//! Repair: what it shows is what it sets, and what contradicts the history it refuses.

use std::time::Duration;

use jewel_migrations::{
    Error, Findings, Migration, Problem, Set, State, UpOptions, plan_repair, repair, status_with, up_with,
};
use sqlx::{ConnectOptions, MySqlConnection};

use crate::server;

const WAIT: Duration = Duration::from_secs(5);

fn one(sql: &str) -> [Migration; 1] {
    [Migration { version: 1, name: "one".into(), sql: sql.to_owned().into() }]
}

async fn up(connection: &mut MySqlConnection, migrations: &[Migration]) -> Result<(), Error> {
    up_with(connection, None, migrations, &UpOptions::default(), &mut |_| {}).await.map(drop)
}

fn findings(done: &[&str], again: &[&str]) -> Findings {
    let ids = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    Findings { done: ids(done), again: ids(again) }
}

#[tokio::test]
async fn an_edit_is_refused_with_a_diff_and_accepted_by_repair() {
    let before = one("CREATE TABLE a (\n  b INT\n);\nCREATE TABLE c (d INT);");
    let after = one("CREATE TABLE a (\n  b INT NULL\n);");
    for server in server::all().await {
        let mut connection = server.database("edited").await.connect().await.unwrap();
        up(&mut connection, &before).await.unwrap();
        let crlf = one(&before[0].sql.replace('\n', "\r\n"));
        up(&mut connection, &crlf).await.unwrap();
        assert_eq!(plan_repair(&mut connection, &crlf, &Findings::default()).await.unwrap(), []);

        let Error::Refused { problems } = up(&mut connection, &after).await.unwrap_err() else { panic!() };
        let Problem::Edited { ordinal: 1, .. } = &problems[0] else { panic!("{problems:?}") };
        assert_eq!(problems[0].diff().unwrap(), "  CREATE TABLE a (\n-   b INT\n+   b INT NULL\n  )");

        let changes = plan_repair(&mut connection, &after, &Findings::default()).await.unwrap();
        assert!(
            matches!(&changes[..], [one, two]
            if matches!(one.set, Set::Text { .. }) && matches!(two.set, Set::Forgotten { .. })),
            "{changes:?}"
        );
        assert_eq!(changes[0].diff(), problems[0].diff());
        up(&mut connection, &after).await.expect_err("looking at it set it");

        repair(&mut connection, &after, &Findings::default(), &changes, WAIT).await.unwrap();
        up(&mut connection, &after).await.unwrap();
        assert!(status_with(&mut connection, &after).await.unwrap().is_current());
        let stale = repair(&mut connection, &after, &Findings::default(), &changes, WAIT).await.unwrap_err();
        assert!(matches!(stale, Error::Stale), "{stale:?}");
    }
}

#[tokio::test]
async fn what_a_person_found_out_is_set() {
    let text = one("CREATE TABLE a (b INT); CALL nobody_knows(); CREATE TABLE c (d INT);");
    for server in server::all().await {
        let mut connection = server.database("judged").await.connect().await.unwrap();
        let untouched = plan_repair(&mut connection, &text, &findings(&["1.1"], &[])).await.unwrap_err();
        assert!(matches!(untouched, Error::Unrepairable { .. }), "{untouched:?}");
        up(&mut connection, &text).await.expect_err("there is no such procedure");

        for (done, again) in [("1.1", "1.1"), ("1.3", "1.3"), ("2.1", "2.1")] {
            for findings in [findings(&[done], &[]), findings(&[], &[again])] {
                let error = plan_repair(&mut connection, &text, &findings).await.unwrap_err();
                assert!(matches!(error, Error::Unrepairable { .. }), "{findings:?}: {error:?}");
            }
        }
        let done = findings(&["1.2"], &[]);
        let changes = plan_repair(&mut connection, &text, &done).await.unwrap();
        repair(&mut connection, &text, &done, &changes, WAIT).await.unwrap();
        let status = status_with(&mut connection, &text).await.unwrap();
        assert_eq!(status.migrations[0].state, State::Partial { done: 2, statements: 3 });

        let again = findings(&[], &["1.2"]);
        let changes = plan_repair(&mut connection, &text, &again).await.unwrap();
        repair(&mut connection, &text, &again, &changes, WAIT).await.unwrap();
        let both = findings(&["1.2", "1.3"], &[]);
        let changes = plan_repair(&mut connection, &text, &both).await.unwrap();
        repair(&mut connection, &text, &both, &changes, WAIT).await.unwrap();
        up(&mut connection, &text).await.unwrap();
        let made: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 'c'",
        )
        .fetch_one(&mut connection)
        .await
        .unwrap();
        assert_eq!(made, 0, "what counts as done was done again on {}", server.name);
    }
}
