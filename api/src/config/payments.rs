//! How customers may pay, out of what an operator set.

use secrecy::SecretString;

use super::{Reader, SHORTEST_SECRET};

/// How customers may pay.
#[derive(Debug, Clone)]
pub struct PaymentConfig {
    /// The methods offered, in the order they are shown in.
    pub methods: Vec<PaymentMethod>,
    /// The account at Stripe: there when the method is offered, and possibly when it was.
    pub stripe: Option<StripeConfig>,
    /// Where to transfer money to, in words for customers.
    pub bank_details: String,
}

/// A way to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentMethod {
    /// Online, by card or whatever else the account at Stripe takes.
    Card,
    /// To the shop's bank account.
    BankTransfer,
    /// To whoever delivers.
    CashOnDelivery,
}

impl PaymentMethod {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Card, Self::BankTransfer, Self::CashOnDelivery];

    /// Its name in requests, answers and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankTransfer => "bank_transfer",
            Self::CashOnDelivery => "cash_on_delivery",
        }
    }

    /// The method of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// An account at Stripe.
#[derive(Debug, Clone)]
pub struct StripeConfig {
    /// Where its API is, without a trailing slash.
    pub url: String,
    /// The key that may take and return money.
    pub secret_key: SecretString,
    /// What its messages are signed with: any of these, two while the secret rotates.
    pub webhook_secrets: Vec<SecretString>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    /// Without a word about methods: by card when there is a key of Stripe, else cash on delivery, which needs nothing.
    pub(super) fn payments(&mut self) -> PaymentConfig {
        let stripe = self.stripe();
        let bank_details = self.or("JEWEL_BANK_DETAILS", "");
        let named = self.list("JEWEL_PAYMENT_METHODS");
        let mut methods: Vec<PaymentMethod> = named.iter().filter_map(|name| PaymentMethod::named(name)).collect();
        if methods.len() < named.len() {
            self.problem("JEWEL_PAYMENT_METHODS", "names something other than card, bank_transfer, cash_on_delivery");
        } else if named.is_empty() {
            methods.push(if stripe.is_some() { PaymentMethod::Card } else { PaymentMethod::CashOnDelivery });
        }
        if methods.contains(&PaymentMethod::Card) && stripe.is_none() {
            self.problem("JEWEL_STRIPE_SECRET_KEY", "is not set, and JEWEL_PAYMENT_METHODS offers card");
        }
        if methods.contains(&PaymentMethod::BankTransfer) && bank_details.is_empty() {
            self.problem("JEWEL_BANK_DETAILS", "is not set, and JEWEL_PAYMENT_METHODS offers bank_transfer");
        }
        PaymentConfig { methods, stripe, bank_details }
    }

    fn stripe(&mut self) -> Option<StripeConfig> {
        let url = self.or("JEWEL_STRIPE_URL", "https://api.stripe.com").trim_end_matches('/').to_owned();
        self.check_url("JEWEL_STRIPE_URL", &url);
        if url.starts_with("http://") && !url.starts_with("http://127.") {
            self.problem("JEWEL_STRIPE_URL", "would send the key in the clear: use https://");
        }
        let secret_key = self.get("JEWEL_STRIPE_SECRET_KEY")?;
        let webhook_secrets = self.list("JEWEL_STRIPE_WEBHOOK_SECRETS");
        if webhook_secrets.is_empty() {
            self.problem("JEWEL_STRIPE_WEBHOOK_SECRETS", "is not set: who paid would not be known");
        } else if webhook_secrets.iter().any(|secret| secret.len() < SHORTEST_SECRET) {
            self.problem("JEWEL_STRIPE_WEBHOOK_SECRETS", "has a value of less than 16 characters");
        }
        let webhook_secrets = webhook_secrets.into_iter().map(SecretString::from).collect();
        Some(StripeConfig { url, secret_key: secret_key.into(), webhook_secrets })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::{problems, read};

    #[test]
    fn a_method_that_could_not_work_is_not_offered() {
        let methods = |changes: &[(&str, &str)]| read(changes).unwrap().payments.methods;
        assert_eq!(methods(&[]), [PaymentMethod::CashOnDelivery]);
        let stripe =
            [("JEWEL_STRIPE_SECRET_KEY", "sk_test_1"), ("JEWEL_STRIPE_WEBHOOK_SECRETS", "whsec_0123456789abcdef")];
        assert_eq!(methods(&stripe), [PaymentMethod::Card]);
        insta::assert_snapshot!(
            problems(&[("JEWEL_PAYMENT_METHODS", "card, bank_transfer, barter"), ("JEWEL_STRIPE_URL", "stripe")]),
            @r"
        JEWEL_STRIPE_URL is not an http:// or https:// address
        JEWEL_PAYMENT_METHODS names something other than card, bank_transfer, cash_on_delivery
        JEWEL_STRIPE_SECRET_KEY is not set, and JEWEL_PAYMENT_METHODS offers card
        JEWEL_BANK_DETAILS is not set, and JEWEL_PAYMENT_METHODS offers bank_transfer
        ");
        insta::assert_snapshot!(problems(&[stripe[0]]), @"JEWEL_STRIPE_WEBHOOK_SECRETS is not set: who paid would not be known");
    }

    #[test]
    fn secrets_are_not_printed() {
        let secrets =
            [("JEWEL_STRIPE_SECRET_KEY", "sk_test_hush"), ("JEWEL_STRIPE_WEBHOOK_SECRETS", "whsec_fedcba9876543210")];
        let text = format!("{:?}", read(&secrets).unwrap());
        assert!(!text.contains("hush") && !text.contains("fedcba"), "{text}");
    }
}
