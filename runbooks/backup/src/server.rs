//! The database server: how it is reached, and connections that see it in one way whatever its settings.

use mysql_async::{Conn, OptsBuilder, SslOpts, prelude::Queryable};
use secrecy::{ExposeSecret, SecretString};

use crate::Error;

/// How to reach a server.
#[derive(Clone, Debug)]
pub struct Server {
    /// A name or an address, perhaps the near end of a tunnel.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// The login.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// What protects the connection.
    pub tls: Tls,
}

/// What protects a connection.
#[derive(Clone, Debug)]
pub enum Tls {
    /// Nothing: the server is on this machine.
    Off,
    /// It is encrypted, and who answers is known otherwise, by a tunnel for instance.
    Required,
    /// The server proves by a certificate of this authority that it has this name.
    Verified {
        /// Certificates of the authority, PEM.
        authority: Vec<u8>,
        /// The name; `host` may be another, that of a tunnel's end.
        name: String,
    },
}

/// Times are UTC, numbers and dates are taken as they are. `unique_checks` stays on: a primary key is all there is to check
/// when rows are loaded, and without it MariaDB takes half as long again (it sorts the first chunk instead of adding to it).
const SESSION: &str = "SET SESSION time_zone = '+00:00', sql_mode = 'NO_AUTO_VALUE_ON_ZERO', sql_quote_show_create = 1, \
    autocommit = 1, foreign_key_checks = 0";
/// A slow store is no reason to hang up.
const PATIENT: &str = "SET SESSION wait_timeout = 86400, net_read_timeout = 86400, net_write_timeout = 86400";

impl Server {
    /// A connection to a schema, or to none.
    pub(crate) async fn connect(&self, schema: Option<&str>) -> Result<Conn, Error> {
        let doing = || format!("connecting to {}:{} as {}", self.host, self.port, self.user);
        let options = OptsBuilder::default()
            .ip_or_hostname(self.host.clone())
            .tcp_port(self.port)
            .user(Some(self.user.clone()))
            .pass(Some(self.password.expose_secret().to_owned()))
            .db_name(schema.map(ToOwned::to_owned))
            .prefer_socket(false)
            .stmt_cache_size(0)
            .ssl_opts(self.tls.options());
        let mut connection = Conn::new(options).await.map_err(Error::server(doing()))?;
        prepare(&mut connection).await.map_err(Error::server(doing()))?;
        connection.query_drop(PATIENT).await.map_err(Error::server(doing()))?;
        Ok(connection)
    }
}

/// Makes a session understand things as every session of this crate does.
pub(crate) async fn prepare(connection: &mut Conn) -> mysql_async::Result<()> {
    connection.query_drop(SESSION).await
}

impl Tls {
    fn options(&self) -> Option<SslOpts> {
        match self {
            Self::Off => None,
            Self::Required => {
                Some(SslOpts::default().with_danger_accept_invalid_certs(true).with_danger_skip_domain_validation(true))
            }
            Self::Verified { authority, name } => Some(
                SslOpts::default()
                    .with_disable_built_in_roots(true)
                    .with_root_certs(vec![authority.clone().into()])
                    .with_danger_tls_hostname_override(Some(name.clone())),
            ),
        }
    }
}

/// A name as SQL writes it.
pub(crate) fn quote(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as SQL writes it, in any `sql_mode`: as digits.
pub(crate) fn literal(text: &str) -> String {
    if text.is_empty() { "''".to_owned() } else { format!("_utf8mb4 X'{}'", hex::encode(text)) }
}
