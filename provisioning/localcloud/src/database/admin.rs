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

use super::{Master, backup::Position, engine::Flavour, error::Error, grants};

const ADMINISTRATOR: &str = "rdsadmin";

/// The variable behind [`accept_large_statements`].
pub(crate) const LARGEST_STATEMENT: &str = "max_allowed_packet";

const HOLD_WITHIN_SECONDS: u32 = 5;

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

/// Lets nobody commit until the session ends or [`release`]s, brings what was committed to the disk, and says how far the
/// binary log has come; none where the server writes none. Whoever waits for a long statement makes everybody wait, so
/// this gives up soon.
///
/// # Errors
/// When a statement that runs does not let it in time; it can be tried again.
pub(crate) async fn hold_commits(sql: &mut MySqlConnection, flavour: Flavour) -> Result<Option<Position>, Error> {
    run(sql, "limit a wait", format!("SET SESSION lock_wait_timeout = {HOLD_WITHIN_SECONDS}")).await?;
    run(sql, "hold all commits", "FLUSH TABLES WITH READ LOCK".to_owned()).await?;
    // A server with a binary log leaves the engine's last commits in memory: after a crash it would find them in the log,
    // which a copy is without.
    run(sql, "write its commits to the disk", "FLUSH LOCAL ENGINE LOGS".to_owned()).await?;
    log_position(sql, flavour).await
}

/// Lets everybody commit again.
pub(crate) async fn release(sql: &mut MySqlConnection) -> Result<(), Error> {
    run(sql, "let commits go on", "UNLOCK TABLES".to_owned()).await
}

/// How far the binary log has come: the end of a transaction.
pub(crate) async fn log_position(sql: &mut MySqlConnection, flavour: Flavour) -> Result<Option<Position>, Error> {
    let failed = |source| Error::Sql { action: "say how far its binary log has come".to_owned(), source };
    // The statement has another name since MySQL 8.2, and the old one is gone since 8.4.
    let names: &[&'static str] = match flavour {
        Flavour::MariaDb => &["SHOW MASTER STATUS"],
        Flavour::MySql => &["SHOW BINARY LOG STATUS", "SHOW MASTER STATUS"],
    };
    let mut answer = sql.fetch_optional(names[0]).await;
    if answer.is_err() && names.len() > 1 {
        answer = sql.fetch_optional(names[1]).await;
    }
    let Some(row) = answer.map_err(failed)? else { return Ok(None) };
    let file: String = row.try_get_unchecked(0).map_err(failed)?;
    // MariaDB says it as text, MySQL as a number.
    let offset = row.try_get_unchecked::<String, _>(1).ok().and_then(|text| text.parse().ok());
    let offset = match offset {
        Some(offset) => offset,
        None => row.try_get_unchecked::<u64, _>(1).map_err(failed)?,
    };
    Ok(Some(Position { file, offset }))
}

/// Makes room for the largest statement there can be in sessions begun from now on; gives what to
/// [put back](set_parameter).
pub(crate) async fn accept_large_statements(sql: &mut MySqlConnection) -> Result<String, Error> {
    let failed = |source| Error::Sql { action: "say how large a statement may be".to_owned(), source };
    let query = "SELECT CAST(@@GLOBAL.max_allowed_packet AS CHAR)";
    let before: String =
        sqlx::query(query).fetch_one(&mut *sql).await.and_then(|row| row.try_get(0)).map_err(failed)?;
    set_parameter(sql, LARGEST_STATEMENT, &(1_u32 << 30).to_string()).await?;
    Ok(before)
}

/// Sets a global variable; the value has been held against the table of parameters.
pub(crate) async fn set_parameter(sql: &mut MySqlConnection, name: &str, value: &str) -> Result<(), Error> {
    let number = value.parse::<f64>().is_ok();
    let value = if number { value.to_owned() } else { quoted(value) };
    run(sql, &format!("set {name}"), format!("SET GLOBAL {name} = {value}")).await
}

pub(crate) async fn run(sql: &mut MySqlConnection, action: &str, statement: String) -> Result<(), Error> {
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
