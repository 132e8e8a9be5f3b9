//! The connection pool. Lazy: the server starts while the database is away and finds it when it is back.

use std::time::Duration;

use secrecy::ExposeSecret;
use sqlx::{
    Connection, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions, MySqlSslMode},
};

use crate::config::DatabaseConfig;

/// Connections per process, beside the journal's. The smallest Lightsail database allows about 60 in all, two releases run side by side during
/// a deploy, and operators need some.
pub(crate) const CONNECTIONS: u32 = 10;

/// How long a request may wait for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// A connection unused for longer than this is pinged before use: pinging every time costs a round trip per request.
const TRUSTED_IDLE: Duration = Duration::from_secs(1);

/// How to connect.
pub(crate) fn connect_options(config: &DatabaseConfig) -> MySqlConnectOptions {
    // Required, not verified: Lightsail's certificate chain is not in the public roots, and the address is private.
    let tls = if config.tls { MySqlSslMode::Required } else { MySqlSslMode::Disabled };
    MySqlConnectOptions::new()
        .host(&config.host)
        .port(config.port)
        .database(&config.name)
        .username(&config.user)
        .password(config.password.expose_secret())
        .ssl_mode(tls)
}

/// A pool of at most so many connections, made on first use.
pub(crate) fn pool(config: &DatabaseConfig, connections: u32) -> MySqlPool {
    MySqlPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_secs(5 * 60))
        .max_lifetime(Duration::from_secs(30 * 60))
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                // Gaps between rows are locked otherwise, and buyers of different things wait for each other.
                sqlx::query("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED").execute(connection).await?;
                Ok(())
            })
        })
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRUSTED_IDLE {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
        .connect_lazy_with(connect_options(config))
}
