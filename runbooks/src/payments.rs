//! How customers may pay, as an operator wants it and as the running shop offers it.

use std::time::Duration;

use jewel_aws::{ApiSecret, Clients, SecretPart};
use jewel_host::Environment;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::{Error, delivery::Delivery};

/// One answer may take this long.
const ANSWER: Duration = Duration::from_secs(10);

/// A way to pay. The names are those of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentMethod {
    /// Online, through Stripe.
    Card,
    /// To the shop's bank account.
    BankTransfer,
    /// To whoever delivers.
    CashOnDelivery,
}

impl PaymentMethod {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankTransfer => "bank_transfer",
            Self::CashOnDelivery => "cash_on_delivery",
        }
    }
}

/// How customers may pay. The account at Stripe is a secret, and not here.
#[derive(Clone, Copy, Debug)]
pub struct Payments<'a> {
    /// The methods offered, in the order they are shown in.
    pub methods: &'a [PaymentMethod],
    /// Where to transfer money to, in words for customers; empty without transfers.
    pub bank_details: &'a str,
    /// Where Stripe is, when that is not Stripe itself.
    pub stripe_url: Option<&'a str>,
}

impl Payments<'_> {
    /// Looks whether what the methods need is there, so that a deploy that cannot end well does not begin.
    ///
    /// # Errors
    /// [`Error::NoPaymentKeys`] when cards are to be taken and no operator has said with which account.
    pub async fn check(&self, clients: &Clients, secret: &str) -> Result<(), Error> {
        if !self.methods.contains(&PaymentMethod::Card) {
            return Ok(());
        }
        let delivery = Delivery::fetch(clients, secret).await?;
        self.keys(&delivery).map(drop)
    }

    /// What the API is told.
    pub(crate) fn tell(&self, environment: &mut Environment, delivery: &Delivery) -> Result<(), Error> {
        let names: Vec<&str> = self.methods.iter().map(|method| method.name()).collect();
        environment.set("JEWEL_PAYMENT_METHODS", names.join(","));
        if !self.bank_details.is_empty() {
            environment.set("JEWEL_BANK_DETAILS", self.bank_details);
        }
        // Also when cards are no longer taken: what was paid by card is still returned to it.
        let Some((key, webhook_secrets)) = self.keys(delivery)? else { return Ok(()) };
        environment.set("JEWEL_STRIPE_SECRET_KEY", key.clone());
        environment.set("JEWEL_STRIPE_WEBHOOK_SECRETS", joined(webhook_secrets));
        if let Some(url) = self.stripe_url {
            environment.set("JEWEL_STRIPE_URL", url);
        }
        Ok(())
    }

    /// The account at Stripe, when all of it is there.
    fn keys<'d>(&self, delivery: &'d Delivery) -> Result<Option<(&'d SecretString, &'d [SecretString])>, Error> {
        let ApiSecret { stripe_secret_key, stripe_webhook_secrets, .. } = &delivery.secret;
        match stripe_secret_key {
            Some(key) if !stripe_webhook_secrets.is_empty() => return Ok(Some((key, stripe_webhook_secrets))),
            _ if !self.methods.contains(&PaymentMethod::Card) => return Ok(None),
            _ => {}
        }
        let given = SecretPart::ALL.into_iter().filter(|part| part.is_given());
        let missing = given.filter(|part| delivery.secret.values(*part).is_empty()).map(SecretPart::name);
        Err(Error::NoPaymentKeys { secret: delivery.name.clone(), missing: missing.collect() })
    }
}

/// As the API takes several values.
pub(crate) fn joined<'s>(secrets: impl IntoIterator<Item = &'s SecretString>) -> SecretString {
    let values: Vec<&str> = secrets.into_iter().map(|secret| secret.expose_secret()).collect();
    values.join(",").into()
}

/// The names of the ways to pay that a running shop offers, asked as a customer's browser asks; none when it gives no
/// answer that can be understood.
pub async fn offered(url: &str) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    struct Methods {
        items: Vec<String>,
    }
    let client = reqwest::Client::builder().timeout(ANSWER).build().ok()?;
    let answer = client.get(format!("{}/api/v1/payment-methods", url.trim_end_matches('/'))).send().await.ok()?;
    Some(answer.error_for_status().ok()?.json::<Methods>().await.ok()?.items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(methods: &[PaymentMethod], secret: &str) -> Result<Vec<String>, Error> {
        let delivery = Delivery { secret: ApiSecret::parse(&secret.into()), name: "api".into(), version: "1".into() };
        let payments = Payments { methods, bank_details: "DBS 003-9", stripe_url: None };
        let mut environment = Environment::default();
        payments.tell(&mut environment, &delivery)?;
        Ok(environment.names().map(str::to_owned).collect())
    }

    const ACCOUNT: &str = r#"{"stripe_secret_key": "sk_test_1", "stripe_webhook_secrets": ["whsec_2", "whsec_1"]}"#;

    #[test]
    fn cards_need_an_account_and_an_account_outlives_them() {
        use PaymentMethod::{BankTransfer, Card};
        let all =
            ["JEWEL_BANK_DETAILS", "JEWEL_PAYMENT_METHODS", "JEWEL_STRIPE_SECRET_KEY", "JEWEL_STRIPE_WEBHOOK_SECRETS"];
        assert_eq!(told(&[Card], ACCOUNT).unwrap(), all);
        assert_eq!(told(&[BankTransfer], ACCOUNT).unwrap(), all);
        assert_eq!(told(&[BankTransfer], "{}").unwrap(), all[..2]);
        let half = r#"{"stripe_secret_key": "sk_test_1"}"#;
        assert_eq!(told(&[BankTransfer], half).unwrap(), all[..2]);
        let refused = told(&[BankTransfer, Card], half).unwrap_err().to_string();
        assert_eq!(refused, "`payments.methods` offers card, and secret api has no stripe-webhook-secret");
    }

    #[test]
    fn the_newest_of_several_is_first() {
        let secret = ApiSecret::parse(&ACCOUNT.into());
        assert_eq!(joined(&secret.stripe_webhook_secrets).expose_secret(), "whsec_2,whsec_1");
    }
}
