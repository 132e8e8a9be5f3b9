//! Reaching the shop's database, Lightsail's private one or the operator's own: credentials from Secrets Manager, the way through the instance, and the API's
//! own user with less power than the master.

use std::time::Duration;

use jewel_aws::{DatabaseSecret, classify};
use jewel_host::Tunnel;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use sqlx::{AssertSqlSafe, Connection as _, MySqlConnection, Row as _};

use crate::{Error, Reach};

/// The API's user. It may read and write the shop's tables and nothing else: no DDL, no other schema.
pub const API_USER: &str = "jewel_api";
const API_PRIVILEGES: &str = "SELECT, INSERT, UPDATE, DELETE, EXECUTE";
/// A connection through the tunnel is there within this.
const CONNECT: Duration = Duration::from_secs(20);

/// The database, reachable at a local port for as long as this value lives.
#[derive(Debug)]
pub struct Database {
    secret: DatabaseSecret,
    tunnel: Tunnel,
}

/// Reads the credentials and opens the way.
///
/// # Errors
/// When the secret cannot be read, or no tunnel be opened.
pub async fn open(reach: &Reach<'_>) -> Result<Database, Error> {
    open_at(reach, 0).await
}

/// As [`open`], at a local port of the caller's choice; 0 is any.
///
/// # Errors
/// As [`open`], also when the port is taken.
pub async fn open_at(reach: &Reach<'_>, local_port: u16) -> Result<Database, Error> {
    let secret = credentials(reach).await?;
    let tunnel = reach.session().tunnel_from(local_port, &secret.host, secret.port).await?;
    Ok(Database { secret, tunnel })
}

/// The way to a database that need not be the one in use.
///
/// # Errors
/// When no tunnel can be opened.
pub async fn open_as(reach: &Reach<'_>, secret: DatabaseSecret) -> Result<Database, Error> {
    let tunnel = reach.session().tunnel_from(0, &secret.host, secret.port).await?;
    Ok(Database { secret, tunnel })
}

impl Database {
    /// A connection as the master user, in the shop's schema. One of its own, never of a pool.
    ///
    /// # Errors
    /// When the server refuses or does not answer.
    pub async fn connect(&self) -> Result<MySqlConnection, Error> {
        let connecting = self.connect_as(&self.secret.username, &self.secret.password).await;
        connecting.map_err(|source| self.failed("logging in", source))
    }

    /// What the secret says; the API's environment needs host, port and schema.
    #[must_use]
    pub fn secret(&self) -> &DatabaseSecret {
        &self.secret
    }

    /// Where the tunnel begins, for clients of the operator's own.
    #[must_use]
    pub fn local(&self) -> std::net::SocketAddr {
        self.tunnel.local()
    }

    /// Drops a schema beside the shop's, if it is there.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn drop_schema(&self, schema: &str) -> Result<(), Error> {
        let mut master = self.connect().await?;
        let statement = format!("DROP DATABASE IF EXISTS `{}`", schema.replace('`', "``"));
        self.asked("dropping a schema", sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut master).await)?;
        Ok(())
    }

    /// Sees to it that the API's user exists with exactly its few rights; gives its password.
    ///
    /// Writes nothing when all is as it should be.
    ///
    /// # Errors
    /// When the master user may not do this, or the server cannot be reached.
    pub async fn ensure_api_user(&self) -> Result<SecretString, Error> {
        let password = self.api_password();
        if self.api_user_is_right(&password).await {
            return Ok(password);
        }
        let mut master = self.connect().await?;
        let schema = schema_in_grant(&self.secret.dbname, partial_revokes(&mut master).await);
        let [create, set_password, revoke, grant] = api_user_statements(&schema, password.expose_secret());
        for statement in [create, set_password, grant.clone()] {
            self.command(&mut master, statement).await?;
        }
        // Taking rights away interrupts an API that is running; only when there are some it should not have.
        if !self.api_user_is_right(&password).await {
            self.command(&mut master, revoke).await?;
            self.command(&mut master, grant).await?;
        }
        // The connection has done its work; how it ends changes nothing.
        let _ = master.close().await;
        Ok(password)
    }

    async fn command(&self, master: &mut MySqlConnection, statement: String) -> Result<(), Error> {
        // Nothing in these statements comes from outside but the schema's name, which is quoted.
        let sent = sqlx::raw_sql(AssertSqlSafe(statement)).execute(master).await;
        sent.map(drop).map_err(|source| self.failed("making the API's user", source))
    }

    /// The API user's password follows from the master's: one secret less to keep, pay for and leave behind. It tells
    /// nothing about the master's, and changes whenever that one is rotated or the database is replaced.
    fn api_password(&self) -> SecretString {
        let once = |bytes: &[u8]| Sha256::new().chain_update(b"jewel_api password 1\0").chain_update(bytes).finalize();
        // Twice, so that the hash of a longer input cannot be continued from this one.
        let inner = once(self.secret.password.expose_secret().as_bytes());
        SecretString::from(format!("Jw1-{}", hex::encode(&once(&inner)[..20])))
    }

    async fn api_user_is_right(&self, password: &SecretString) -> bool {
        let Ok(mut connection) = self.connect_as(API_USER, password).await else { return false };
        let Ok(rows) = sqlx::raw_sql("SHOW GRANTS").fetch_all(&mut connection).await else { return false };
        let grants: Vec<String> = rows.iter().filter_map(|row| row.try_get(0).ok()).collect();
        let _ = connection.close().await;
        grants_are_right(&grants, &self.secret.dbname)
    }

    async fn connect_as(&self, user: &str, password: &SecretString) -> Result<MySqlConnection, sqlx::Error> {
        let local = self.tunnel.local();
        let options = MySqlConnectOptions::new()
            .host(&local.ip().to_string())
            .port(local.port())
            .username(user)
            .password(password.expose_secret())
            .database(&self.secret.dbname)
            // Encrypted also inside the tunnel, whose far end is the instance and not the database. The name in the
            // server's certificate is not compared: through the tunnel the server is 127.0.0.1.
            .ssl_mode(MySqlSslMode::Required);
        tokio::time::timeout(CONNECT, MySqlConnection::connect_with(&options)).await.unwrap_or_else(|_| {
            let silence = std::io::Error::new(std::io::ErrorKind::TimedOut, "the server did not answer");
            Err(sqlx::Error::Io(silence))
        })
    }

    /// What was asked of it, or which question failed.
    pub(crate) fn asked<T>(&self, doing: &'static str, answer: Result<T, sqlx::Error>) -> Result<T, Error> {
        answer.map_err(|source| self.failed(doing, source))
    }

    fn failed(&self, doing: &'static str, source: sqlx::Error) -> Error {
        Error::Database { database: self.secret.resource.clone(), doing, source }
    }
}

async fn credentials(reach: &Reach<'_>) -> Result<DatabaseSecret, Error> {
    let context = reach.context();
    let text = secret(context.clients, &context.outputs.database_secret).await?;
    DatabaseSecret::parse(&text)
        .map_err(|reason| Error::Secret { secret: context.outputs.database_secret.clone(), reason })
}

/// Reads a secret's current text.
pub(crate) async fn secret(clients: &jewel_aws::Clients, name: &str) -> Result<SecretString, Error> {
    let action = format!("read secret {name}");
    let answer = clients.secrets.get_secret_value().secret_id(name).send().await;
    let text = answer.map_err(|error| classify(action, error))?.secret_string;
    text.map(SecretString::from).ok_or_else(|| Error::Secret { secret: name.to_owned(), reason: "it has no text" })
}

/// Whether the server takes schema names in GRANT literally, as RDS has it. MariaDB does not know the setting.
async fn partial_revokes(master: &mut MySqlConnection) -> bool {
    let row = sqlx::raw_sql("SELECT CAST(@@partial_revokes AS SIGNED)").fetch_one(master).await;
    row.is_ok_and(|row| row.try_get::<i64, _>(0).is_ok_and(|on| on == 1))
}

/// The schema's name as GRANT wants it: elsewhere `_` and `%` in it would stand for any characters.
fn schema_in_grant(schema: &str, literal: bool) -> String {
    let quoted = schema.replace('`', "``");
    if literal { quoted } else { quoted.replace('_', r"\_").replace('%', r"\%") }
}

fn api_user_statements(schema: &str, password: &str) -> [String; 4] {
    [
        format!("CREATE USER IF NOT EXISTS '{API_USER}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL"),
        format!("ALTER USER '{API_USER}'@'%' IDENTIFIED BY '{password}' REQUIRE SSL"),
        format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM '{API_USER}'@'%'"),
        format!("GRANT {API_PRIVILEGES} ON `{schema}`.* TO '{API_USER}'@'%'"),
    ]
}

/// Whether `SHOW GRANTS` lists the one grant on the schema and, besides it, no more than the right to log in.
fn grants_are_right(grants: &[String], schema: &str) -> bool {
    let escaped = schema.replace('_', r"\_");
    let wanted = format!("GRANT {API_PRIVILEGES} ON `{escaped}`.* TO ");
    let plain = wanted.replace('\\', "");
    let (mut found, mut others) = (false, false);
    for grant in grants {
        // What MariaDB grants to PUBLIC is nothing of this user's.
        if grant.starts_with("GRANT USAGE ON *.* TO ") || grant.ends_with(" TO PUBLIC") {
            continue;
        }
        // Servers differ in whether they show the escape once or twice.
        if grant.replace('\\', "").starts_with(&plain) {
            found = true;
        } else {
            others = true;
        }
    }
    found && !others
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_user_gets_its_few_rights_and_no_more() {
        let statements = api_user_statements(&schema_in_grant("my_shop", false), "secret");
        assert_eq!(schema_in_grant("my_shop", true), "my_shop");
        assert!(statements[3].ends_with(r"ON `my\_shop`.* TO 'jewel_api'@'%'"), "{}", statements[3]);
        assert!(statements[0].contains("REQUIRE SSL") && statements[1].contains("REQUIRE SSL"));
    }

    #[test]
    fn grants_of_mysql_and_mariadb_are_recognised() {
        let mysql = [
            "GRANT USAGE ON *.* TO `jewel_api`@`%`".to_owned(),
            "GRANT SELECT, INSERT, UPDATE, DELETE, EXECUTE ON `my\\_shop`.* TO `jewel_api`@`%`".to_owned(),
        ];
        assert!(grants_are_right(&mysql, "my_shop"));
        assert!(!grants_are_right(&mysql, "other"));
        assert!(!grants_are_right(&mysql[..1], "my_shop"), "logging in alone is not enough");
        let mut more = mysql.to_vec();
        more.push("GRANT ALL PRIVILEGES ON `mysql`.* TO `jewel_api`@`%`".to_owned());
        assert!(!grants_are_right(&more, "my_shop"), "more rights than it should have");
    }
}
