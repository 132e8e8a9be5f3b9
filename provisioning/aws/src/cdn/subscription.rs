//! The flat-rate plan that a distribution is subscribed to, as AWS tells it.

use std::sync::Arc;

use aws_sdk_pricingplanmanager::{
    Client,
    types::{ApprovalMode, ScheduledChangeType, Status, SubscriptionSummary},
};
use jewel_engine::{Failure, FailureKind, Memo};

use crate::classify;

/// What the shop subscribes to: it costs nothing.
const FAMILY: &str = "CloudFront";
const FREE: &str = "FREE";

/// The subscription of a distribution. Subscriptions have no name and no tags: what they cover tells.
#[derive(Debug, Clone)]
pub(super) struct Subscription(pub(super) SubscriptionSummary);

impl Subscription {
    /// The one that covers the distribution; asked once in a pass. A cloud that does not know the service has none.
    pub(super) async fn of(client: &Client, distribution: &str, memo: &Memo) -> Result<Option<Self>, Failure> {
        let all: Arc<Vec<SubscriptionSummary>> = match memo.once("pricing plans", list(client)).await {
            Err(failure) if matches!(failure.kind, FailureKind::Permanent | FailureKind::NotFound) => return Ok(None),
            listed => listed?,
        };
        let covers = |one: &&SubscriptionSummary| one.resource_arns().iter().any(|arn| arn == distribution);
        Ok(all.iter().find(covers).cloned().map(Self))
    }

    /// Asks for the Free plan. The SDK sends the same token when it repeats, so one plan comes of it.
    pub(super) async fn create(client: &Client, covered: Vec<String>) -> Result<(), Failure> {
        let create = client.create_subscription().plan_family(FAMILY).plan_tier(FREE);
        let create = create.set_resource_arns(Some(covered)).approval_mode(ApprovalMode::Immediate);
        create.send().await.map(drop).map_err(|error| classify("subscribe to CloudFront's Free plan", error))
    }

    /// Ends it: a Free plan at once, others at the end of the month.
    pub(super) async fn cancel(&self, client: &Client) -> Result<(), Failure> {
        let cancel = client.cancel_subscription().arn(self.0.arn()).if_match(self.0.e_tag());
        let sent = cancel.send().await;
        sent.map(drop).map_err(|error| classify(format!("cancel {}", self.name()), error))
    }

    /// Such as `the FREE plan of CloudFront`.
    pub(super) fn name(&self) -> String {
        format!("the {} plan of CloudFront", self.0.plan_tier())
    }

    pub(super) fn is_being_set_up(&self) -> bool {
        *self.0.status() == Status::SyncInProgress
    }

    pub(super) fn is_active(&self) -> bool {
        *self.0.status() == Status::Active
    }

    /// Whether it ends by itself, and needs no further word.
    pub(super) fn is_ending(&self) -> bool {
        let change = self.0.scheduled_change();
        change.is_some_and(|change| *change.change_type() == ScheduledChangeType::Cancellation)
    }

    /// Why it is not active.
    pub(super) fn reason(&self) -> String {
        self.0.status_reason().map_or_else(|| self.0.status().as_str().to_owned(), ToOwned::to_owned)
    }
}

async fn list(client: &Client) -> Result<Vec<SubscriptionSummary>, Failure> {
    let (mut all, mut token) = (Vec::new(), None);
    loop {
        let sent = client.list_subscriptions().set_next_token(token).send().await;
        let page = sent.map_err(|error| classify("list pricing plans", error))?;
        all.extend(page.subscription_summaries);
        token = page.next_token;
        if token.is_none() {
            return Ok(all);
        }
    }
}
