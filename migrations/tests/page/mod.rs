//! The example of the page on migrations, applied as it stands there.

use jewel_migrations::{Migration, Rule, UpOptions, embedded, lint, up_with};
use sqlx::{AssertSqlSafe, ConnectOptions};

use crate::server;

const PAGE: &str = include_str!("../../../runbooks/pages/migrations.md");

/// Each block of SQL, named by its first line.
fn example() -> Vec<Migration> {
    let blocks = PAGE.split("```sql\n-- ").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let (file, sql) = block.split_once('\n').unwrap();
            let (version, name) = file.strip_suffix(".sql").unwrap().split_once('_').unwrap();
            let (version, name) = (version.parse().unwrap(), name.to_owned().into());
            Migration { version, name, sql: sql.to_owned().into() }
        })
        .collect()
}

#[test]
fn the_short_way_is_refused_as_the_page_says() {
    let short = "ALTER TABLE variants RENAME COLUMN stone TO gem;";
    let all = [embedded(), &[Migration::embedded(21, "gem", short)]].concat();
    let findings = lint(&all, Some(jewel_migrations::expected_version())).unwrap();
    assert_eq!(findings.iter().map(|finding| finding.rule).collect::<Vec<_>>(), [Rule::RenameColumn]);
    for said in [&findings[0].what, findings[0].why, findings[0].instead] {
        assert!(PAGE.contains(said), "the page does not say: {said}");
    }
}

#[tokio::test]
async fn the_long_way_works_as_the_page_says() {
    let steps = example();
    assert_eq!(steps.len(), 3);
    for server in server::all().await {
        let mut connection = server.database("example").await.connect().await.unwrap();
        for (count, before) in
            [(0, "SELECT 1"), (1, "SELECT stone, gem FROM variants"), (3, "SELECT gem FROM variants")]
        {
            let all = [embedded(), &steps[..count]].concat();
            let report = up_with(&mut connection, None, &all, &UpOptions::default(), &mut |_| {}).await.unwrap();
            if let Some(first) = report.statements.first().filter(|first| first.version == 21) {
                assert!(PAGE.contains(&format!("0021_gem [1/1] {}", first.method)), "{}", first.method);
            }
            sqlx::query(AssertSqlSafe(before)).fetch_all(&mut connection).await.unwrap();
        }
    }
}
