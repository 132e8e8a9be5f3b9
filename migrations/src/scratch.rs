//! A schema with the shop's tables and without its rows, for as long as a rehearsal lasts.

use sqlx::{AssertSqlSafe, MySqlConnection};

use crate::{
    definition::{self, quoted},
    error::Error,
};

/// The copy, selected on the connection until it is left.
pub(crate) struct Scratch {
    name: String,
    database: String,
}

impl Scratch {
    /// Makes the copy and selects it. A run that was killed may have left one; it goes first.
    pub(crate) async fn make(
        conn: &mut MySqlConnection,
        name: &str,
        tables: impl Iterator<Item = &String>,
    ) -> Result<Self, Error> {
        let database: Option<String> = sqlx::query_scalar("SELECT DATABASE()")
            .fetch_one(&mut *conn)
            .await
            .map_err(Error::history("ask which database is selected"))?;
        let scratch = Self { name: name.to_owned(), database: database.ok_or(Error::NoDatabase)? };
        let mut definitions = Vec::new();
        for table in tables {
            definitions.extend(definition::of(conn, table).await.map_err(Error::history("read a table's definition"))?);
        }
        let made = scratch.fill(conn, definitions).await;
        if let Err(error) = made {
            scratch.leave(conn).await?;
            return Err(error);
        }
        Ok(scratch)
    }

    async fn fill(&self, conn: &mut MySqlConnection, definitions: Vec<String>) -> Result<(), Error> {
        let name = quoted(&self.name);
        run(conn, format!("DROP DATABASE IF EXISTS {name}")).await?;
        run(conn, format!("CREATE DATABASE {name}")).await?;
        run(conn, format!("USE {name}")).await?;
        // The tables refer to each other, in any order.
        run(conn, "SET SESSION foreign_key_checks = 0".to_owned()).await?;
        for definition in definitions {
            run(conn, definition).await?;
        }
        run(conn, "SET SESSION foreign_key_checks = 1".to_owned()).await
    }

    /// Selects the shop's schema again and removes the copy.
    ///
    /// # Errors
    /// When the shop's schema cannot be selected: nothing may go on with this connection then.
    pub(crate) async fn leave(self, conn: &mut MySqlConnection) -> Result<(), Error> {
        run(conn, "SET SESSION foreign_key_checks = 1".to_owned()).await?;
        run(conn, format!("USE {}", quoted(&self.database))).await?;
        if let Err(error) = run(conn, format!("DROP DATABASE IF EXISTS {}", quoted(&self.name))).await {
            tracing::debug!(%error, "the scratch schema stays until the next rehearsal");
        }
        Ok(())
    }
}

/// Nothing in these statements comes from outside but names, which are quoted, and what the server itself said.
async fn run(conn: &mut MySqlConnection, sql: String) -> Result<(), Error> {
    let sent = sqlx::raw_sql(AssertSqlSafe(sql)).execute(conn).await;
    sent.map(drop).map_err(Error::history("make an empty copy of the schema to rehearse in"))
}
