//! What every request shares: the configuration, the connection pool and the issuer's keys.

use std::sync::Arc;

use sqlx::MySqlPool;

use crate::{
    auth::TokenVerifier,
    capability::Capabilities,
    catalogue::{pages::Pages, products::Products, show::Showing},
    config::{Config, OriginCheck},
    database,
    http::{origin::AcceptedOrigins, rate::Rate},
    journal::Journal,
    metrics::{Metrics, cloudwatch::Reporter},
    orders::Terms,
    payments::Payments,
    storage::Storage,
};

/// The application, cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    pool: MySqlPool,
    products: Products,
    pages: Pages,
    journal: Journal,
    storage: Option<Storage>,
    tokens: TokenVerifier,
    origins: AcceptedOrigins,
    rate: Option<Rate>,
    metrics: Metrics,
    reporter: Option<Reporter>,
    payments: Payments,
    capabilities: Capabilities,
    terms: Terms,
    showing: Showing,
    release: Option<String>,
}

impl App {
    /// Makes the application without connecting to anything: the database and the issuer may be away. To be called within
    /// a runtime, which its background work runs on.
    pub fn new(config: &Config) -> Self {
        let origins = match &config.origin {
            OriginCheck::Secrets(secrets) => AcceptedOrigins::only(secrets),
            OriginCheck::Off => AcceptedOrigins::any(),
        };
        let pool = database::pool(&config.database, database::CONNECTIONS);
        let showing = Showing::new(&config.media_base_url);
        Self(Arc::new(Inner {
            products: Products::new(&pool, &showing),
            pages: Pages::new(&pool, &showing),
            pool,
            journal: Journal::new(config),
            storage: config
                .aws
                .as_ref()
                .zip(config.media_bucket.as_ref())
                .map(|(aws, bucket)| Storage::new(aws, bucket)),
            tokens: TokenVerifier::new(&config.tokens),
            origins,
            rate: config.rate_limit.map(Rate::new),
            metrics: Metrics::new(),
            reporter: config
                .aws
                .as_ref()
                .zip(config.metrics_namespace.as_ref())
                .map(|(aws, it)| Reporter::new(aws, it)),
            payments: Payments::new(&config.payments),
            capabilities: Capabilities::new(&config.cart_secrets, &config.database.password),
            terms: Terms::new(&config.terms),
            showing,
            release: config.release.clone(),
        }))
    }

    pub(crate) fn pool(&self) -> &MySqlPool {
        &self.0.pool
    }

    /// Products in full.
    pub(crate) fn products(&self) -> &Products {
        &self.0.products
    }

    /// Pages of products.
    pub(crate) fn pages(&self) -> &Pages {
        &self.0.pages
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// The media bucket, where one is configured.
    pub(crate) fn storage(&self) -> Option<&Storage> {
        self.0.storage.as_ref()
    }

    pub(crate) fn tokens(&self) -> &TokenVerifier {
        &self.0.tokens
    }

    pub(crate) fn origins(&self) -> &AcceptedOrigins {
        &self.0.origins
    }

    /// How much each client may ask for, unless there is no limit.
    pub(crate) fn rate(&self) -> Option<&Rate> {
        self.0.rate.as_ref()
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// Reports figures until it is dropped; at once where nobody is to be told.
    pub(crate) async fn report(&self) {
        if let Some(reporter) = &self.0.reporter {
            reporter.run(self).await;
        }
    }

    pub(crate) fn payments(&self) -> &Payments {
        &self.0.payments
    }

    pub(crate) fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    pub(crate) fn terms(&self) -> &Terms {
        &self.0.terms
    }

    /// How products are shown.
    pub(crate) fn showing(&self) -> &Showing {
        &self.0.showing
    }

    pub(crate) fn release(&self) -> Option<&str> {
        self.0.release.as_deref()
    }

    /// Closes the connections to the database.
    pub async fn close(&self) {
        self.0.pool.close().await;
    }
}
