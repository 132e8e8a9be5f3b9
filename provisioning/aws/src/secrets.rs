//! Secrets Manager: the database's credentials, ours or the operator's, and the origin secret.

mod database;
mod external;
mod origin;
mod store;

pub(crate) use database::DatabaseCredentials;
pub use database::{DatabaseSecret, read_database_secret};
pub(crate) use external::ExternalDatabase;
pub(crate) use origin::OriginSecret;
pub use origin::read_origin_secret;
pub(crate) use store::Secret;
