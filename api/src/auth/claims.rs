//! The claims of a Cognito token that we look at.

use serde::Deserialize;

/// What is read of a token. `exp`, `nbf` and `iss` are checked by the decoder.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    /// The user's id in the pool.
    pub(crate) sub: String,
    token_use: String,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    aud: Option<String>,
    /// The groups the user is in.
    #[serde(default, rename = "cognito:groups")]
    pub(crate) groups: Vec<String>,
}

impl Claims {
    /// Whether the token was made for this client. Access tokens say so in `client_id`, ID tokens in `aud`; a claim of
    /// the other kind does not count.
    pub(crate) fn is_for(&self, client: &str) -> bool {
        let said = match self.token_use.as_str() {
            "access" => self.client_id.as_deref(),
            "id" => self.aud.as_deref(),
            _ => None,
        };
        said == Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_token_names_its_client_in_its_own_claim() {
        let cases = [
            (r#"{"sub":"a","token_use":"access","client_id":"shop"}"#, true),
            (r#"{"sub":"a","token_use":"id","aud":"shop"}"#, true),
            (r#"{"sub":"a","token_use":"access","aud":"shop"}"#, false),
            (r#"{"sub":"a","token_use":"id","client_id":"shop"}"#, false),
            (r#"{"sub":"a","token_use":"access","client_id":"other"}"#, false),
            (r#"{"sub":"a","token_use":"refresh","client_id":"shop","aud":"shop"}"#, false),
            (r#"{"sub":"a","token_use":"access"}"#, false),
        ];
        for (claims, expected) in cases {
            assert_eq!(serde_json::from_str::<Claims>(claims).unwrap().is_for("shop"), expected, "{claims}");
        }
    }
}
