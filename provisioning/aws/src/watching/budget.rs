//! AWS's own watch over the bill. It looks about once a day and covers the whole account.

use async_trait::async_trait;
use aws_sdk_budgets::{
    Client,
    error::BuildError,
    types::{
        Budget, BudgetType, ComparisonOperator, Notification, NotificationType, NotificationWithSubscribers,
        ResourceTag, Spend, Subscriber, SubscriptionType, ThresholdType, TimeUnit,
    },
};
use futures::future::try_join_all;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};
use serde_json::Value as Json;

use crate::{Clients, Names, StackSpec, Traffic, address, classify, failure::optional, prices, tags::Tags};

/// What is told when: of what was spent and of what the month is heading for, in percent of the limit.
const NOTICES: [(NotificationType, f64); 3] =
    [(NotificationType::Actual, 80.0), (NotificationType::Actual, 100.0), (NotificationType::Forecasted, 100.0)];

/// The monthly budget.
pub(crate) struct MonthlyBudget {
    client: Client,
    name: String,
    account_id: String,
    /// US dollars.
    limit: f64,
    tags: Tags,
    traffic: Traffic,
}

impl MonthlyBudget {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.budgets.clone(),
            name: Names::new(spec).stack().to_owned(),
            account_id: spec.account_id.clone(),
            limit: spec.alerts.monthly_usd,
            tags: Tags::new(spec, "budget"),
            traffic: spec.traffic.clone(),
        }
    }

    fn arn(&self) -> String {
        format!("arn:aws:budgets::{}:budget/{}", self.account_id, self.name)
    }

    fn budget(&self) -> Result<Budget, BuildError> {
        let limit = Spend::builder().amount(amount(self.limit)).unit("USD").build()?;
        let budget = Budget::builder().budget_name(&self.name).budget_type(BudgetType::Cost).budget_limit(limit);
        budget.time_unit(TimeUnit::Monthly).build()
    }

    fn tag_set(&self) -> Vec<ResourceTag> {
        // Building fails only without key or value, and both are there.
        let build = |(key, value)| ResourceTag::builder().key(key).value(value).build().ok();
        self.tags.pairs().into_iter().filter_map(build).collect()
    }

    /// Each notification with who gets it, as we compare it.
    async fn notices(&self, action: &str) -> Result<Vec<(Notification, Vec<Subscriber>)>, Failure> {
        let describe = self.client.describe_notifications_for_budget().account_id(&self.account_id);
        let answer = describe.budget_name(&self.name).send().await.map_err(|error| classify(action, error))?;
        let with_subscribers = answer.notifications.unwrap_or_default().into_iter().map(|notification| async {
            let describe = self.client.describe_subscribers_for_notification().account_id(&self.account_id);
            let sent = describe.budget_name(&self.name).notification(notification.clone()).send().await;
            let subscribers = sent.map_err(|error| classify(action, error))?.subscribers.unwrap_or_default();
            Ok((notification, subscribers))
        });
        try_join_all(with_subscribers).await
    }

    async fn put_notice(&self, wanted: &NotificationWithSubscribers, action: &str) -> Result<(), Failure> {
        let create = self.client.create_notification().account_id(&self.account_id).budget_name(&self.name);
        let create =
            create.set_notification(wanted.notification.clone()).set_subscribers(Some(wanted.subscribers.clone()));
        create.send().await.map(drop).map_err(|error| classify(action, error))
    }
}

fn wanted(topic: &str) -> Result<Vec<NotificationWithSubscribers>, BuildError> {
    let notice = |(kind, percent): (NotificationType, f64)| {
        let subscriber = Subscriber::builder().subscription_type(SubscriptionType::Sns).address(topic).build()?;
        let notification = Notification::builder()
            .notification_type(kind)
            .comparison_operator(ComparisonOperator::GreaterThan)
            .threshold(percent)
            .threshold_type(ThresholdType::Percentage)
            .build()?;
        NotificationWithSubscribers::builder().notification(notification).subscribers(subscriber).build()
    };
    NOTICES.into_iter().map(notice).collect()
}

/// Amounts come back with as many digits as AWS likes.
fn amount(usd: f64) -> String {
    format!("{usd:.2}")
}

fn render_notice(notification: &Notification, subscribers: &[Subscriber]) -> String {
    let mut to: Vec<&str> = subscribers.iter().map(Subscriber::address).collect();
    to.sort_unstable();
    let unit = match notification.threshold_type() {
        Some(ThresholdType::AbsoluteValue) => "USD",
        _ => "%",
    };
    let kind = notification.notification_type().as_str();
    let operator = notification.comparison_operator().as_str();
    format!("{kind} {operator} {} {unit} to {}", notification.threshold(), to.join(", "))
}

fn render(mut notices: Vec<String>) -> Json {
    notices.sort_unstable();
    notices.into()
}

#[async_trait]
impl Resource for MonthlyBudget {
    fn title(&self) -> String {
        format!("budget {}", self.name)
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::EDGE_TOPIC.into()]
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("AWS budget", "budgets without actions are free", "2026-11-22"))
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::cost_explorer(&self.traffic)]
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let notices = |topic: &str| {
            let wanted = wanted(topic).unwrap_or_default();
            let texts = wanted.iter().filter_map(|one| Some(render_notice(one.notification()?, one.subscribers())));
            render(texts.collect())
        };
        Desired::new()
            .set("limit", format!("{} USD", amount(self.limit)))
            .set("notifications", inputs.value(address::EDGE_TOPIC, "arn").map_text(notices))
            .set("time_unit", TimeUnit::Monthly.as_str())
            .set("type", BudgetType::Cost.as_str())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let action = format!("read {}", self.title());
        let sent = self.client.describe_budget().account_id(&self.account_id).budget_name(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(&action, error)))?;
        let Some(budget) = answer.and_then(|answer| answer.budget) else { return Ok(None) };
        let tags = self.client.list_tags_for_resource().resource_arn(self.arn()).send();
        let (tags, notices) = tokio::join!(tags, self.notices(&action));
        let tags = tags.map_err(|error| classify(&action, error))?;
        let limit = budget.budget_limit().map(|limit| {
            let amount = limit.amount().parse().map_or_else(|_| limit.amount().to_owned(), amount);
            format!("{amount} {}", limit.unit())
        });
        let notices = notices?.iter().map(|(notice, to)| render_notice(notice, to)).collect();
        Ok(Some(
            Found::new()
                .owned(self.tags.ownership(tags.resource_tags().iter().map(|tag| (tag.key(), tag.value()))))
                .attribute("limit", limit)
                .attribute("notifications", render(notices))
                .attribute("time_unit", budget.time_unit().as_str())
                .attribute("type", budget.budget_type().as_str()),
        ))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("create {}", self.title());
        let failed = |error: BuildError| Failure::permanent(&action, error.to_string());
        let notices = wanted(cx.inputs.require(address::EDGE_TOPIC, "arn")?).map_err(failed)?;
        let create = self.client.create_budget().account_id(&self.account_id).budget(self.budget().map_err(failed)?);
        let create = create.set_notifications_with_subscribers(Some(notices)).set_resource_tags(Some(self.tag_set()));
        create.send().await.map(drop).map_err(|error| classify(&action, error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        let action = format!("change {}", self.title());
        let failed = |error: BuildError| Failure::permanent(&action, error.to_string());
        if changes.iter().any(|change| change.field != "notifications") {
            let update = self.client.update_budget().account_id(&self.account_id);
            let update = update.new_budget(self.budget().map_err(failed)?);
            update.send().await.map_err(|error| classify(&action, error))?;
        }
        if changes.iter().any(|change| change.field == "notifications") {
            // Those as wanted stay, the others go, and what is missing comes.
            let wanted = wanted(cx.inputs.require(address::EDGE_TOPIC, "arn")?).map_err(failed)?;
            let text = |one: &NotificationWithSubscribers| {
                one.notification().map(|notice| render_notice(notice, one.subscribers())).unwrap_or_default()
            };
            let mut there = Vec::new();
            for (notice, subscribers) in self.notices(&action).await? {
                let found = render_notice(&notice, &subscribers);
                if wanted.iter().any(|one| text(one) == found) {
                    there.push(found);
                    continue;
                }
                let delete = self.client.delete_notification().account_id(&self.account_id);
                let sent = delete.budget_name(&self.name).notification(notice).send().await;
                sent.map_err(|error| classify(&action, error))?;
            }
            for one in wanted.iter().filter(|one| !there.contains(&text(one))) {
                self.put_notice(one, &action).await?;
            }
        }
        Ok(())
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let tag = self.client.tag_resource().resource_arn(self.arn()).set_resource_tags(Some(self.tag_set()));
        tag.send().await.map(drop).map_err(|error| classify(format!("tag {}", self.title()), error))
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let sent = self.client.delete_budget().account_id(&self.account_id).budget_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
