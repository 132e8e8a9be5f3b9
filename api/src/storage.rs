//! The bucket of pictures and documents, and how AWS is reached.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::{
    Client,
    config::{Credentials, SharedCredentialsProvider},
};
use secrecy::ExposeSecret;

use crate::config::AwsConfig;

/// The media bucket. What is stored there is no part of a transaction: store first, then commit what points to it.
#[derive(Debug, Clone)]
pub(crate) struct Storage {
    client: Client,
    bucket: String,
}

impl Storage {
    pub(crate) fn new(aws: &AwsConfig, bucket: &str) -> Self {
        Self { client: client(aws), bucket: bucket.to_owned() }
    }

    /// The client; the API's key lets it read and write below `media/` and nothing else.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The bucket's name.
    pub(crate) fn bucket(&self) -> &str {
        &self.bucket
    }
}

/// A client with the SDK's own retries.
fn client(aws: &AwsConfig) -> Client {
    Client::from_conf(settings(aws).build())
}

/// What every client of S3 here begins with.
pub(crate) fn settings(aws: &AwsConfig) -> aws_sdk_s3::config::Builder {
    // Other endpoints than AWS's have no name for each bucket.
    aws_sdk_s3::config::Builder::from(&shared(aws)).force_path_style(aws.endpoint.is_some())
}

/// What the clients of all services begin with.
pub(crate) fn shared(aws: &AwsConfig) -> SdkConfig {
    let key = Credentials::new(
        aws.access_key_id.clone(),
        aws.secret_access_key.expose_secret().to_owned(),
        None,
        None,
        "environment",
    );
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(aws.region.clone()))
        .credentials_provider(SharedCredentialsProvider::new(key));
    config.set_endpoint_url(aws.endpoint.clone());
    config.build()
}
