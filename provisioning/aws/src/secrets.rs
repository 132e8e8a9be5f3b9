//! Secrets Manager: the database's credentials, and the API's. Each secret costs the same, so there are two.

mod api;
mod database;
mod store;

pub(crate) use api::{ApiCredentials, origin_secret};
pub use api::{ApiSecret, read_api_secret};
pub(crate) use database::DatabaseCredentials;
pub use database::{DatabaseSecret, read_database_secret};
pub(crate) use store::Secret;
