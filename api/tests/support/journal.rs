//! What the journal in the stand-in for S3 says, and a database made of it.

use jewel_journal::{Answer, Append, Chain, Event, Key, ReplayOptions, Report, Source, SourceError, TABLES, replay};
use jewel_migrations::UpOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};

use super::{BACKUPS, s3::S3, server::Server};

const PREFIX: &str = "journal/";

impl Source for S3 {
    async fn keys(&self, from: Key) -> Result<Vec<Key>, SourceError> {
        let keys = Self::keys(self, BACKUPS, PREFIX).into_iter().map(|name| name[PREFIX.len()..].parse());
        let keys: Vec<Key> = keys.collect::<Result<_, _>>()?;
        Ok(keys.into_iter().filter(|key| *key >= from).collect())
    }

    async fn get(&self, key: Key) -> Result<Vec<u8>, SourceError> {
        let object = self.object(BACKUPS, &format!("{PREFIX}{key}")).ok_or("there is no such object")?;
        Ok(object.body.to_vec())
    }
}

impl Append for S3 {
    async fn put_new(&self, key: Key, object: &[u8]) -> Answer {
        let name = format!("{PREFIX}{key}");
        if self.object(BACKUPS, &name).is_some() {
            return Answer::Taken;
        }
        self.store(BACKUPS, &name, object.to_vec(), "application/x-ndjson");
        Answer::Stored
    }
}

/// All events in the journal, which is whole.
pub(crate) fn events(s3: &S3) -> Vec<Event> {
    let (mut chain, mut events) = (Chain::default(), Vec::new());
    for name in s3.keys(BACKUPS, PREFIX) {
        let object = s3.object(BACKUPS, &name).unwrap();
        let object = chain.accept(name[PREFIX.len()..].parse().unwrap(), &object.body).unwrap();
        events.extend(object.events.into_iter().map(|(event, _)| event));
    }
    events
}

/// A database of this name on the same server that has what the shop's has.
pub(crate) async fn copy(server: &Server, name: &str) -> MySqlConnection {
    let mut connection = server.database(name).await.connect().await.unwrap();
    jewel_migrations::up(&mut connection, &UpOptions::default(), &mut |_| {}).await.unwrap();
    let mut statements = vec!["SET foreign_key_checks = 0".to_owned()];
    for table in TABLES.iter().map(|table| table.name).chain(["outbox", "journal_state"]) {
        statements.push(format!("DELETE FROM {table}"));
        statements.push(format!("INSERT INTO {table} SELECT * FROM shop.{table}"));
    }
    // One moment for all of it, as a snapshot has.
    statements.insert(1, "START TRANSACTION WITH CONSISTENT SNAPSHOT".to_owned());
    statements.push("COMMIT".to_owned());
    statements.push("SET foreign_key_checks = 1".to_owned());
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
    }
    connection
}

/// Replays it, and again, which changes nothing.
pub(crate) async fn replayed(connection: &mut MySqlConnection, s3: &S3) -> Report {
    let first = replay(connection, s3, ReplayOptions::default()).await.unwrap();
    let rows = contents(connection, "").await;
    let again = replay(connection, s3, ReplayOptions::default()).await.unwrap();
    assert_eq!((again.new, again.rows, again.skipped), (0, 0, again.read), "the second time it was not the same");
    assert!(contents(connection, "").await == rows, "the second time changed something");
    first
}

/// Asserts that a copy that was taken before and the journal give all that the shop has: whatever changed was said.
pub(crate) async fn assert_recovered(early: &mut MySqlConnection, s3: &S3) {
    replayed(early, s3).await;
    let (recovered, shop) = (contents(early, "").await, contents(early, "shop").await);
    for (recovered, shop) in recovered.iter().zip(&shop) {
        assert_eq!(recovered, shop);
    }
    assert_eq!(recovered.len(), shop.len());
}

/// Every row of every journaled table, of another database of the server if it is named.
pub(crate) async fn contents(connection: &mut MySqlConnection, database: &str) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for table in TABLES {
        let query =
            "SELECT CAST(GROUP_CONCAT(CONCAT('COALESCE(HEX(', column_name, '),''-'')') ORDER BY column_name) AS CHAR)
             FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = ?";
        sqlx::query("SET SESSION group_concat_max_len = 100000").execute(&mut *connection).await.unwrap();
        let columns: String = sqlx::query_scalar(query).bind(table.name).fetch_one(&mut *connection).await.unwrap();
        let place = if database.is_empty() { table.name.to_owned() } else { format!("{database}.{}", table.name) };
        let query = format!("SELECT CONCAT_WS(' ', {columns}) FROM {place} ORDER BY {}", table.key);
        let rows: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(&mut *connection).await.unwrap();
        all.extend(rows.into_iter().map(|row| (table.name, row)));
    }
    all
}
