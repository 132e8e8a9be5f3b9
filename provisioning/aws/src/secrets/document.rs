//! What the API is told besides its database, as the one document that its secret is.
//!
//! One document for all of it, because every secret costs the same. Some of it is made here, some only an operator has;
//! whoever writes the document anew keeps all that it did not make, what it does not know included.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use rand::{RngExt as _, distr::Alphanumeric};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use serde_json::{Map, Value};

/// Letters and digits, about 286 bits.
const RANDOM_LENGTH: usize = 48;
/// How many values of one kind are accepted while it changes: the new one and the one before.
const WHILE_IT_CHANGES: usize = 2;
/// Where the times are written down.
const SET_AT: &str = "set_at";

/// A part of the document, by the name that operators use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretPart {
    /// What proves that a request came through the front door.
    Origin,
    /// The key the API calls AWS with.
    AwsKey,
    /// What carts' and orders' tokens are signed with.
    Cart,
    /// The key that may take and return money at Stripe.
    StripeSecretKey,
    /// What Stripe signs its messages with.
    StripeWebhookSecret,
}

impl SecretPart {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::Origin, Self::AwsKey, Self::Cart, Self::StripeSecretKey, Self::StripeWebhookSecret];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Origin => "origin",
            Self::AwsKey => "aws-key",
            Self::Cart => "cart",
            Self::StripeSecretKey => "stripe-secret-key",
            Self::StripeWebhookSecret => "stripe-webhook-secret",
        }
    }

    /// Whether only an operator has it; the others are made by provisioning.
    #[must_use]
    pub const fn is_given(self) -> bool {
        matches!(self, Self::StripeSecretKey | Self::StripeWebhookSecret)
    }
}

/// What the API is told besides its database.
#[derive(Debug, Clone, Default)]
pub struct ApiSecret {
    /// What the front door adds to every request, so that the API knows it did not come from elsewhere.
    pub origin_secret: Option<SecretString>,
    /// What it added before, accepted until it is forgotten: the front door takes the new one up when the instances
    /// accept it.
    pub former_origin_secret: Option<SecretString>,
    /// The public half of the API's AWS key.
    pub access_key_id: Option<String>,
    /// Its secret half.
    pub secret_access_key: Option<SecretString>,
    /// What carts' and orders' tokens are signed with: the first signs, all are accepted.
    pub cart_secrets: Vec<SecretString>,
    /// The key of the account at Stripe.
    pub stripe_secret_key: Option<SecretString>,
    /// What Stripe signs its messages with: any of these, two while the secret changes.
    pub stripe_webhook_secrets: Vec<SecretString>,
    /// When each part was set last, by its name; silent about what was set before this was written down.
    pub set_at: BTreeMap<String, Timestamp>,
    pub(super) rest: Rest,
}

/// What another version wrote into the document.
#[derive(Clone, Default)]
pub(super) struct Rest(Map<String, Value>);

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl ApiSecret {
    /// Reads the secret's text. A document that is none is an empty one, and a part of the wrong type a missing one:
    /// provisioning makes what it can make anew.
    pub fn parse(text: &SecretString) -> Self {
        let mut rest: Map<String, Value> = serde_json::from_str(text.expose_secret()).unwrap_or_default();
        let string = |value| if let Value::String(text) = value { Some(text) } else { None };
        let mut text = |name: &str| rest.remove(name).and_then(string);
        let (origin_secret, access_key_id) = (text("origin_secret").map(Into::into), text("access_key_id"));
        let former_origin_secret = text("former_origin_secret").map(Into::into);
        let secret_access_key = text("secret_access_key").map(Into::into);
        let stripe_secret_key = text("stripe_secret_key").map(Into::into);
        let mut list = |name: &str| match rest.remove(name) {
            Some(Value::Array(values)) => values.into_iter().filter_map(string).map(Into::into).collect(),
            _ => Vec::new(),
        };
        let (cart_secrets, stripe_webhook_secrets) = (list("cart_secrets"), list("stripe_webhook_secrets"));
        let set_at = rest.remove(SET_AT).and_then(|times| serde_json::from_value(times).ok()).unwrap_or_default();
        Self {
            origin_secret,
            former_origin_secret,
            access_key_id,
            secret_access_key,
            cart_secrets,
            stripe_secret_key,
            stripe_webhook_secrets,
            set_at,
            rest: Rest(rest),
        }
    }

    /// The secret's text.
    #[must_use]
    pub fn document(&self) -> SecretString {
        let text = |secret: &Option<SecretString>| secret.as_ref().map(|secret| Value::from(secret.expose_secret()));
        let list = |secrets: &[SecretString]| {
            (!secrets.is_empty()).then(|| secrets.iter().map(|secret| secret.expose_secret()).collect())
        };
        let fields = [
            ("origin_secret", text(&self.origin_secret)),
            ("former_origin_secret", text(&self.former_origin_secret)),
            ("access_key_id", self.access_key_id.clone().map(Value::from)),
            ("secret_access_key", text(&self.secret_access_key)),
            ("cart_secrets", list(&self.cart_secrets)),
            ("stripe_secret_key", text(&self.stripe_secret_key)),
            ("stripe_webhook_secrets", list(&self.stripe_webhook_secrets)),
            (SET_AT, serde_json::to_value(&self.set_at).ok()),
        ];
        let mut document = self.rest.0.clone();
        document.extend(fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(document).to_string().into()
    }

    /// What a part holds: nothing, one value, or two while it changes, the newest first.
    #[must_use]
    pub fn values(&self, part: SecretPart) -> Vec<&SecretString> {
        match part {
            SecretPart::Origin => self.origin_secret.iter().chain(&self.former_origin_secret).collect(),
            SecretPart::AwsKey => self.secret_access_key.iter().collect(),
            SecretPart::Cart => self.cart_secrets.iter().collect(),
            SecretPart::StripeSecretKey => self.stripe_secret_key.iter().collect(),
            SecretPart::StripeWebhookSecret => self.stripe_webhook_secrets.iter().collect(),
        }
    }

    /// Whether this is the newest value of a part, and with `alone` the only one.
    #[must_use]
    pub fn holds(&self, part: SecretPart, value: &SecretString, alone: bool) -> bool {
        let values = self.values(part);
        let first = values.first().is_some_and(|first| first.expose_secret() == value.expose_secret());
        first && (!alone || values.len() == 1)
    }

    /// Puts a new value into a part. Where two may be accepted at once, the one before stays the second.
    ///
    /// The AWS key has two halves and is not set this way: only its secret half would change.
    pub fn set(&mut self, part: SecretPart, value: SecretString, now: Timestamp) {
        match part {
            SecretPart::Origin => self.former_origin_secret = self.origin_secret.replace(value),
            SecretPart::AwsKey => self.secret_access_key = Some(value),
            SecretPart::Cart => push(&mut self.cart_secrets, value),
            SecretPart::StripeSecretKey => self.stripe_secret_key = Some(value),
            SecretPart::StripeWebhookSecret => push(&mut self.stripe_webhook_secrets, value),
        }
        self.date(part, now);
    }

    /// Forgets the values that were accepted beside a part's newest one.
    pub fn forget_former(&mut self, part: SecretPart) {
        match part {
            SecretPart::Cart => self.cart_secrets.truncate(1),
            SecretPart::StripeWebhookSecret => self.stripe_webhook_secrets.truncate(1),
            SecretPart::Origin => self.former_origin_secret = None,
            SecretPart::AwsKey | SecretPart::StripeSecretKey => {}
        }
    }

    /// Forgets the values of a part that no instance was told, if it was told others: nothing was signed with them, and
    /// they must not push out what was.
    pub fn forget_untold(&mut self, part: SecretPart, told: &Self) {
        let values = match part {
            SecretPart::Cart => &mut self.cart_secrets,
            SecretPart::StripeWebhookSecret => &mut self.stripe_webhook_secrets,
            SecretPart::Origin | SecretPart::AwsKey | SecretPart::StripeSecretKey => return,
        };
        let told = told.values(part);
        let is_told = |value: &SecretString| told.iter().any(|one| one.expose_secret() == value.expose_secret());
        if values.iter().any(is_told) {
            values.retain(is_told);
        }
    }

    /// Notes when a part was set.
    pub(super) fn date(&mut self, part: SecretPart, now: Timestamp) {
        self.set_at.insert(part.name().to_owned(), now);
    }
}

/// A new secret that nobody chose: letters and digits, about 286 bits.
#[must_use]
pub fn random_secret() -> SecretString {
    rand::rng().sample_iter(Alphanumeric).take(RANDOM_LENGTH).map(char::from).collect::<String>().into()
}

/// The same value again is not its own predecessor.
fn push(values: &mut Vec<SecretString>, value: SecretString) {
    values.retain(|known| known.expose_secret() != value.expose_secret());
    values.insert(0, value);
    values.truncate(WHILE_IT_CHANGES);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> ApiSecret {
        ApiSecret::parse(&text.into())
    }

    fn held(secret: &ApiSecret, part: SecretPart) -> Vec<&str> {
        secret.values(part).into_iter().map(|value| value.expose_secret()).collect()
    }

    #[test]
    fn a_document_is_read_back_as_it_was_written() {
        let mut parts = ApiSecret { access_key_id: Some("AKIA".to_owned()), ..ApiSecret::default() };
        for part in SecretPart::ALL {
            parts.set(part, format!("the {}", part.name()).into(), Timestamp::UNIX_EPOCH);
        }
        let read = ApiSecret::parse(&parts.document());
        assert_eq!((read.access_key_id.as_deref(), &read.set_at), (Some("AKIA"), &parts.set_at));
        for part in SecretPart::ALL {
            assert_eq!(held(&read, part), [format!("the {}", part.name())]);
        }
    }

    #[test]
    fn what_is_unknown_or_unusable_costs_nothing_else() {
        assert!(parsed("not a document").origin_secret.is_none());
        let odd = r#"{"origin_secret": null, "stripe_secret_key": "sk_test_1", "stripe_webhook_secrets": "whsec_1",
            "set_at": 7, "paypal": {"key": "hush"}}"#;
        let parts = parsed(odd);
        assert!(held(&parts, SecretPart::StripeWebhookSecret).is_empty() && parts.origin_secret.is_none());
        let again = parsed(parts.document().expose_secret());
        assert_eq!(held(&again, SecretPart::StripeSecretKey), ["sk_test_1"]);
        assert!(again.document().expose_secret().contains("hush"));
        assert!(!format!("{again:?}").contains("hush") && format!("{again:?}").contains("paypal"));
    }

    #[test]
    fn two_values_are_accepted_while_a_secret_changes() {
        let mut parts = ApiSecret::default();
        let part = SecretPart::StripeWebhookSecret;
        for value in ["one", "two", "three", "three"] {
            parts.set(part, value.into(), Timestamp::UNIX_EPOCH);
        }
        assert_eq!(held(&parts, part), ["three", "two"]);
        assert!(parts.holds(part, &"three".into(), false) && !parts.holds(part, &"three".into(), true));
        assert!(!parts.holds(part, &"two".into(), false));
        parts.forget_former(part);
        assert_eq!(held(&parts, part), ["three"]);
        for value in ["one", "two"] {
            parts.set(SecretPart::Origin, value.into(), Timestamp::UNIX_EPOCH);
        }
        let mut parts = ApiSecret::parse(&parts.document());
        assert_eq!(held(&parts, SecretPart::Origin), ["two", "one"]);
        parts.forget_former(SecretPart::Origin);
        assert_eq!(held(&parts, SecretPart::Origin), ["two"]);
        for value in ["one", "two"] {
            parts.set(SecretPart::StripeSecretKey, value.into(), Timestamp::UNIX_EPOCH);
        }
        assert_eq!(held(&parts, SecretPart::StripeSecretKey), ["two"]);
    }

    #[test]
    fn what_the_instances_sign_with_outlives_any_number_of_changes() {
        let part = SecretPart::Cart;
        let mut parts = ApiSecret::default();
        let change = |parts: &mut ApiSecret, told: &ApiSecret, value: &str| {
            parts.forget_untold(part, told);
            parts.set(part, value.into(), Timestamp::UNIX_EPOCH);
        };
        change(&mut parts, &ApiSecret::default(), "one");
        let told = parts.clone();
        for value in ["two", "three", "four"] {
            change(&mut parts, &told, value);
            assert_eq!(held(&parts, part), [value, "one"]);
        }
        let told = parts.clone();
        change(&mut parts, &told, "five");
        assert_eq!(held(&parts, part), ["five", "four"]);
    }
}
