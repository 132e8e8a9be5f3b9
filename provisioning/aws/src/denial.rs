//! What AWS says when a permission is missing, taken apart: who may not do what to which resource.

use jewel_engine::{Failure, FailureKind};
use serde_json::json;

/// A missing permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// The ARN of the user or role that was denied.
    pub principal: String,
    /// What it may not do, such as `s3:CreateBucket`.
    pub action: String,
    /// To what, as an ARN, where AWS says so.
    pub resource: Option<String>,
    /// A policy forbids it outright: no further permission helps.
    pub explicit: bool,
}

impl Denial {
    /// Reads the text services answer with:
    /// `User: ARN is not authorized to perform: ACTION on resource: ARN because no identity-based policy allows …`.
    ///
    /// The wording is the one documented under "Troubleshoot access denied error messages" of the IAM user guide; the
    /// resource may be quoted and may be missing. `None` where AWS says less than that.
    pub fn of(failure: &Failure) -> Option<Self> {
        if failure.kind != FailureKind::Denied {
            return None;
        }
        let (before, after) = failure.message.split_once(" is not authorized to perform: ")?;
        let principal = before.rsplit_once("User: ").map_or(before, |(_, principal)| principal).trim();
        let action = after.split_whitespace().next()?.trim_end_matches([',', '.']);
        let resource = after.split_once("on resource: ").and_then(|(_, rest)| rest.split_whitespace().next());
        let resource = resource.map(|arn| arn.trim_matches(['"', '\'', ',', '.']).to_owned());
        Some(Self {
            principal: principal.to_owned(),
            action: action.to_owned(),
            resource,
            explicit: after.contains("with an explicit deny"),
        })
    }

    /// The statement that would allow it.
    pub fn statement(&self) -> String {
        let resource = self.resource.as_deref().unwrap_or("*");
        json!({ "Effect": "Allow", "Action": self.action, "Resource": resource }).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(message: &str) -> Option<Denial> {
        Denial::of(&Failure::new(FailureKind::Denied, "do something", message))
    }

    #[test]
    fn action_and_resource_are_found_in_what_aws_says() {
        let s3 = denied(
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: s3:CreateBucket on resource: \
             \"arn:aws:s3:::shop-prod-site-123456789012\" because no identity-based policy allows the s3:CreateBucket action",
        )
        .unwrap();
        assert_eq!(s3.principal, "arn:aws:iam::123456789012:user/ada");
        assert_eq!(s3.action, "s3:CreateBucket");
        assert_eq!(s3.resource.as_deref(), Some("arn:aws:s3:::shop-prod-site-123456789012"));
        assert!(!s3.explicit);
        assert_eq!(
            s3.statement(),
            r#"{"Effect":"Allow","Action":"s3:CreateBucket","Resource":"arn:aws:s3:::shop-prod-site-123456789012"}"#
        );
    }

    #[test]
    fn a_resource_may_be_missing_and_a_deny_explicit() {
        let lightsail = denied(
            "User: arn:aws:sts::123456789012:assumed-role/ci/run is not authorized to perform: \
             lightsail:GetInstances with an explicit deny in a service control policy",
        )
        .unwrap();
        assert_eq!((lightsail.action.as_str(), lightsail.resource.as_deref()), ("lightsail:GetInstances", None));
        assert!(lightsail.explicit);
        assert_eq!(denied("Access Denied"), None);
    }
}
