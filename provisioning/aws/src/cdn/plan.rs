//! CloudFront's Free plan, which makes the firewall and the zone cost nothing: tried once, and never insisted on.
//!
//! AWS refuses it for reasons that no document lists in full (an account of the free tier, three Free plans already,
//! and some that nobody has found out). A refusal must not stop a shop, and the next plan must not try again by itself,
//! so AWS keeps the memory: a tag on the distribution says that it was refused, when and why. Taking the tag away, or
//! `plan = "pay-as-you-go"` and back, has it tried again.

use std::time::Duration;

use async_trait::async_trait;
use jewel_engine::{
    Address, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Price, Readiness, Resource,
};

use super::{distribution, subscription::Subscription};
use crate::{Clients, EdgePlan, StackSpec, ZoneMode, address, classify, prices};

/// The distribution's tag about a refusal.
pub(super) const TAG: &str = "jewel:edge-plan";
/// The longest value a tag can have.
const LONGEST: usize = 256;

/// What is wanted, and what can be found.
const TRIED: &str = "asked for";
const NONE: &str = "none";
const FAILED: &str = "failed";

/// The enrolment of the distribution, its firewall and its zone.
pub(crate) struct FlatRate {
    cloudfront: aws_sdk_cloudfront::Client,
    plans: aws_sdk_pricingplanmanager::Client,
    wanted: EdgePlan,
    /// Whether a zone of the stack's own can be covered too.
    zone: bool,
}

impl FlatRate {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            cloudfront: clients.cloudfront.clone(),
            plans: clients.pricing_plans.clone(),
            wanted: spec.edge_plan,
            zone: spec.domain.as_ref().is_some_and(|domain| domain.zone == ZoneMode::Create),
        }
    }

    /// What the plan is to cover.
    fn covered(&self, inputs: &Inputs) -> Result<Vec<String>, Failure> {
        let mut covered = vec![
            inputs.require(address::DISTRIBUTION, "arn")?.to_owned(),
            inputs.require(address::FIREWALL, "arn")?.to_owned(),
        ];
        if self.zone {
            covered.push(format!("arn:aws:route53:::hostedzone/{}", inputs.require(address::ZONE, "id")?));
        }
        Ok(covered)
    }

    /// Writes the refusal down where the next plan finds it.
    async fn note(&self, distribution: &str, reason: &str) -> Result<(), Failure> {
        let today = jiff::Timestamp::now().strftime("%Y-%m-%d");
        let text = format!("pay-as-you-go: refused {today}: {reason}");
        let action = "note that the Free plan was refused";
        let tag = aws_sdk_cloudfront::types::Tag::builder().key(TAG).value(fit(&text)).build();
        let tag = tag.map_err(|error| Failure::permanent(action, error.to_string()))?;
        let tags = aws_sdk_cloudfront::types::Tags::builder().items(tag).build();
        let sent = self.cloudfront.tag_resource().resource(distribution).tags(tags).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }

    async fn forget(&self, distribution: &str) -> Result<(), Failure> {
        let keys = aws_sdk_cloudfront::types::TagKeys::builder().items(TAG).build();
        let sent = self.cloudfront.untag_resource().resource(distribution).tag_keys(keys).send().await;
        sent.map(drop).map_err(|error| classify("forget that the Free plan was refused", error))
    }

    async fn subscribe(&self, cx: &Context<'_>) -> Result<(), Failure> {
        match Subscription::create(&self.plans, self.covered(&cx.inputs)?).await {
            Err(failure) if is_refusal(&failure) => {
                cx.progress(format!("AWS refuses the Free plan: {}; it stays pay-as-you-go", failure.message));
                let code = failure.code.as_deref().unwrap_or("refused");
                let distribution = cx.inputs.require(address::DISTRIBUTION, "arn")?;
                self.note(distribution, &format!("{code}: {}", failure.message)).await
            }
            tried => tried,
        }
    }
}

/// Whether AWS will say the same tomorrow. What a time-out or a throttle says is nothing about the plan.
fn is_refusal(failure: &Failure) -> bool {
    matches!(failure.kind, FailureKind::Permanent | FailureKind::Denied | FailureKind::Conflict | FailureKind::NotFound)
}

/// The characters a tag of CloudFront may have, and not too many of them.
fn fit(text: &str) -> String {
    let allowed = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    text.chars().map(|c| if allowed(c) { c } else { ' ' }).take(LONGEST).collect::<String>().trim_end().to_owned()
}

#[async_trait]
impl Resource for FlatRate {
    fn title(&self) -> String {
        match self.wanted {
            EdgePlan::Free => "Free plan of CloudFront, where AWS grants it".to_owned(),
            EdgePlan::PayAsYouGo => "pay-as-you-go at CloudFront".to_owned(),
        }
    }

    fn needs(&self) -> Vec<Address> {
        let zone = self.zone.then_some(address::ZONE);
        [address::DISTRIBUTION, address::FIREWALL].into_iter().chain(zone).map(Address::from).collect()
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::DISTRIBUTION.into()]
    }

    // The distribution cannot go before it, and sees to that.
    fn part_of(&self) -> Option<Address> {
        Some(address::DISTRIBUTION.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("CloudFront Free plan", "flat-rate plan of USD 0", "2026-09-11"))
    }

    // AWS says two to five minutes.
    fn deadline(&self) -> Duration {
        Duration::from_secs(15 * 60)
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        let wanted = match self.wanted {
            EdgePlan::Free => TRIED,
            EdgePlan::PayAsYouGo => NONE,
        };
        Desired::new().set("enrolment", wanted)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(distribution) = cx.inputs.text(address::DISTRIBUTION, "arn") else { return Ok(None) };
        let (subscription, tags) = tokio::join!(
            Subscription::of(&self.plans, distribution, cx.memo),
            distribution::tags(&self.cloudfront, distribution, cx.memo),
        );
        let tags = tags?;
        let noted = tags.iter().find(|tag| tag.key() == TAG).and_then(|tag| tag.value());
        let pays = |found: Found| found.output("plan", "pay-as-you-go");
        Ok(match (subscription?, noted) {
            (Some(one), _) if one.is_being_set_up() => {
                Some(pays(Found::new()).ready(Readiness::Waiting("being set up, which takes some minutes".to_owned())))
            }
            (Some(one), _) if one.is_active() && !(one.is_ending() && self.wanted == EdgePlan::PayAsYouGo) => {
                Some(Found::new().attribute("enrolment", TRIED).output("plan", one.0.plan_tier().to_lowercase()))
            }
            (Some(one), _) if one.is_ending() => Some(pays(Found::new().attribute("enrolment", NONE))),
            (Some(one), _) => Some(pays(Found::new().attribute("enrolment", FAILED)).output("reason", one.reason())),
            (None, Some(text)) => Some(pays(Found::new().attribute("enrolment", TRIED)).output("reason", text)),
            (None, None) if self.wanted == EdgePlan::PayAsYouGo => {
                Some(pays(Found::new().attribute("enrolment", NONE)))
            }
            (None, None) => None,
        })
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        self.subscribe(cx).await
    }

    async fn update(&self, cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let distribution = cx.inputs.require(address::DISTRIBUTION, "arn")?;
        let subscription = Subscription::of(&self.plans, distribution, cx.memo).await?;
        if self.wanted == EdgePlan::Free {
            // It came to nothing: said for the next plan, and cleared away.
            self.note(distribution, found.text("reason").unwrap_or("failed")).await?;
        } else {
            self.forget(distribution).await?;
        }
        match subscription {
            Some(subscription) if !subscription.is_ending() => subscription.cancel(&self.plans).await,
            _ => Ok(()),
        }
    }

    // Goes with the distribution, which cancels it.
    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_says_fits_into_a_tag() {
        let text = fit(&format!("ValidationException: not eligible; \"x\" {}", "é".repeat(300)));
        assert!(text.starts_with("ValidationException: not eligible   x"), "{text}");
        assert_eq!(text.chars().count(), LONGEST);
    }

    #[test]
    fn a_bad_connection_is_no_refusal() {
        let of = |kind| is_refusal(&Failure::new(kind, "x", "y"));
        assert!(of(FailureKind::Permanent) && of(FailureKind::Denied) && of(FailureKind::Conflict));
        assert!(!of(FailureKind::Transient) && !of(FailureKind::Throttled) && !of(FailureKind::Credentials));
    }
}
