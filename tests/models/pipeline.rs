//! Whether the pipeline's role may make every call that the tool makes, under the name that IAM knows the call by.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Operations whose action has another name; the Service Authorization Reference has them all.
const ACTIONS: &[(&str, &str)] = &[
    ("budgets:CreateBudget", "budgets:ModifyBudget"),
    ("budgets:DescribeBudget", "budgets:ViewBudget"),
    ("budgets:DescribeNotificationsForBudget", "budgets:ViewBudget"),
    ("budgets:DescribeSubscribersForNotification", "budgets:ViewBudget"),
    ("budgets:UpdateBudget", "budgets:ModifyBudget"),
    ("cloudfront:CreateDistributionWithTags", "cloudfront:CreateDistribution"),
    ("s3:DeleteBucketCors", "s3:PutBucketCORS"),
    ("s3:GetBucketCors", "s3:GetBucketCORS"),
    ("s3:GetBucketEncryption", "s3:GetEncryptionConfiguration"),
    ("s3:GetBucketLifecycleConfiguration", "s3:GetLifecycleConfiguration"),
    ("s3:GetObjectLockConfiguration", "s3:GetBucketObjectLockConfiguration"),
    ("s3:GetPublicAccessBlock", "s3:GetBucketPublicAccessBlock"),
    ("s3:HeadBucket", "s3:ListBucket"),
    ("s3:HeadObject", "s3:GetObject"),
    ("s3:ListObjectVersions", "s3:ListBucketVersions"),
    ("s3:ListObjectsV2", "s3:ListBucket"),
    ("s3:PutBucketCors", "s3:PutBucketCORS"),
    ("s3:PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3:PutBucketLifecycleConfiguration", "s3:PutLifecycleConfiguration"),
    ("s3:PutObjectLockConfiguration", "s3:PutBucketObjectLockConfiguration"),
    ("s3:PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
];

/// What an operator does and a pipeline does not: its own role, and the end of what holds data.
const OPERATORS: &[&str] = &[
    "iam:CreateOpenIDConnectProvider",
    "iam:PutRolePolicy",
    "route53:DeleteHostedZone",
    // AWS asks for no permission.
    "sts:GetCallerIdentity",
];

/// The actions of `operations` that `policy` does not allow anywhere.
pub(crate) fn not_allowed(policy: &Value, operations: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    let allowed: BTreeSet<&str> = policy["Statement"]
        .as_array()
        .expect("statements")
        .iter()
        .filter(|statement| statement["Effect"] == "Allow")
        .flat_map(|statement| statement["Action"].as_array().expect("actions"))
        .map(|action| action.as_str().expect("a text"))
        .collect();
    let asked = operations.iter().flat_map(|(service, names)| names.iter().map(|name| action(service, name)));
    asked.filter(|action| !allowed.contains(action.as_str()) && !OPERATORS.contains(&action.as_str())).collect()
}

/// What IAM calls an operation. API Gateway's actions are the methods of HTTP.
fn action(service: &str, operation: &str) -> String {
    if service == "apigateway" {
        let verbs = [("Get", "GET"), ("Update", "PATCH"), ("Delete", "DELETE")];
        let method = verbs.iter().find(|(verb, _)| operation.starts_with(verb)).map_or("POST", |(_, method)| method);
        return format!("apigateway:{method}");
    }
    let action = format!("{}:{operation}", if service == "monitoring" { "cloudwatch" } else { service });
    ACTIONS.iter().find(|(name, _)| *name == action).map_or(action, |(_, other)| (*other).to_owned())
}
