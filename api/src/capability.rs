//! Tokens that open one thing for whoever has them: a visitor's cart, a guest's order.
//!
//! A token is the thing's id and an HMAC-SHA256 over what it opens and the id. It is not stored anywhere, so an answer
//! that was lost is given again with the same token, by any instance.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The id and the MAC, in bytes.
const LENGTH: usize = 16 + 32;

/// What a token is good for. One for a cart opens no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Opens {
    Cart,
    Order,
}

impl Opens {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Cart => b"cart\0",
            Self::Order => b"order\0",
        }
    }
}

/// Signs and checks tokens.
pub(crate) struct Capabilities {
    first: Hmac<Sha256>,
    others: Vec<Hmac<Sha256>>,
}

impl Capabilities {
    /// With these secrets, of which the first signs; without any, with one derived from the fallback.
    pub(crate) fn new(secrets: &[SecretString], fallback: &SecretString) -> Self {
        let (first, others) = secrets.split_first().unwrap_or((fallback, &[]));
        Self { first: keyed(first), others: others.iter().map(keyed).collect() }
    }

    /// The token for this thing.
    pub(crate) fn issue(&self, opens: Opens, id: Uuid) -> String {
        let mut token = [0; LENGTH];
        token[..16].copy_from_slice(id.as_bytes());
        token[16..].copy_from_slice(&mac(&self.first, opens, id.as_bytes()).finalize().into_bytes());
        BASE64_URL_SAFE_NO_PAD.encode(token)
    }

    /// What a token opens, if it is one of ours.
    pub(crate) fn check(&self, opens: Opens, token: &str) -> Option<Uuid> {
        let mut bytes = [0; LENGTH];
        let decoded = BASE64_URL_SAFE_NO_PAD.decode_slice(token, &mut bytes).ok()?;
        let (id, seal) = bytes.split_at(16);
        let mut keys = std::iter::once(&self.first).chain(&self.others);
        let is_ours = decoded == LENGTH && keys.any(|key| mac(key, opens, id).verify_slice(seal).is_ok());
        is_ours.then(|| Uuid::from_slice(id).ok()).flatten()
    }
}

/// A key of its own for this purpose, whatever else the secret is used for.
fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    let digest =
        Sha256::new().chain_update(b"jewel-api capabilities\0").chain_update(secret.expose_secret()).finalize();
    let mut block = [0; 64];
    block[..32].copy_from_slice(&digest);
    Hmac::new(&block.into())
}

fn mac(key: &Hmac<Sha256>, opens: Opens, id: &[u8]) -> Hmac<Sha256> {
    key.clone().chain_update(opens.label()).chain_update(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn capabilities(secrets: &[&str]) -> Capabilities {
        let secrets: Vec<SecretString> = secrets.iter().map(|secret| SecretString::from(*secret)).collect();
        Capabilities::new(&secrets, &SecretString::from("the database's password"))
    }

    #[test]
    fn a_token_opens_one_thing_of_one_kind() {
        let (ours, id) = (capabilities(&[]), Uuid::now_v7());
        let token = ours.issue(Opens::Cart, id);
        assert_eq!(ours.check(Opens::Cart, &token), Some(id));
        assert_eq!(ours.check(Opens::Order, &token), None);
        assert_eq!(capabilities(&["another secret"]).check(Opens::Cart, &token), None);
    }

    #[test]
    fn a_secret_can_be_changed_without_closing_what_is_open() {
        let token = capabilities(&["old"]).issue(Opens::Order, Uuid::nil());
        let both = capabilities(&["new", "old"]);
        assert_eq!(both.check(Opens::Order, &token), Some(Uuid::nil()));
        assert_eq!(
            capabilities(&["new"]).check(Opens::Order, &both.issue(Opens::Order, Uuid::nil())),
            Some(Uuid::nil())
        );
    }

    proptest! {
        #[test]
        fn a_changed_token_opens_nothing(id in any::<u128>(), place in 0..64_usize, letter in "[A-Za-z0-9_-]") {
            let ours = capabilities(&[]);
            let token = ours.issue(Opens::Cart, Uuid::from_u128(id));
            let mut changed = token.clone();
            changed.replace_range(place..=place, &letter);
            prop_assert_eq!(ours.check(Opens::Cart, &changed).is_some(), changed == token);
        }

        #[test]
        fn any_text_is_refused_quietly(text in any::<String>()) {
            prop_assert_eq!(capabilities(&[]).check(Opens::Cart, &text), None);
        }
    }
}
