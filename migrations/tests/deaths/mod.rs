//! Death at every boundary of ten statements, of the migrator and of the server: the schema in the end is that of a run
//! that nothing disturbed.

mod cut;

use cut::{Cut, Side};
use jewel_migrations::{Error, Event, Migration, Report, UpOptions, status_with, up_with};
use sqlx::{
    AssertSqlSafe, ConnectOptions, MySqlConnection, Row,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};

use tokio::task::JoinSet;

use crate::server::{self, Server};

/// One of each kind of statement, those that no server refuses the second time and those that it refuses with an error
/// that could mean anything among them.
const TEN: Migration = Migration::embedded(
    1,
    "ten",
    "
        CREATE TABLE parents (id INT PRIMARY KEY AUTO_INCREMENT, note VARCHAR(20));
        CREATE TABLE children (id INT PRIMARY KEY, parent INT NOT NULL);
        INSERT INTO parents VALUES (1, 'one'), (2, 'two');
        ALTER TABLE children ADD COLUMN size INT NOT NULL DEFAULT 0, ADD KEY children_size (size);
        ALTER TABLE children ADD CONSTRAINT children_parent FOREIGN KEY (parent) REFERENCES parents (id);
        CREATE INDEX parents_note ON parents (note);
        UPDATE parents SET note = CONCAT(note, '!');
        ALTER TABLE children RENAME COLUMN size TO weight;
        ALTER TABLE children DROP KEY children_size, MODIFY weight BIGINT NOT NULL DEFAULT 1;
        RENAME TABLE children TO offspring;
    ",
);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Boundary {
    /// The statement is noted as sent, and never reaches the server.
    BeforeSent,
    /// The server did it, and nobody noted that.
    BeforeRecorded,
    /// It is noted as done; nothing of the next one has happened.
    Recorded,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Victim {
    Migrator,
    Server,
}

#[tokio::test]
async fn the_migrator_may_die_anywhere() {
    on_all(Victim::Migrator).await;
}

#[tokio::test]
async fn the_server_may_die_anywhere() {
    on_all(Victim::Server).await;
}

/// All at once: most of it is waiting for a server to come back.
async fn on_all(victim: Victim) {
    let mut servers = JoinSet::new();
    for server in server::all().await {
        servers.spawn(die_everywhere(server, victim));
    }
    while let Some(died) = servers.join_next().await {
        died.unwrap();
    }
}

async fn die_everywhere(mut server: Server, victim: Victim) {
    let undisturbed = server.database("undisturbed").await;
    let mut connection = undisturbed.connect().await.unwrap();
    up(&mut connection).await.unwrap();
    let expected = contents(&mut connection).await;
    assert_eq!(expected.iter().filter(|line| line.ends_with("done")).count(), 10, "{expected:?}");
    drop(connection);

    for ordinal in 1..=10 {
        for boundary in [Boundary::BeforeSent, Boundary::BeforeRecorded, Boundary::Recorded] {
            let name = format!("death_{ordinal}_{boundary:?}").to_lowercase();
            let options = server.database(&name).await;
            // Over TLS, so that the server knows the password's hash and wants no TLS next time.
            drop(options.connect().await.unwrap());
            die(&mut server, &options, ordinal, boundary, victim).await;

            let mut connection = options.connect().await.unwrap();
            let status = status_with(&mut connection, &[TEN]).await.unwrap();
            assert_eq!(status.problems, [], "{name} on {}", server.name);
            up(&mut connection)
                .await
                .unwrap_or_else(|error| panic!("{name} of {victim:?} on {}: {error:?}", server.name));
            assert_eq!(contents(&mut connection).await, expected, "{name} of {victim:?} on {}", server.name);
        }
    }
}

/// A run that ends at one boundary.
async fn die(server: &mut Server, options: &MySqlConnectOptions, ordinal: u32, boundary: Boundary, victim: Victim) {
    let side = match boundary {
        Boundary::BeforeSent => Side::Before,
        Boundary::BeforeRecorded => Side::After,
        Boundary::Recorded => return die_when_recorded(server, options, ordinal, victim).await,
    };
    let statement = jewel_migrations::split(&TEN.sql).unwrap()[ordinal as usize - 1].sql.clone();
    let mut wire = Cut::new(server.port, statement, side).await;
    let options = options.clone().port(wire.port).ssl_mode(MySqlSslMode::Disabled);
    let run = tokio::spawn(async move {
        let mut connection = options.connect().await.unwrap();
        up(&mut connection).await
    });
    wire.reached().await;
    if victim == Victim::Server {
        server.kill();
        drop(wire);
        run.await.unwrap().expect_err("it did not notice");
        server.launch().await;
    } else {
        run.abort();
        run.await.expect_err("it went on");
    }
}

async fn die_when_recorded(server: &mut Server, options: &MySqlConnectOptions, ordinal: u32, victim: Victim) {
    let is_there =
        move |event: &Event| matches!(event, Event::StatementFinished { ordinal: now, .. } if *now == ordinal);
    let mut connection = options.connect().await.unwrap();
    if victim == Victim::Server {
        let mut tell = |event: Event| {
            if is_there(&event) {
                server.kill();
            }
        };
        let run = up_with(&mut connection, None, &[TEN], &UpOptions::default(), &mut tell).await;
        run.expect_err("it did not notice");
        drop(connection);
        return server.launch().await;
    }
    let run = tokio::spawn(async move {
        let mut tell = |event: Event| {
            if is_there(&event) {
                // Here and now: not a word more reaches the server.
                std::panic::resume_unwind(Box::new("killed"));
            }
        };
        up_with(&mut connection, None, &[TEN], &UpOptions::default(), &mut tell).await
    });
    assert!(run.await.expect_err("it went on").is_panic());
}

async fn up(connection: &mut MySqlConnection) -> Result<Report, Error> {
    up_with(connection, None, &[TEN], &UpOptions::default(), &mut |_| {}).await
}

/// The schema, the rows, and what is recorded.
async fn contents(connection: &mut MySqlConnection) -> Vec<String> {
    let mut all = Vec::new();
    let query =
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY 1";
    for table in sqlx::query_scalar::<_, String>(query).fetch_all(&mut *connection).await.unwrap() {
        let query = AssertSqlSafe(format!("SHOW CREATE TABLE {table}"));
        all.push(sqlx::query(query).fetch_one(&mut *connection).await.unwrap().get(1));
    }
    for rows in [
        "SELECT CONCAT(id, note) FROM parents ORDER BY id",
        "SELECT CONCAT(ordinal, state) FROM schema_migration_statements ORDER BY ordinal",
        "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata WHERE schema_name LIKE 'jewel_rehearsal%'",
    ] {
        all.extend(sqlx::query_scalar::<_, String>(rows).fetch_all(&mut *connection).await.unwrap());
    }
    all
}
