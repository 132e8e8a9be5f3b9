//! The secrets of the API that an operator sees to: which there are, setting one, and changing one without closing what
//! the one before opened.
//!
//! All are parts of the one document that [`jewel_aws::ApiSecret`] is. Values go in and never come out. Whoever writes
//! holds the shop's lock: the document is read, changed and written whole.

use std::time::Duration;

use jewel_aws::{ApiSecret, Clients, Databases, SecretPart, StackSpec, classify, random_secret, shows_everywhere};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tokio::time::Instant;

use crate::{Error, delivery::Delivery};

/// A new password of the database counts within this; RDS says "a few minutes".
const ROTATED: Duration = Duration::from_secs(10 * 60);
const ROTATED_POLL: Duration = Duration::from_millis(500);
/// The API takes no shorter ones.
const SHORTEST_WEBHOOK_SECRET: usize = 16;
/// Stripe's are far shorter; what is longer was not meant.
const LONGEST: usize = 255;

/// What is known of one secret, which is not its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SecretState {
    /// Which.
    pub name: SecretPart,
    /// How many values are accepted: none when it is not set, two while it changes.
    pub values: usize,
    /// When it was set last, where that is known.
    pub set_at: Option<Timestamp>,
    /// Whether only an operator has it; the others are made by provisioning.
    pub given: bool,
    /// Whether the instances have exactly these values; the next deploy of the API delivers them.
    pub delivered: bool,
}

/// What setting one did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SecretSet {
    /// Which.
    pub name: SecretPart,
    /// Whether it was another before.
    pub changed: bool,
    /// How many values are accepted now.
    pub values: usize,
    /// Whether it is a key of Stripe's test mode, which moves no money.
    pub test_mode: bool,
}

/// A change of one secret.
#[derive(Debug)]
pub struct SecretChange {
    /// Which.
    pub part: SecretPart,
    /// Its new value.
    pub value: SecretString,
    /// Whether the value before is forgotten at once, where it would be accepted beside the new one.
    pub alone: bool,
}

impl SecretChange {
    /// A value that an operator gave, if it has the form that such a value has.
    ///
    /// # Errors
    /// [`Error::SecretForm`], without the value.
    pub fn given(part: SecretPart, value: SecretString, alone: bool) -> Result<Self, Error> {
        match problem(part, value.expose_secret()) {
            Some(reason) => Err(Error::SecretForm { name: part.name(), reason }),
            None => Ok(Self { part, value, alone }),
        }
    }

    /// A value that nobody chose.
    #[must_use]
    pub fn random(part: SecretPart, alone: bool) -> Self {
        Self { part, value: random_secret(), alone }
    }
}

/// Every part of the API's secret, and how it stands.
///
/// # Errors
/// When the shop's secret cannot be read.
pub async fn list(clients: &Clients, name: &str) -> Result<Vec<SecretState>, Error> {
    let (current, delivered) = tokio::try_join!(Delivery::fetch(clients, name), Delivery::delivered(clients, name))?;
    let current = current.secret;
    let state = |part: SecretPart| {
        let values = current.values(part);
        SecretState {
            name: part,
            values: values.len(),
            set_at: current.set_at.get(part.name()).copied().filter(|_| !values.is_empty()),
            given: part.is_given(),
            delivered: !values.is_empty() && delivered.as_ref().is_some_and(|there| same(&values, &there.values(part))),
        }
    };
    Ok(SecretPart::ALL.into_iter().map(state).collect())
}

/// Gives the API's user a new key and deletes every other.
///
/// # Errors
/// When IAM or Secrets Manager refuses. Doing it again ends what was begun; so does a provision.
pub async fn rotate_aws_key(spec: &StackSpec, clients: &Clients) -> Result<(), Error> {
    Ok(jewel_aws::rotate_api_key(spec, clients).await?)
}

/// Lets Lightsail make a new password for the master user, waits until it counts, and notes it in the database's secret.
///
/// # Errors
/// When Lightsail refuses, or the old password still counts after the deadline. Then, as after a kill, a provision
/// notes the new one.
pub async fn rotate_database_password(databases: &Databases<'_>, name: &str) -> Result<(), Error> {
    let ends = Instant::now() + ROTATED;
    let before = databases.login(name).await?;
    databases.rotate_password(name).await?;
    loop {
        let sight = databases.sight(name).await?;
        let now = databases.login(name).await?;
        let is_another = now.as_ref().map(|login| login.password.expose_secret())
            != before.as_ref().map(|login| login.password.expose_secret());
        if let Some(login) = now.filter(|_| is_another) {
            return Ok(databases.put_in_use(&login).await?);
        }
        let last = sight.map_or_else(|| "it is not listed".to_owned(), |sight| sight.state);
        if Instant::now() >= ends {
            return Err(Error::NotThere { what: format!("the new password of {name}"), within: ROTATED, last });
        }
        tokio::time::sleep(ROTATED_POLL).await;
    }
}

fn same(one: &[&SecretString], other: &[&SecretString]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.expose_secret() == other.expose_secret())
}

/// Changes one part of the API's secret; with `dry_run` says only what would be. Setting what is set already writes nothing.
///
/// # Errors
/// When the shop's secret cannot be read or written; [`Error::OriginSecret`] when visitors would be shut out.
pub async fn change(clients: &Clients, name: &str, change: &SecretChange, dry_run: bool) -> Result<SecretSet, Error> {
    let (current, told) = tokio::try_join!(Delivery::fetch(clients, name), Delivery::delivered(clients, name))?;
    let mut document = current.secret;
    let SecretChange { part, value, alone } = change;
    if *part == SecretPart::Origin && (*alone || document.former_origin_secret.is_some()) {
        let reason = if *alone { "the front door would show one that nobody accepts" } else { "a change is under way" };
        return Err(Error::OriginSecret { reason });
    }
    let changed = !document.holds(*part, value, *alone);
    if changed {
        document.forget_untold(*part, &told.unwrap_or_default());
        document.set(*part, value.clone(), Timestamp::now());
        if *alone {
            document.forget_former(*part);
        }
    }
    if changed && !dry_run {
        write(clients, name, &document).await?;
    }
    let test_mode = *part == SecretPart::StripeSecretKey && value.expose_secret().contains("_test_");
    Ok(SecretSet { name: *part, changed, values: document.values(*part).len(), test_mode })
}

/// Accepts only the newest value of a part from the next deploy of the API on; `distribution` is the front door.
///
/// # Errors
/// When the shop's secret cannot be read or written; [`Error::OriginSecret`] while the front door shows another one.
pub async fn forget(
    clients: &Clients,
    name: &str,
    distribution: &str,
    part: SecretPart,
    dry_run: bool,
) -> Result<SecretSet, Error> {
    let mut document = Delivery::fetch(clients, name).await?.secret;
    let changed = document.values(part).len() > 1;
    if let (SecretPart::Origin, true, Some(newest)) = (part, changed, &document.origin_secret)
        && !shows_everywhere(clients, distribution, newest).await?
    {
        return Err(Error::OriginSecret { reason: "the front door still shows the one before, at least in places" });
    }
    document.forget_former(part);
    if changed && !dry_run {
        write(clients, name, &document).await?;
    }
    Ok(SecretSet { name: part, changed, values: document.values(part).len(), test_mode: false })
}

async fn write(clients: &Clients, name: &str, document: &ApiSecret) -> Result<(), Error> {
    let put = clients.secrets.put_secret_value().secret_id(name);
    let sent = put.secret_string(document.document().expose_secret()).send().await;
    sent.map_err(|error| classify(format!("write secret {name}"), error))?;
    Ok(())
}

/// What is wrong with a value, as far as its form tells: Stripe documents the beginnings of its keys at
/// <https://docs.stripe.com/keys> and of its signing secrets at <https://docs.stripe.com/webhooks>.
fn problem(part: SecretPart, value: &str) -> Option<&'static str> {
    let plain = |more: &str| value.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    if value.is_empty() {
        return Some("it is empty");
    }
    if value.len() > LONGEST {
        return Some("it has more than 255 characters");
    }
    match part {
        SecretPart::StripeSecretKey if value.starts_with("pk_") => {
            Some("it is the publishable key, which pages may show; the secret one begins with sk_ or rk_")
        }
        SecretPart::StripeSecretKey if value.starts_with("whsec_") => {
            Some("it is the secret of a webhook, which is set as stripe-webhook-secret")
        }
        SecretPart::StripeSecretKey => {
            let rest = ["sk_live_", "sk_test_", "rk_live_", "rk_test_"].iter().find_map(|p| value.strip_prefix(p));
            let ok = rest.is_some_and(|rest| !rest.is_empty()) && plain("_");
            (!ok).then_some("a secret key of Stripe begins with sk_live_, sk_test_, rk_live_ or rk_test_, and goes on with letters and digits")
        }
        SecretPart::StripeWebhookSecret => {
            let ok = value.starts_with("whsec_") && value.len() >= SHORTEST_WEBHOOK_SECRET && plain("_+/=-");
            (!ok).then_some("the secret of a webhook at Stripe begins with whsec_ and goes on with letters and digits")
        }
        SecretPart::Origin | SecretPart::AwsKey | SecretPart::Cart => {
            Some("it is made by `jewelctl provision`, not given")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_known_by_their_form() {
        let refusal = |part: SecretPart, value: &str| {
            SecretChange::given(part, value.into(), false).err().map(|error| error.to_string())
        };
        for good in ["sk_live_51Habc", "sk_test_0123456789abcdef", "rk_live_51Habc"] {
            assert_eq!(refusal(SecretPart::StripeSecretKey, good), None, "{good}");
        }
        assert_eq!(refusal(SecretPart::StripeWebhookSecret, "whsec_current_0123456789"), None);
        let bad_keys =
            ["", "sk_live_", "sk_51Habc", "pk_live_51Habc", "whsec_0123456789abc", "sk_live_a b", "sk_test_a\nb"];
        let bad_secrets = ["", "whsec_", "whsec_short", "whsec_0123456789,whsec_0123456789", "sk_live_0123456789abc"];
        for (part, values) in
            [(SecretPart::StripeSecretKey, &bad_keys[..]), (SecretPart::StripeWebhookSecret, &bad_secrets[..])]
        {
            for value in values {
                let text = refusal(part, value).unwrap_or_else(|| panic!("{value} passed"));
                // A beginning alone is no secret, and the refusal names the right ones.
                assert!(value.len() < 9 || !text.contains(value), "{text}");
            }
        }
        assert!(refusal(SecretPart::StripeSecretKey, &format!("sk_live_{}", "a".repeat(250))).is_some());
        for made in [SecretPart::Origin, SecretPart::AwsKey, SecretPart::Cart] {
            assert!(refusal(made, "anything-at-all-0123456789").is_some());
        }
    }
}
