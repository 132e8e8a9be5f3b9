//! The claims of a Cognito token that we look at.

use serde::Deserialize;

/// What is read of a token. `exp`, `nbf` and `iss` are checked by the decoder.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Claims {
    /// The user's id in the pool.
    pub(crate) sub: String,
    token_use: String,
    /// Only ID tokens have these two.
    #[serde(default)]
    email: Option<String>,
    #[serde(default)]
    email_verified: bool,
    #[serde(default)]
    client_id: Option<String>,
    #[serde(default)]
    aud: Option<String>,
    /// The groups the user is in.
    #[serde(default, rename = "cognito:groups")]
    pub(crate) groups: Vec<String>,
}

impl Claims {
    /// The e-mail address, if it is known to be the user's.
    pub(crate) fn email(&self) -> Option<&str> {
        self.email.as_deref().filter(|_| self.email_verified)
    }

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
    fn an_address_counts_when_it_was_verified() {
        let email = |rest: &str| {
            let claims = format!(r#"{{"sub":"a","token_use":"id","aud":"shop"{rest}}}"#);
            serde_json::from_str::<Claims>(&claims).unwrap().email().map(str::to_owned)
        };
        assert_eq!(email(r#","email":"a@b.example","email_verified":true"#).as_deref(), Some("a@b.example"));
        assert_eq!(email(r#","email":"a@b.example","email_verified":false"#), None);
        assert_eq!(email(r#","email":"a@b.example""#), None);
        assert_eq!(email(""), None);
    }

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
