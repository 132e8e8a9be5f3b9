//! How long AWS takes, in one table. The service multiplies it by its time factor; at 0 only the real work takes time.
//!
//! AWS publishes none of these numbers. They are what operators see: instances take tens of seconds, databases minutes.

use std::time::Duration;

/// The usual duration of an operation on AWS, by its type in the service model.
pub(crate) fn usual(operation_type: &str) -> Duration {
    Duration::from_secs(match operation_type {
        "CreateInstance" => 45,
        "StartInstance" => 30,
        "StopInstance" => 40,
        "RebootInstance" => 40,
        "DeleteInstance" => 20,
        "CreateInstanceSnapshot" => 120,
        "DeleteInstanceSnapshot" => 5,
        "CreateInstancesFromSnapshot" => 90,
        "CreateLoadBalancer" => 60,
        "CreateRelationalDatabase" => 600,
        "StartRelationalDatabase" => 240,
        "StopRelationalDatabase" => 240,
        "RebootRelationalDatabase" => 60,
        "UpdateRelationalDatabase" => 60,
        "UpdateRelationalDatabaseParameters" => 20,
        "DeleteRelationalDatabase" => 180,
        "CreateRelationalDatabaseSnapshot" => 180,
        "DeleteRelationalDatabaseSnapshot" => 10,
        "CreateRelationalDatabaseFromSnapshot" => 900,
        _ => 0,
    })
}

/// How long the first backup keeps a new database in `backing-up` after the operation that made it has succeeded.
pub(crate) const FIRST_BACKUP: Duration = Duration::from_secs(60);

/// How long the first backup keeps a restored one there: RDS copies everything before it says `available`, which takes
/// hours for large ones (hashicorp/terraform-provider-aws#44104). Logins work meanwhile.
pub(crate) const BACKUP_AFTER_RESTORE: Duration = Duration::from_secs(600);

/// Between two times that the binary log of a database is carried off, by RDS's documentation of point-in-time recovery.
const CARRY_EVERY: Duration = Duration::from_secs(300);

/// Even where nothing waits, the log is not looked at more often.
const CARRY_EVERY_AT_LEAST: Duration = Duration::from_secs(1);

/// How often the binary logs are carried off under a factor.
pub(crate) fn carry_every(factor: f64) -> Duration {
    scaled(CARRY_EVERY, factor).max(CARRY_EVERY_AT_LEAST)
}

/// `usual` under a factor. Factors that make no sense (negative, not a number) wait for nothing.
pub(crate) fn scaled(usual: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(usual.as_secs_f64() * factor).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factor_scales_and_zero_waits_for_nothing() {
        assert_eq!(scaled(Duration::from_secs(60), 0.5), Duration::from_secs(30));
        for factor in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(scaled(Duration::from_secs(60), factor), Duration::ZERO);
        }
    }
}
