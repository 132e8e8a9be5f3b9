//! What becomes of a bucket's objects with time: built from what we want, and rendered for comparison.

use aws_sdk_s3::{
    error::BuildError,
    types::{
        AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
        NoncurrentVersionExpiration, Transition, TransitionStorageClass,
    },
};
use serde_json::{Value as Json, json};

/// Where dumps go within the backups bucket. The journal beside them stays instantly readable: a restore replays it.
const DUMPS: &str = "dumps/";

/// An upload that has not ended by then never will.
const STALE_UPLOAD_DAYS: i32 = 7;

/// How a bucket's objects age, in days. Days of zero mean never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Lifecycle {
    /// How long a version that was replaced or deleted can be brought back.
    pub(crate) keep_replaced: i32,
    /// When dumps move to Deep Archive, from which a restore takes hours. Younger ones are what a restore needs.
    pub(crate) archive_dumps_after: i32,
    /// What is not kept for ever.
    pub(crate) expires: Option<Expiry>,
}

/// Objects that are deleted when they are old.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expiry {
    /// How their names begin; empty means all.
    pub(crate) prefix: &'static str,
    /// Days after they were written.
    pub(crate) days: i32,
}

/// The rules, in the order of their names.
pub(super) fn rules(lifecycle: Lifecycle) -> Result<Vec<LifecycleRule>, BuildError> {
    let mut rules = Vec::new();
    if lifecycle.archive_dumps_after > 0 {
        let archive = Transition::builder()
            .days(lifecycle.archive_dumps_after)
            .storage_class(TransitionStorageClass::DeepArchive)
            .build();
        rules.push(rule("archive-dumps", DUMPS).transitions(archive).build()?);
    }
    if let Some(expiry) = lifecycle.expires {
        let expiration = LifecycleExpiration::builder().days(expiry.days).build();
        rules.push(rule("expire", expiry.prefix).expiration(expiration).build()?);
    }
    let replaced = NoncurrentVersionExpiration::builder().noncurrent_days(lifecycle.keep_replaced).build();
    let stale = AbortIncompleteMultipartUpload::builder().days_after_initiation(STALE_UPLOAD_DAYS).build();
    rules.push(
        rule("tidy", "").noncurrent_version_expiration(replaced).abort_incomplete_multipart_upload(stale).build()?,
    );
    Ok(rules)
}

fn rule(id: &str, prefix: &str) -> aws_sdk_s3::types::builders::LifecycleRuleBuilder {
    let filter = LifecycleRuleFilter::builder().prefix(prefix).build();
    LifecycleRule::builder().id(id).filter(filter).status(ExpirationStatus::Enabled)
}

/// Everything of the rules that decides over an object, in the order of their names.
pub(super) fn render(rules: &[LifecycleRule]) -> Json {
    let mut all: Vec<Json> = rules.iter().map(render_rule).collect();
    all.sort_by_key(|rule| rule["id"].to_string());
    all.into()
}

#[expect(deprecated, reason = "rules that others made may still use the old place of the prefix")]
fn render_rule(rule: &LifecycleRule) -> Json {
    let prefix = rule.filter().and_then(LifecycleRuleFilter::prefix).or(rule.prefix());
    let mut json = json!({ "id": rule.id(), "status": rule.status().as_str(), "prefix": prefix.unwrap_or_default() });
    let moves: Vec<Json> = rule
        .transitions()
        .iter()
        .map(|one| json!({ "days": one.days(), "class": one.storage_class().map(TransitionStorageClass::as_str) }))
        .collect();
    if !moves.is_empty() {
        json["transitions"] = moves.into();
    }
    if let Some(expiration) = rule.expiration() {
        json["expire_days"] = expiration.days().into();
    }
    if let Some(replaced) = rule.noncurrent_version_expiration() {
        json["replaced_days"] = replaced.noncurrent_days().into();
    }
    if let Some(stale) = rule.abort_incomplete_multipart_upload() {
        json["stale_upload_days"] = stale.days_after_initiation().into();
    }
    let selective = rule.filter().is_some_and(|filter| {
        filter.tag().is_some()
            || filter.and().is_some()
            || filter.object_size_greater_than().is_some()
            || filter.object_size_less_than().is_some()
    });
    if selective {
        json["selective"] = true.into();
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dumps_are_archived() {
        let rules = rules(Lifecycle { keep_replaced: 90, archive_dumps_after: 35, ..Lifecycle::default() }).unwrap();
        let moved: Vec<_> = rules.iter().filter(|rule| !rule.transitions().is_empty()).collect();
        assert_eq!(moved.len(), 1);
        assert_eq!(moved[0].filter().and_then(LifecycleRuleFilter::prefix), Some(DUMPS));
    }

    #[test]
    fn only_what_is_to_expire_expires() {
        let expiring = |expires| {
            let rules = rules(Lifecycle { keep_replaced: 7, expires, ..Lifecycle::default() }).unwrap();
            rules.iter().filter_map(|rule| rule.expiration()?.days()).collect::<Vec<_>>()
        };
        assert_eq!(expiring(None), [] as [i32; 0]);
        assert_eq!(expiring(Some(Expiry { prefix: "", days: 90 })), [90]);
    }

    #[test]
    fn a_rule_narrowed_by_hand_reads_differently() {
        let ours = rules(Lifecycle { keep_replaced: 30, ..Lifecycle::default() }).unwrap();
        let mut theirs = ours.clone();
        theirs[0].filter = Some(LifecycleRuleFilter::builder().prefix("").object_size_less_than(1).build());
        assert_ne!(render(&ours), render(&theirs));
        theirs[0].filter.clone_from(&ours[0].filter);
        theirs[0].status = ExpirationStatus::Disabled;
        assert_ne!(render(&ours), render(&theirs));
    }
}
