//! What the shop's pipeline may do: plan, provision, migrate and deploy this stack, and destroy nothing that holds data.
//!
//! Which action a call asks for, which resources it can be limited to and which conditions it knows is AWS's Service
//! Authorization Reference (<https://docs.aws.amazon.com/service-authorization/latest/reference/>). Where AWS knows a
//! resource by a name, the name limits it; where only by an id that AWS chooses, the marks do; what it limits by neither
//! stands apart.

use serde_json::{Value as Json, json};

use crate::{Names, StackSpec};

/// What reads need. Reading tells ids and settings, no data and no secret.
const LOOK: &[&str] = &[
    "acm:DescribeCertificate",
    "acm:ListCertificates",
    "acm:ListTagsForCertificate",
    "backup:GetBackupPlan",
    "backup:GetBackupSelection",
    "backup:ListBackupPlans",
    "backup:ListBackupSelections",
    "backup:ListTags",
    "cloudfront:GetDistributionConfig",
    "cloudfront:GetMonitoringSubscription",
    "cloudfront:GetOriginAccessControl",
    "cloudfront:ListDistributions",
    "cloudfront:ListOriginAccessControls",
    "cloudfront:ListTagsForResource",
    "cloudtrail:ListTags",
    "cloudwatch:DescribeAlarms",
    "cognito-idp:DescribeUserPool",
    "cognito-idp:DescribeUserPoolClient",
    "cognito-idp:DescribeUserPoolDomain",
    "cognito-idp:GetGroup",
    "cognito-idp:ListUserPoolClients",
    "cognito-idp:ListUserPools",
    "lightsail:GetAlarms",
    "lightsail:GetContactMethods",
    "lightsail:GetInstancePortStates",
    "lightsail:GetInstances",
    "lightsail:GetLoadBalancer",
    "lightsail:GetLoadBalancerTlsCertificates",
    "lightsail:GetRelationalDatabases",
    "lightsail:GetStaticIps",
    "logs:DescribeLogGroups",
    "pricingplanmanager:ListSubscriptions",
    "route53:GetHostedZone",
    "route53:ListHostedZones",
    "route53:ListResourceRecordSets",
    "route53:ListTagsForResource",
    "wafv2:ListWebACLs",
];

/// What is made with our marks, or not at all.
const MAKE: &[&str] = &[
    "acm:AddTagsToCertificate",
    "acm:RequestCertificate",
    "backup:CreateBackupPlan",
    "backup:TagResource",
    "cloudfront:CreateDistribution",
    "cloudfront:TagResource",
    "cognito-idp:CreateUserPool",
    "cognito-idp:TagResource",
    "lightsail:CreateContactMethod",
    "lightsail:CreateInstances",
    "lightsail:CreateLoadBalancer",
    "lightsail:CreateRelationalDatabase",
    "lightsail:TagResource",
];

/// What is changed only where our marks are.
const CHANGE: &[&str] = &[
    "acm:DeleteCertificate",
    "backup:CreateBackupSelection",
    "backup:DeleteBackupSelection",
    "backup:UpdateBackupPlan",
    "cloudfront:CreateInvalidation",
    "cloudfront:UntagResource",
    "cloudfront:UpdateDistribution",
    "cognito-idp:CreateGroup",
    "cognito-idp:CreateUserPoolClient",
    "cognito-idp:CreateUserPoolDomain",
    "cognito-idp:UpdateGroup",
    "cognito-idp:UpdateUserPool",
    "cognito-idp:UpdateUserPoolClient",
    "lightsail:AttachInstancesToLoadBalancer",
    "lightsail:AttachLoadBalancerTlsCertificate",
    "lightsail:CreateLoadBalancerTlsCertificate",
    "lightsail:DeleteInstance",
    "lightsail:DeleteLoadBalancer",
    "lightsail:DeleteLoadBalancerTlsCertificate",
    "lightsail:DetachInstancesFromLoadBalancer",
    "lightsail:GetInstanceAccessDetails",
    "lightsail:GetRelationalDatabaseMasterUserPassword",
    "lightsail:PutInstancePublicPorts",
    "lightsail:SetIpAddressType",
    "lightsail:StartInstance",
    "lightsail:UpdateLoadBalancerAttribute",
    "lightsail:UpdateRelationalDatabase",
];

/// What AWS limits to no resource and by no mark, or to ids of things that carry none.
const UNLIMITED: &[&str] = &[
    "backup-storage:MountCapsule",
    "cloudfront:CreateFunction",
    "cloudfront:CreateMonitoringSubscription",
    "cloudfront:CreateOriginAccessControl",
    "cloudfront:UpdateOriginAccessControl",
    "lightsail:AllocateStaticIp",
    "lightsail:AttachStaticIp",
    "lightsail:DeleteAlarm",
    "lightsail:DeleteContactMethod",
    "lightsail:DetachStaticIp",
    "lightsail:DisableAddOn",
    "lightsail:EnableAddOn",
    "lightsail:PutAlarm",
    "lightsail:ReleaseStaticIp",
    "lightsail:SendContactMethodVerification",
    "pricingplanmanager:CancelSubscription",
    "pricingplanmanager:CreateSubscription",
    "route53:CreateHostedZone",
];

/// What stays denied whatever else is allowed to the role: data goes only by an operator's hand.
const NEVER: &[&str] = &[
    "backup:DeleteBackupVault",
    "backup:DeleteRecoveryPoint",
    "cloudtrail:DeleteTrail",
    "cloudtrail:StopLogging",
    "cognito-idp:AdminDeleteUser",
    "cognito-idp:DeleteUserPool",
    "lightsail:DeleteRelationalDatabase",
    "lightsail:DeleteRelationalDatabaseSnapshot",
    "route53:DeleteHostedZone",
    "s3:BypassGovernanceRetention",
    "s3:DeleteBucket",
    "s3:DeleteObjectVersion",
    "secretsmanager:DeleteSecret",
];

/// The document. Its statements have no names, which would not fit into a role.
pub(super) fn policy(spec: &StackSpec) -> Json {
    let names = Names::new(spec);
    let (stack, region, account) = (names.stack(), &spec.region, &spec.account_id);
    // A role's rights end at its account: to repeat the number everywhere would not fit into a role.
    let arn = |service: &str, region: &str, rest: &str| format!("arn:aws:{service}:{region}:*:{rest}");
    let bucket = |role: &str, keys: &str| format!("arn:aws:s3:::{stack}-{role}-{account}{keys}");
    let marks = |kind: &str| {
        let (project, env) = (format!("aws:{kind}Tag/jewel:project"), format!("aws:{kind}Tag/jewel:env"));
        json!({ "StringEquals": { project: spec.project, env: spec.env } })
    };
    let backup_role = format!("arn:aws:iam::{account}:role/{}", names.role("backup"));
    let mut statements = vec![
        allow(LOOK, &["*"]),
        limited(allow(MAKE, &["*"]), marks("Request")),
        limited(allow(CHANGE, &["*"]), marks("Resource")),
        allow(UNLIMITED, &["*"]),
        json!({ "Effect": "Deny", "Action": NEVER, "Resource": "*" }),
        allow(BUCKET_ACTIONS, &[&bucket("*", "")]),
        allow(
            &["s3:GetObject", "s3:PutObject"],
            &[&bucket("site", "/*"), &bucket("media", "/*"), &bucket("operations", "/*")],
        ),
        // A site's old pages and the lock: versions of both stay.
        allow(&["s3:DeleteObject"], &[&bucket("site", "/*"), &bucket("operations", "/*")]),
        // A secret that is not there yet is asked for by its name alone, without the six characters of its ARN.
        allow(
            SECRET_ACTIONS,
            &[
                &arn("secretsmanager", region, &format!("secret:{stack}-api*")),
                &arn("secretsmanager", region, &format!("secret:{stack}-backup*")),
                // Of the database. No longer a name fits into a role.
                &arn("secretsmanager", region, &format!("secret:{stack}-data*")),
            ],
        ),
        allow(API_USER_ACTIONS, &[&format!("arn:aws:iam::{account}:user/{}", names.role("api"))]),
        allow(BACKUP_ROLE_ACTIONS, &[&backup_role]),
        limited(
            allow(&["iam:AttachRolePolicy"], &[&backup_role]),
            json!({ "ArnEquals": { "iam:PolicyARN": crate::backup::POLICIES } }),
        ),
        limited(
            allow(&["iam:PassRole"], &[&backup_role]),
            json!({ "StringEquals": { "iam:PassedToService": "backup.amazonaws.com" } }),
        ),
        // Its own role and whom AWS lets assume it: seen, never changed.
        allow(
            &["iam:GetOpenIDConnectProvider", "iam:GetRole", "iam:GetRolePolicy"],
            &[&format!("arn:aws:iam::{account}:role/{}", names.role("ci")), &super::identity_provider::arn(account)],
        ),
        // An action finds the resources of its own service here and no others.
        allow(
            &NAMED.concat(),
            &[
                &arn("sns", "*", &format!("{stack}-*")),
                &arn("logs", region, &format!("log-group:/jewel/{stack}/api")),
                &arn("logs", region, &format!("log-group:/jewel/{stack}/api:*")),
                &arn("cloudwatch", "*", &format!("alarm:{stack}-*")),
                &arn("cloudwatch", "", &format!("dashboard/{stack}")),
                &arn("budgets", "", &format!("budget/{stack}")),
                &arn("cloudtrail", region, &format!("trail/{stack}")),
                &arn("wafv2", "us-east-1", &format!("global/webacl/{}/*", names.role("firewall"))),
                "arn:aws:wafv2:us-east-1:*:global/managedruleset/*",
                &arn("backup", region, &format!("backup-vault:{stack}")),
                &arn("cloudfront", "", &format!("function/{}", names.role("site"))),
            ],
        ),
        // What AWS Backup does with the key of a vault, in the name of who makes the vault.
        limited(
            allow(
                &["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant"],
                &["*"],
            ),
            json!({ "StringEquals": { "kms:ViaService": format!("backup.{region}.amazonaws.com") } }),
        ),
        allow(
            &["apigateway:GET", "apigateway:PATCH", "apigateway:POST", "apigateway:PUT"],
            &[
                &format!("arn:aws:apigateway:{region}::/apis"),
                &format!("arn:aws:apigateway:{region}::/apis/*"),
                &format!("arn:aws:apigateway:{region}::/tags/*"),
            ],
        ),
    ];
    for (mark, ours) in [("project", &spec.project), ("env", &spec.env)] {
        statements.push(others(&format!("aws:ResourceTag/jewel:{mark}"), ours));
    }
    if let Some(domain) = &spec.domain {
        let zones = "arn:aws:route53:::hostedzone/*";
        let records = "route53:ChangeResourceRecordSetsNormalizedRecordNames";
        statements.push(limited(
            allow(&["route53:ChangeResourceRecordSets"], &[zones]),
            json!({
                "ForAllValues:StringLike": { records: [domain.name, format!("*.{}", domain.name)] },
            }),
        ));
        statements.push(allow(&["route53:ChangeTagsForResource"], &[zones]));
    }
    json!({ "Version": "2012-10-17", "Statement": statements })
}

/// What is set of a bucket. Setting a lifecycle is setting what expires, so of all these it is the one to watch.
const BUCKET_ACTIONS: &[&str] = &[
    "s3:CreateBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetBucketCORS",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutBucketCORS",
    "s3:PutBucketLogging",
    "s3:PutBucketObjectLockConfiguration",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
    "s3:TagResource",
];
const SECRET_ACTIONS: &[&str] = &[
    "secretsmanager:CreateSecret",
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:RestoreSecret",
    "secretsmanager:TagResource",
    "secretsmanager:UpdateSecretVersionStage",
];
const API_USER_ACTIONS: &[&str] = &[
    "iam:CreateAccessKey",
    "iam:CreateUser",
    "iam:DeleteAccessKey",
    "iam:GetUser",
    "iam:GetUserPolicy",
    "iam:ListAccessKeys",
    "iam:ListUserTags",
    "iam:PutUserPolicy",
    "iam:TagUser",
];
const BACKUP_ROLE_ACTIONS: &[&str] =
    &["iam:CreateRole", "iam:GetRole", "iam:ListAttachedRolePolicies", "iam:TagRole", "iam:UpdateAssumeRolePolicy"];
/// What is done to resources that have a name of ours, by service.
const NAMED: &[&[&str]] = &[
    &["backup:CreateBackupVault", "backup:DescribeBackupVault"],
    &["budgets:ListTagsForResource", "budgets:ModifyBudget", "budgets:TagResource", "budgets:ViewBudget"],
    &[
        "cloudfront:DescribeFunction",
        "cloudfront:GetFunction",
        "cloudfront:PublishFunction",
        "cloudfront:UpdateFunction",
    ],
    &[
        "cloudtrail:AddTags",
        "cloudtrail:CreateTrail",
        "cloudtrail:GetTrail",
        "cloudtrail:GetTrailStatus",
        "cloudtrail:StartLogging",
        "cloudtrail:UpdateTrail",
    ],
    &[
        "cloudwatch:GetDashboard",
        "cloudwatch:ListTagsForResource",
        "cloudwatch:PutDashboard",
        "cloudwatch:PutMetricAlarm",
        "cloudwatch:TagResource",
    ],
    &["logs:CreateLogGroup", "logs:ListTagsForResource", "logs:PutRetentionPolicy", "logs:TagResource"],
    &[
        "sns:CreateTopic",
        "sns:GetTopicAttributes",
        "sns:ListSubscriptionsByTopic",
        "sns:ListTagsForResource",
        "sns:SetTopicAttributes",
        "sns:Subscribe",
        "sns:TagResource",
    ],
    &["wafv2:CreateWebACL", "wafv2:GetWebACL", "wafv2:ListTagsForResource", "wafv2:TagResource", "wafv2:UpdateWebACL"],
];

fn allow(actions: &[&str], resources: &[&str]) -> Json {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resources })
}

fn limited(mut statement: Json, condition: Json) -> Json {
    statement["Condition"] = condition;
    statement
}

/// What has another's marks is neither marked as ours nor, where a new one has no marks yet to allow it by, changed.
fn others(mark: &str, ours: &str) -> Json {
    json!({
        "Effect": "Deny",
        "Action": [
            "acm:AddTagsToCertificate",
            "apigateway:PATCH",
            "apigateway:POST",
            "apigateway:PUT",
            "backup:TagResource",
            "cloudfront:TagResource",
            "cognito-idp:TagResource",
            "lightsail:TagResource",
        ],
        "Resource": "*",
        "Condition": { "StringNotEquals": { mark: ours }, "Null": { mark: "false" } },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DomainSpec, ZoneMode};

    fn specs() -> [StackSpec; 2] {
        let long = "a".repeat(20);
        let mut longest = StackSpec::new(&long, "e123456789", "ap-southeast-1", "123456789012");
        let name = format!("{}.{}.ex", "a".repeat(30), "b".repeat(30));
        longest.domain = Some(DomainSpec { name, zone: ZoneMode::Existing });
        [StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"), longest]
    }

    #[test]
    fn the_pipeline_may_do_no_more_than_this() {
        insta::assert_json_snapshot!(policy(&specs()[0]));
    }

    /// IAM counts all policies within a role together, without white space:
    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>.
    #[test]
    fn it_fits_into_a_role() {
        for spec in specs() {
            let characters = policy(&spec).to_string().len();
            assert!(characters <= 10_240, "{characters} characters");
        }
    }

    #[test]
    fn nothing_is_allowed_everywhere_but_what_must_be() {
        let policy = policy(&specs()[1]);
        for statement in policy["Statement"].as_array().unwrap() {
            let actions = statement["Action"].as_array().unwrap().iter().map(|action| action.as_str().unwrap());
            assert!(actions.clone().all(|action| !action.contains('*')), "{statement}");
            if statement["Effect"] == "Deny" {
                continue;
            }
            let everywhere = statement["Resource"].as_array().unwrap().iter().any(|one| one == "*");
            let looks = actions.clone().eq(LOOK.iter().copied());
            let apart = looks || actions.clone().eq(UNLIMITED.iter().copied());
            assert!(!everywhere || apart || statement["Condition"].is_object(), "{statement}");
            if looks {
                let reads =
                    |action: &str| ["Get", "List", "Describe"].iter().any(|verb| action.contains(&format!(":{verb}")));
                assert!(actions.clone().all(reads), "{statement}");
            }
            assert!(!actions.clone().any(|action| NEVER.contains(&action)), "{statement}");
            let identity = actions.clone().any(|action| action.starts_with("iam:"));
            assert!(!identity || !everywhere, "{statement}");
        }
    }
}
