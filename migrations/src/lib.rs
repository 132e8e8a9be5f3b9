//! Numbered SQL files, and the migrator that applies them to MySQL 8.0, 8.4, 9 and MariaDB 10.11.
//!
//! The files in `sql/` are compiled in, so that a program carries the schema it was written for. MySQL commits before
//! and after every DDL statement, therefore a migration cannot be a transaction; progress is recorded **per statement**
//! instead, with a hash, and a run that failed or was killed goes on at the statement where it stopped.
//!
//! This crate must not know AWS, SSH, the API's configuration or terminals: it is given one dedicated connection (never
//! one of a pool, because `GET_LOCK` belongs to the session) and tells what it does by [`Event`]s.

mod compatible;
mod definition;
mod embedded;
mod error;
mod event;
mod execute;
mod files;
mod forecast;
mod history;
mod lint;
mod lock;
mod plan;
mod rehearsal;
mod repair;
mod scratch;
mod shape;
mod showcase;
mod sql;
mod statement;
mod up;
mod watch;

pub use compatible::oldest_release;
pub use embedded::{Migration, embedded, expected_version};
pub use error::Error;
pub use event::{AppliedMigration, Event, Report};
pub use files::{FilesError, read_files, read_folder};
pub use forecast::{Forecast, Method};
pub use history::applied_version;
pub use lint::{Finding, Rule, lint};
pub use plan::{MigrationStatus, Problem, State, Status};
pub use repair::{Change, Findings, Set, StatementId, plan_repair, repair};
pub use showcase::SHOWCASE_ANEW;
pub use statement::{SplitError, Statement, split};
pub use up::{UpOptions, up, up_with};

use sqlx::MySqlConnection;

/// Compares the embedded migrations with what the database says was applied.
///
/// Never writes, and works on a database where no migration ever ran.
pub async fn status(conn: &mut MySqlConnection) -> Result<Status, Error> {
    status_with(conn, embedded()).await
}

/// [`status`] for migrations other than the embedded ones.
pub async fn status_with(conn: &mut MySqlConnection, migrations: &[Migration]) -> Result<Status, Error> {
    let history = history::read(conn).await?;
    Ok(plan::Plan::new(migrations, &history)?.status())
}
