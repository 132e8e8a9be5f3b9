//! What a database server did for each statement that it was sent: by which index, and how much it read.
//!
//! MariaDB writes the plan of each statement that it executed into its slow log. MySQL does not, but keeps what it was
//! sent with all parameters, and is asked for the plan of each kind of statement afterwards.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection, Row, mysql::MySqlRow};

use crate::support::server::Server;

const LOG: &str = "plans.log";

/// A statement and how it was executed.
#[derive(Debug)]
pub(crate) struct Execution {
    /// The statement, without what differs from time to time.
    pub(crate) statement: String,
    pub(crate) steps: Vec<Step>,
    /// How many rows were read, where the server says that.
    pub(crate) examined: Option<u64>,
}

/// How one table was read.
#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) table: String,
    /// `ALL`: every row. `index`: every entry of an index, or the first ones of it.
    pub(crate) kind: String,
    pub(crate) rows: f64,
    pub(crate) extra: String,
}

/// Begins to take down what connections that are opened from now on send.
pub(crate) async fn watch(server: &Server) {
    let statement = if server.name == "mysql" {
        "SET GLOBAL log_output = 'TABLE', GLOBAL general_log = 1".to_owned()
    } else {
        format!(
            "SET GLOBAL log_output = 'FILE', GLOBAL slow_query_log_file = '{LOG}', GLOBAL long_query_time = 0,
             GLOBAL log_slow_filter = '', GLOBAL log_slow_verbosity = 'query_plan,explain', GLOBAL slow_query_log = 1"
        )
    };
    let mut connection = server.options().connect().await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
}

/// What was taken down since, once for each statement and each way in which it was executed.
pub(crate) async fn executed(server: &Server) -> Vec<Execution> {
    let mut connection = server.options().database("shop").connect().await.unwrap();
    if server.name == "mysql" {
        sqlx::raw_sql("SET GLOBAL general_log = 0").execute(&mut connection).await.unwrap();
        explained(&mut connection).await
    } else {
        sqlx::raw_sql("SET GLOBAL slow_query_log = 0").execute(&mut connection).await.unwrap();
        let log = std::fs::read(server.data().join(LOG)).unwrap();
        slow(&String::from_utf8_lossy(&log))
    }
}

/// The entries of MariaDB's slow log: lines that begin with `#`, then the statement.
fn slow(log: &str) -> Vec<Execution> {
    let mut executions: BTreeMap<String, Execution> = BTreeMap::new();
    for entry in log.split("# User@Host:").skip(1) {
        let (notes, lines): (Vec<&str>, Vec<&str>) = entry.lines().skip(1).partition(|line| line.starts_with('#'));
        let text = lines.iter().filter(|line| !line.starts_with("SET timestamp=") && !line.starts_with("use "));
        let statement = shape(&text.copied().collect::<Vec<_>>().join("\n"));
        let examined =
            notes.iter().find_map(|line| line.split_once("Rows_examined: ")?.1.split(' ').next()?.parse().ok());
        let rows = notes.iter().filter_map(|line| line.strip_prefix("# explain: ")).skip(1);
        let steps: Vec<Step> = rows.map(|row| step(&row.split('\t').collect::<Vec<_>>())).collect();
        let way = format!("{statement} {:?}", steps.iter().map(|step| (&step.table, &step.kind)).collect::<Vec<_>>());
        let most = executions.get(&way).and_then(|known| known.examined);
        if !executions.contains_key(&way) || most < examined {
            executions.insert(way, Execution { statement, steps, examined });
        }
    }
    executions.into_values().collect()
}

/// id, select_type, table, type, possible_keys, key, key_len, ref, rows, r_rows, filtered, r_filtered, Extra
fn step(columns: &[&str]) -> Step {
    let column = |index: usize| columns.get(index).copied().unwrap_or_default().to_owned();
    Step {
        table: column(2),
        kind: column(3),
        rows: column(8).parse().unwrap_or_default(),
        extra: columns.last().copied().unwrap_or_default().to_owned(),
    }
}

/// MySQL's plans of what its general log has. The statements stay in the server: they are full of bytes that are no text.
async fn explained(connection: &mut MySqlConnection) -> Vec<Execution> {
    for statement in [
        "CREATE TABLE grown.statements (n INT PRIMARY KEY AUTO_INCREMENT, argument MEDIUMBLOB NOT NULL)",
        "INSERT INTO grown.statements (argument) SELECT argument FROM mysql.general_log
         WHERE command_type IN ('Execute', 'Query')",
        // MySQL 9 explains as a tree unless told otherwise.
        "SET explain_format = 'TRADITIONAL'",
    ] {
        sqlx::raw_sql(statement).execute(&mut *connection).await.unwrap();
    }
    let rows: Vec<(i32, Vec<u8>)> =
        sqlx::query_as("SELECT n, argument FROM grown.statements").fetch_all(&mut *connection).await.unwrap();
    let mut kinds: BTreeMap<String, i32> = BTreeMap::new();
    for (number, argument) in rows {
        let statement = shape(&String::from_utf8_lossy(&argument));
        let verb = statement.split(' ').next().unwrap_or_default().to_uppercase();
        if ["SELECT", "UPDATE", "DELETE"].contains(&verb.as_str()) {
            kinds.insert(statement, number);
        }
    }
    let mut executions = Vec::new();
    for (statement, number) in kinds {
        let prepare = format!(
            "SELECT CONCAT('EXPLAIN ', argument) FROM grown.statements WHERE n = {number} INTO @statement;
             PREPARE plan FROM @statement"
        );
        let prepared = sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&mut *connection).await;
        prepared.unwrap_or_else(|error| panic!("{statement}: {error}"));
        let rows = sqlx::raw_sql("EXECUTE plan").fetch_all(&mut *connection).await.unwrap();
        let steps = rows.iter().map(explained_step).collect();
        executions.push(Execution { statement, steps, examined: None });
    }
    executions
}

fn explained_step(row: &MySqlRow) -> Step {
    let text = |column: &str| {
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).unwrap();
        bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    };
    let rows = text("rows").parse().unwrap_or_default();
    Step { table: text("table"), kind: text("type"), rows, extra: text("Extra") }
}

/// A statement without literals, and with single blanks.
fn shape(text: &str) -> String {
    let (mut shape, mut characters) = (String::new(), text.trim_end_matches(';').chars());
    while let Some(character) = characters.next() {
        match character {
            '\'' => {
                let mut escaped = false;
                for inside in characters.by_ref() {
                    if inside == '\'' && !escaped {
                        break;
                    }
                    escaped = inside == '\\' && !escaped;
                }
                shape.push('?');
            }
            digit if digit.is_ascii_digit() && !shape.ends_with(|c: char| c.is_alphanumeric() || "_?".contains(c)) => {
                shape.push('?');
            }
            digit if digit.is_ascii_digit() && shape.ends_with('?') => {}
            blank if blank.is_whitespace() && shape.ends_with(' ') => {}
            blank if blank.is_whitespace() => shape.push(' '),
            other => shape.push(other),
        }
    }
    shape.trim().to_owned()
}
