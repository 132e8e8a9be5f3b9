//! S3: buckets and what lets the distribution read them.

mod bucket;
mod empty;
mod policy;

pub(crate) use bucket::Bucket;
pub(crate) use policy::BucketPolicy;
