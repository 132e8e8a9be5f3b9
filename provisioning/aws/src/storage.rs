//! S3: buckets, what becomes of their objects, and who else may use them.

mod bucket;
mod cors;
mod empty;
mod lifecycle;
mod lock;
mod logging;
mod policy;

pub(crate) use bucket::Bucket;
pub(crate) use cors::BucketCors;
pub(crate) use logging::{AccessLogs, logs_policy};
pub(crate) use policy::BucketPolicy;
