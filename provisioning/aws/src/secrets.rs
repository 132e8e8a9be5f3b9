//! Secrets Manager: the database's credentials, ours or the operator's, the API's, and what backups are read with. Each
//! secret costs the same, so there is one for each of those who may read it.

mod api;
mod backup;
mod database;
mod document;
mod external;
mod store;

pub(crate) use api::{ApiCredentials, origin_secret};
pub use api::{read_api_secret, rotate_api_key};
pub(crate) use backup::BackupKeys;
pub(crate) use database::DatabaseCredentials;
pub use database::{DatabaseSecret, read_database_secret};
pub use document::{ApiSecret, SecretPart, random_secret};
pub(crate) use external::ExternalDatabase;
pub use store::DELIVERED;
pub(crate) use store::Secret;
