//! Identities of machines, and what they may do.

mod api_user;
mod ci_policy;
mod ci_role;
mod identity_provider;
mod user_keys;

use serde_json::Value as Json;

pub(crate) use api_user::ApiUser;
pub use api_user::{metrics_namespace, withhold_journal};
pub(crate) use ci_role::CiRole;
pub use ci_role::{CiDocuments, ci_documents};
pub(crate) use identity_provider::IdentityProvider;
pub(crate) use user_keys::UserKeys;

/// A policy document as a value. IAM gives documents back percent-encoded, other services as they are.
pub(crate) fn document(text: &str) -> Json {
    serde_json::from_str(&decode(text)).unwrap_or_else(|_| Json::String(text.to_owned()))
}

/// Undoes percent-encoding; what is not encoded stays.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if first == b'%'
            && let (Some(high), Some(low)) = (hex(0), hex(1))
            && let Ok(byte) = u8::try_from(high * 16 + low)
        {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn documents_are_read_encoded_or_not() {
        let expected = json!({ "Action": "s3:GetObject", "Resource": "a/*" });
        assert_eq!(
            document("%7B%22Action%22%3A%20%22s3%3AGetObject%22%2C%20%22Resource%22%3A%22a%2F%2A%22%7D"),
            expected
        );
        assert_eq!(document(&expected.to_string()), expected);
        assert_eq!(decode("100%"), "100%");
    }
}
