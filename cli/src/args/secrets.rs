//! `jewelctl secrets` and its options.

use clap::{Args, Subcommand, ValueEnum};
use jewel_aws::SecretPart;

/// `jewelctl secrets`
#[derive(Args, Debug)]
pub struct SecretsArgs {
    /// What to do with the secrets.
    #[command(subcommand)]
    pub command: SecretsCommand,
}

/// What to do with the secrets.
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Show which secrets the API has, when they were set, and whether the instances have them; never a value
    #[command(
        after_help = "Examples:\n  jewelctl secrets list\n  jewelctl secrets list --json | jq '.secrets[] | select(.delivered | not)'"
    )]
    List,
    /// Set a secret that only you have; it is read from the standard input, or asked for without being shown
    ///
    /// While stripe-webhook-secret changes, two values are accepted: the new one and the one before it.
    #[command(
        after_help = "Examples:\n  jewelctl secrets set stripe-secret-key\n  pass shop/stripe | jewelctl secrets set stripe-secret-key\n  \
                      jewelctl secrets set stripe-webhook-secret --only < webhook-secret"
    )]
    Set {
        /// Which
        #[arg(value_name = "NAME")]
        name: Given,
        /// The rest
        #[command(flatten)]
        options: SecretOptions,
    },
    /// Make a new value of a secret that nobody needs to know; what the one before opened stays open
    ///
    /// The front door shows a new origin secret when the instances accept it: deploy, then provision.
    #[command(
        after_help = "Examples:\n  jewelctl secrets rotate cart && jewelctl deploy api\n  jewelctl secrets rotate cart --only   closes every visitor's cart and guest's order link\n  \
                      jewelctl secrets rotate origin && jewelctl deploy api && jewelctl provision\n  \
                      jewelctl secrets rotate aws-key && jewelctl deploy api   the API acknowledges nothing in between\n  \
                      jewelctl secrets rotate database && jewelctl deploy api   the API is away in between"
    )]
    Rotate {
        /// Which
        #[arg(value_name = "NAME")]
        name: Rotating,
        /// The rest
        #[command(flatten)]
        options: SecretOptions,
    },
    /// Accept only the newest value of a secret, not the one before it too
    #[command(
        after_help = "Examples:\n  jewelctl secrets forget stripe-webhook-secret && jewelctl deploy api\n  jewelctl secrets forget origin --dry-run"
    )]
    Forget {
        /// Which
        #[arg(value_name = "NAME")]
        name: Changing,
        /// Show what would be changed, and change nothing
        #[arg(long)]
        dry_run: bool,
    },
}

/// Secrets of which two values may be accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Changing {
    /// What visitors' carts and guests' order links are signed with
    Cart,
    /// What proves that a request came through the front door
    Origin,
    /// What Stripe signs its messages with
    StripeWebhookSecret,
}

/// What setting and rotating have in common.
#[derive(Args, Clone, Copy, Debug)]
pub struct SecretOptions {
    /// Accept the new value alone, not the one before it too
    #[arg(long)]
    pub only: bool,
    /// Show what would be changed, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Secrets that only an operator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Given {
    /// The key of the account at Stripe, sk_… or rk_…
    StripeSecretKey,
    /// What Stripe signs its messages with, whsec_…
    StripeWebhookSecret,
}

/// Secrets that are made here, or by AWS for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rotating {
    /// What visitors' carts and guests' order links are signed with
    Cart,
    /// What proves that a request came through the front door
    Origin,
    /// The key that the API calls AWS with; the one before dies at once
    AwsKey,
    /// The password of the database's master user; the one before dies at once
    Database,
}

impl From<Given> for SecretPart {
    fn from(name: Given) -> Self {
        match name {
            Given::StripeSecretKey => Self::StripeSecretKey,
            Given::StripeWebhookSecret => Self::StripeWebhookSecret,
        }
    }
}

impl From<Changing> for SecretPart {
    fn from(name: Changing) -> Self {
        match name {
            Changing::Cart => Self::Cart,
            Changing::Origin => Self::Origin,
            Changing::StripeWebhookSecret => Self::StripeWebhookSecret,
        }
    }
}
