//! The administrator's SQL: the account RDS calls `rdsadmin`, over the server's own socket, never over the network.
//!
//! Its password is made at each start of the server and kept in memory only; the server learns it from a file that it
//! reads before it lets anyone in and that is removed when it has. None of this is in the binary log: a restore that
//! replays the log must not replay administration.

use std::path::Path;

use secrecy::{ExposeSecret as _, SecretString};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, MySqlConnection, Row as _,
    mysql::{MySqlConnectOptions, MySqlSslMode},
};

use super::{Master, engine::Flavour, error::Error, grants};

const ADMINISTRATOR: &str = "rdsadmin";

/// Runs `work` in a session of its own and ends the session properly: servers log those that just vanish.
pub(crate) async fn session<T>(
    mut sql: MySqlConnection,
    work: impl AsyncFnOnce(&mut MySqlConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    let outcome = work(&mut sql).await;
    // The server may hang up first; nothing is lost by that.
    let _ = sql.close().await;
    outcome
}

/// What the server runs before it lets anyone in. `password` is hexadecimal.
pub(crate) fn init_file(password: &SecretString) -> String {
    let (account, password) = (format!("'{ADMINISTRATOR}'@'localhost'"), password.expose_secret());
    format!(
        "SET SESSION sql_log_bin = 0;\n\
         CREATE USER IF NOT EXISTS {account} IDENTIFIED BY '{password}';\n\
         ALTER USER {account} IDENTIFIED BY '{password}';\n\
         GRANT ALL PRIVILEGES ON *.* TO {account} WITH GRANT OPTION;\n"
    )
}

/// Logs in over `socket`. Over TLS, because MySQL takes no password in clear over anything else.
pub(crate) async fn connect(socket: &Path, password: &SecretString) -> Result<MySqlConnection, sqlx::Error> {
    let options = MySqlConnectOptions::new()
        .socket(socket)
        .username(ADMINISTRATOR)
        .password(password.expose_secret())
        .ssl_mode(MySqlSslMode::Required)
        .disable_statement_logging();
    let mut connection = options.connect().await?;
    // Quoting below relies on backslashes; the server's own sql_mode is the user's to set.
    connection.execute("SET SESSION sql_log_bin = 0, sql_mode = ''").await?;
    Ok(connection)
}

/// Makes the master user and its schema, and removes every other account. Idempotent.
pub(crate) async fn configure(sql: &mut MySqlConnection, flavour: Flavour, master: &Master) -> Result<(), Error> {
    let account = format!("'{}'@'%'", master.user);
    run(sql, "create the master database", format!("CREATE DATABASE IF NOT EXISTS `{}`", master.database)).await?;
    let create =
        format!("CREATE USER IF NOT EXISTS {account} IDENTIFIED BY {}", quoted(master.password.expose_secret()));
    run(sql, "create the master user", create).await?;
    set_password(sql, &master.user, &master.password).await?;
    let (must, may) = grants::statements(flavour, &account);
    for statement in must {
        run(sql, "grant the master user its privileges", statement).await?;
    }
    for statement in may {
        if let Err(error) = sql.execute(AssertSqlSafe(statement)).await {
            tracing::debug!(%error, "a privilege this server does not know");
        }
    }
    remove_other_accounts(sql).await
}

async fn remove_other_accounts(sql: &mut MySqlConnection) -> Result<(), Error> {
    let found = "SELECT CAST(user AS CHAR), CAST(host AS CHAR) FROM mysql.user WHERE user IN ('root', 'mysql', '')";
    let failed = |source| Error::Sql { action: "list the accounts".to_owned(), source };
    for row in sqlx::query(found).fetch_all(&mut *sql).await.map_err(failed)? {
        let user: String = row.try_get(0).map_err(failed)?;
        let host: String = row.try_get(1).map_err(failed)?;
        let drop = format!("DROP USER {}@{}", quoted(&user), quoted(&host));
        run(sql, "remove a default account", drop).await?;
    }
    Ok(())
}

/// Changes the master user's password.
pub(crate) async fn set_password(sql: &mut MySqlConnection, user: &str, password: &SecretString) -> Result<(), Error> {
    let statement = format!("ALTER USER '{user}'@'%' IDENTIFIED BY {}", quoted(password.expose_secret()));
    run(sql, "set the master password", statement).await
}

/// Sets a global variable; the value has been held against the table of parameters.
pub(crate) async fn set_parameter(sql: &mut MySqlConnection, name: &str, value: &str) -> Result<(), Error> {
    let number = value.parse::<f64>().is_ok();
    let value = if number { value.to_owned() } else { quoted(value) };
    run(sql, &format!("set {name}"), format!("SET GLOBAL {name} = {value}")).await
}

async fn run(sql: &mut MySqlConnection, action: &str, statement: String) -> Result<(), Error> {
    let done = sql.execute(AssertSqlSafe(statement)).await;
    done.map(drop).map_err(|source| Error::Sql { action: action.to_owned(), source })
}

/// A string literal, for a session whose `sql_mode` is empty.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', r"\\").replace('\'', r"\'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_cannot_be_left() {
        assert_eq!(quoted(r"a'b\"), r"'a\'b\\'");
    }
}
