//! Secrets Manager: the database's credentials, ours or the operator's, and the API's. Each secret costs the same, so
//! there are two of ours.

mod api;
mod database;
mod document;
mod external;
mod store;

pub use api::read_api_secret;
pub(crate) use api::{ApiCredentials, origin_secret};
pub(crate) use database::DatabaseCredentials;
pub use database::{DatabaseSecret, read_database_secret};
pub use document::{ApiSecret, SecretPart, random_secret};
pub(crate) use external::ExternalDatabase;
pub use store::DELIVERED;
pub(crate) use store::Secret;
