//! What the shop asks of whoever moves the money, and what it is told: the same words for every provider.

use axum::http::HeaderMap;
use futures::future::BoxFuture;
use secrecy::SecretString;
use time::OffsetDateTime;
use uuid::Uuid;

/// A way to move money.
///
/// Each request may be repeated: its key makes the provider answer again and not act again.
pub(crate) trait Provider: Send + Sync {
    /// Begins a payment.
    fn start<'a>(&'a self, wanted: &'a Wanted) -> BoxFuture<'a, Result<Started, ProviderError>>;

    /// How a payment stands.
    fn status<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Started, ProviderError>>;

    /// Ends a payment that nobody made, so that nobody makes it late. The answer is how it stands then: made after all,
    /// perhaps.
    fn cancel<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Started, ProviderError>>;

    /// Gives money back.
    fn refund<'a>(&'a self, wanted: &'a WantedRefund) -> BoxFuture<'a, Result<Refunded, ProviderError>>;

    /// Reads a message of the provider, if that is what it is.
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: OffsetDateTime) -> Result<Message, NotGenuine>;
}

/// A payment to begin.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) order_id: Uuid,
    /// What people call the order.
    pub(crate) order_number: String,
    /// Which of the order's payments: with the order's id, the key of the request.
    pub(crate) attempt: i32,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
}

/// A payment at the provider.
#[derive(Debug)]
pub(crate) struct Started {
    /// With what the customer's browser confirms it, where that is the way. Never stored.
    pub(crate) client_secret: Option<SecretString>,
    /// How it stands; `None` where the provider has nothing of its own to say.
    pub(crate) observed: Option<Observation>,
}

/// Money to give back.
#[derive(Debug)]
pub(crate) struct WantedRefund {
    pub(crate) refund_id: Uuid,
    /// How often the provider answered that it failed itself: with the id, the key of the request.
    pub(crate) attempt: i32,
    /// Whether it was asked before: then one made already is looked for first.
    pub(crate) asked_before: bool,
    /// The provider's id of the payment.
    pub(crate) payment_reference: String,
    pub(crate) amount_minor: i64,
}

/// A refund at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refunded {
    pub(crate) reference: Option<String>,
    pub(crate) state: RefundOutcome,
}

/// How a refund stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RefundOutcome {
    /// On its way.
    Pending,
    Succeeded,
    Failed {
        code: String,
    },
    /// A person has to give it back: the provider moves no money by itself.
    ByHand,
}

/// How a payment stands at the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Observation {
    pub(crate) reference: String,
    /// The order it says it is for.
    pub(crate) order_id: Option<Uuid>,
    pub(crate) outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The customer has yet to pay, or the money is on its way.
    Open,
    /// The last try was refused; another one may follow.
    Declined {
        code: String,
    },
    Paid {
        amount_minor: i64,
        currency: String,
    },
    Cancelled,
}

/// A genuine message.
#[derive(Debug)]
pub(crate) struct Message {
    /// The provider's id of it.
    pub(crate) reference: String,
    pub(crate) kind: String,
    /// `None` when it is about something we do not act upon.
    pub(crate) notice: Option<Notice>,
}

/// What a message says.
#[derive(Debug)]
pub(crate) enum Notice {
    Payment(Observation),
    /// A refund changed. `refund_id` is ours, when we asked for it.
    Refund {
        refund_id: Option<Uuid>,
        reference: String,
        state: RefundOutcome,
    },
    /// This much of a payment went back, in all.
    Returned {
        payment_reference: String,
        total_minor: i64,
    },
    /// The customer told the bank that the payment was not theirs.
    Disputed {
        payment_reference: String,
    },
}

impl Notice {
    /// The provider's id of what it is about.
    pub(crate) fn about(&self) -> &str {
        match self {
            Self::Payment(observed) => &observed.reference,
            Self::Refund { reference, .. } => reference,
            Self::Returned { payment_reference, .. } | Self::Disputed { payment_reference } => payment_reference,
        }
    }
}

/// Why a provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// No answer that says what happened. The same request, with the same key, finds out.
    #[error("the payment provider gave no answer")]
    Away(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It failed itself, and would give the same answer to the same key: what happened has to be looked up, and the next
    /// request needs another key.
    #[error("the payment provider failed with status {0}")]
    Broken(u16),
    /// It will not do this.
    #[error("the payment provider refused: {code}")]
    Refused { code: String },
}

/// A message that is not the provider's, or not for now. It does not say why: whoever forges one need not learn it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the message is not a genuine one")]
pub(crate) struct NotGenuine;
