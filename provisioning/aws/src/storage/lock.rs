//! Object Lock: what is written to a locked bucket cannot be overwritten or deleted for a while, not even with the
//! keys of the API.

use aws_sdk_s3::{
    Client,
    types::{DefaultRetention, ObjectLockConfiguration, ObjectLockEnabled, ObjectLockRetentionMode, ObjectLockRule},
};
use jewel_engine::{Failure, FailureKind};

use crate::classify;

/// The lock of a bucket as it is compared, such as `GOVERNANCE, 30 days`.
///
/// Governance, not compliance: who may `s3:BypassGovernanceRetention` can still delete, and `destroy --delete-data` must.
pub(super) fn wanted(days: i32) -> String {
    describe("GOVERNANCE", days)
}

/// The lock the bucket has; `off` when it has none.
pub(super) async fn read(s3: &Client, bucket: &str) -> Result<String, Failure> {
    let sent = s3.get_object_lock_configuration().bucket(bucket).send().await;
    let answer = match sent.map_err(|error| classify(format!("read the object lock of bucket {bucket}"), error)) {
        Ok(answer) => answer,
        Err(failure) if failure.code.as_deref() == Some("ObjectLockConfigurationNotFoundError") => {
            return Ok("off".to_owned());
        }
        Err(failure) => return Err(failure),
    };
    let retention = answer
        .object_lock_configuration
        .and_then(|configuration| configuration.rule)
        .and_then(|rule| rule.default_retention);
    Ok(match retention {
        Some(DefaultRetention { mode: Some(mode), days: Some(days), .. }) => describe(mode.as_str(), days),
        Some(other) => format!("{other:?}"),
        None => "no retention by default".to_owned(),
    })
}

/// Sets the retention by default. The bucket must be versioned; one made without the lock gets it with this call too.
pub(super) async fn put(s3: &Client, bucket: &str, days: i32) -> Result<(), Failure> {
    let retention = DefaultRetention::builder().mode(ObjectLockRetentionMode::Governance).days(days).build();
    let configuration = ObjectLockConfiguration::builder()
        .object_lock_enabled(ObjectLockEnabled::Enabled)
        .rule(ObjectLockRule::builder().default_retention(retention).build())
        .build();
    let put = s3.put_object_lock_configuration().bucket(bucket).object_lock_configuration(configuration);
    put.send().await.map(drop).map_err(|error| {
        let mut failure = classify(format!("set the object lock of bucket {bucket}"), error);
        // Versioning that was put back a moment ago takes its time to show.
        if failure.code.as_deref() == Some("InvalidBucketState") {
            failure.kind = FailureKind::Conflict;
        }
        failure
    })
}

fn describe(mode: &str, days: i32) -> String {
    format!("{mode}, {days} days")
}
