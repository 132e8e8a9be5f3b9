//! The plan: what would be done, as an immutable value that can be printed, stored and compared.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::{
    Address, Bill, Desired, Failure, FailureKind, FieldChange, Inputs, Observation, Observed, OutputMap, Ownership,
    Price, Readiness, Stack, Subscription, Usd, diff::all_fields, diff::diff, stack::Node,
};

/// The version of the stored form; readers refuse what they do not know.
pub(crate) const FORMAT: u32 = 2;

/// How to plan.
#[derive(Debug, Clone, Default)]
pub struct PlanOptions {
    /// Take over resources that have our names but not our marks.
    pub adopt: bool,
    /// Resources that may be replaced although something goes with the old one; see
    /// [`crate::Resource::loss_by_replacement`].
    pub replace: BTreeSet<Address>,
    /// What all of it may cost by the month.
    pub budget: Option<Usd>,
    /// Whether a subscription pays a part.
    pub subscription: Subscription,
}

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanKind {
    /// To make the account as wanted.
    Provision,
    /// To take the stack away.
    Destroy,
}

/// What would be done, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The version of this form.
    pub format_version: u32,
    /// What it is for.
    pub kind: PlanKind,
    /// The stack's name.
    pub stack: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// SHA-256 over what was wanted and what was read; see [`Plan::check_fresh`].
    pub digest: String,
    /// Whether foreign resources are taken over.
    pub adopt: bool,
    /// Resources whose replacement was allowed by name.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub replace: BTreeSet<Address>,
    /// One step for each resource, each after those it needs. Steps without change are among them.
    pub steps: Vec<Step>,
    /// Why the plan may not be applied, if there is a reason.
    pub refusals: Vec<Refusal>,
    /// What the stack costs by the month, before and after.
    pub cost: Cost,
}

/// What would be done with one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub address: Address,
    /// What it is called, for people.
    pub title: String,
    /// What.
    pub action: Action,
    /// Why, where that is not plain from the fields.
    pub reasons: Vec<String>,
    /// What would change.
    pub fields: Vec<FieldChange>,
    /// Steps that come before this one.
    pub after: Vec<Address>,
    /// Whether it holds data.
    pub holds_data: bool,
    /// Its fixed monthly price.
    pub price: Option<Price>,
}

/// What can be done with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Nothing: it is as wanted.
    None,
    /// Make it.
    Create,
    /// Change it in place, or wait until it is ready.
    Update,
    /// Take it over, then change what differs.
    Adopt,
    /// Delete it and make a new one.
    Replace,
    /// Delete it.
    Delete,
    /// Leave it although the stack goes: it holds data.
    Keep,
}

/// Why a plan may not be applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Which resource is in the way.
    pub address: Address,
    /// What, why and what to do, with the kind that decides the exit code.
    pub failure: Failure,
}

/// What a stack costs by the month: fixed prices, and its use as far as that can be expected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Of what exists.
    pub before_usd: Usd,
    /// Of what would exist. While nobody knows whether a subscription will be accepted: without it, which is dearer.
    pub after_usd: Usd,
    /// How much of that is expected use, not fixed.
    pub after_expected_usd: Usd,
    /// Of what would exist, if a subscription that is asked for is accepted.
    pub after_subscribed_usd: Option<Usd>,
    /// What it may cost.
    pub budget_usd: Option<Usd>,
}

impl Cost {
    /// Whether it would cost more than it may, to the cent.
    pub fn is_over_budget(&self) -> bool {
        self.budget_usd.is_some_and(|budget| self.after_usd.rounded() > budget.rounded())
    }
}

/// The account or the settings are not as they were when the plan was made.
#[derive(Debug, thiserror::Error)]
#[error("the plan was made at {made_at} and something it relied on has changed since")]
pub struct Stale {
    /// When the plan was made.
    pub made_at: Timestamp,
}

impl Plan {
    /// Whether applying it would do nothing.
    pub fn is_empty(&self) -> bool {
        self.changes().next().is_none()
    }

    /// The steps that do something.
    pub fn changes(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| !matches!(step.action, Action::None | Action::Keep))
    }

    /// How many steps have this action.
    pub fn count(&self, action: Action) -> usize {
        self.steps.iter().filter(|step| step.action == action).count()
    }

    /// Compares a stored plan with the stack and a new observation.
    ///
    /// # Errors
    /// When what is wanted or what was read differs from what the plan was made of.
    pub fn check_fresh(&self, stack: &Stack, observed: &Observed) -> Result<(), Stale> {
        if self.digest == digest(stack, observed) { Ok(()) } else { Err(Stale { made_at: self.made_at }) }
    }
}

/// Compares what is wanted with what was seen. Pure.
pub fn plan(stack: &Stack, observed: &Observed, options: &PlanOptions) -> Plan {
    let mut known: OutputMap = observed.outputs();
    let mut steps = Vec::new();
    let mut refusals = Vec::new();
    let mut anew = BTreeSet::new();
    for (address, node) in stack.iter().filter(|(_, node)| !node.retired) {
        let desired = node.resource.desired(&Inputs::gather(&node.needs, &known));
        let seen = observed.get(address.as_str());
        let (mut action, mut reasons, fields) = decide(node, &desired, seen, options);
        // What hangs on a resource may go with it; whether it did is known only then.
        if let (Action::None, Some(need)) = (action, node.needs.iter().find(|need| anew.contains(*need))) {
            reasons.push(format!("{need} is made anew"));
            action = Action::Update;
        }
        if let Some(failure) = refuse(address, node, seen, action, &fields, options) {
            refusals.push(Refusal { address: address.clone(), failure });
        }
        // Outputs of what is made anew are known only afterwards; those of what is changed in place stay.
        if matches!(action, Action::Create | Action::Replace) {
            known.remove(address);
            anew.insert(address.clone());
        }
        steps.push(step(address, node, action, reasons, fields, node.needs.clone()));
    }
    let changed: Vec<Address> = steps.iter().filter(|s| s.action != Action::None).map(|s| s.address.clone()).collect();
    for (address, node) in stack.iter().rev().filter(|(_, node)| node.retired) {
        if let Observation::Unreadable(failure) = observed.get(address.as_str()) {
            refusals.push(Refusal { address: address.clone(), failure: failure.clone() });
        }
        let Some(found) = observed.get(address.as_str()).found().filter(|found| found.ownership == Ownership::Ours)
        else {
            continue;
        };
        // It goes with what it is a part of.
        let whole = node.resource.part_of().filter(|whole| {
            let goes = stack.node(whole).is_some_and(|whole| whole.retired && !whole.resource.holds_data());
            let there = observed.get(whole.as_str()).found();
            goes && there.is_some_and(|found| found.ownership == Ownership::Ours)
        });
        if whole.is_some() {
            continue;
        }
        let (action, reason) = if node.resource.holds_data() {
            (
                Action::Keep,
                format!("the settings do not want it any more; it holds data: {}", node.resource.whereabouts(found)),
            )
        } else {
            (Action::Delete, "the settings do not want it any more".to_owned())
        };
        // Last, and only when all that stays is in place, so that nothing that serves is taken away too early.
        let users = steps
            .iter()
            .filter(|s| stack.node(&s.address).is_some_and(|other| other.retired && other.needs.contains(address)));
        let after = changed.iter().cloned().chain(users.map(|s| s.address.clone())).collect();
        steps.push(step(address, node, action, vec![reason], Vec::new(), after));
    }
    Plan {
        format_version: FORMAT,
        kind: PlanKind::Provision,
        stack: stack.name().to_owned(),
        made_at: Timestamp::now(),
        digest: digest(stack, observed),
        adopt: options.adopt,
        replace: options.replace.clone(),
        cost: cost(stack, observed, options, |address| {
            steps.iter().any(|step| step.action != Action::Delete && step.address == *address)
        }),
        steps,
        refusals,
    }
}

fn decide(
    node: &Node,
    desired: &Desired,
    seen: &Observation,
    options: &PlanOptions,
) -> (Action, Vec<String>, Vec<FieldChange>) {
    let Some(found) = seen.found() else { return (Action::Create, Vec::new(), all_fields(desired)) };
    if let Ownership::Shared(whose) = &found.ownership {
        return (Action::None, vec![whose.clone()], Vec::new());
    }
    let changes = diff(desired, &found.attributes, |field| node.resource.rule(field));
    let mut reasons = Vec::new();
    let mut action = if changes.is_empty() { Action::None } else { Action::Update };
    if let Readiness::Waiting(status) = &found.readiness {
        reasons.push(format!("it is {status}; wait until it is ready"));
        action = Action::Update;
    }
    let forcing: Vec<_> = changes.iter().filter(|c| c.forces_replacement).map(|c| c.field.as_str()).collect();
    if !forcing.is_empty() {
        reasons.push(format!("{} can only be set on a new one", forcing.join(", ")));
        action = Action::Replace;
    }
    if let (Ownership::Foreign(marks), true) = (&found.ownership, options.adopt) {
        reasons.push(format!("take it over: {marks}"));
        action = action.max(Action::Adopt);
    }
    (action, reasons, changes)
}

/// What may never be done by a plan.
fn refuse(
    address: &Address,
    node: &Node,
    seen: &Observation,
    action: Action,
    fields: &[FieldChange],
    options: &PlanOptions,
) -> Option<Failure> {
    let title = node.resource.title();
    match seen {
        Observation::Unreadable(failure) => return Some(failure.clone()),
        Observation::Found(found) => {
            if let (Ownership::Foreign(marks), false) = (&found.ownership, options.adopt) {
                return Some(Failure::new(FailureKind::Foreign, format!("use {title}"), marks.clone()));
            }
            if let Readiness::Failed(why) = &found.readiness {
                return Some(Failure::permanent(format!("use {title}"), why.clone()));
            }
        }
        Observation::Absent => {}
    }
    if action != Action::Replace {
        return None;
    }
    let text = |value: &Option<Json>| match value {
        Some(Json::String(text)) => text.clone(),
        value => value.as_ref().map_or_else(|| "?".to_owned(), ToString::to_string),
    };
    let forcing = fields.iter().filter(|change| change.forces_replacement);
    let forcing: Vec<_> =
        forcing.map(|one| format!("`{}` from {} to {}", one.field, text(&one.before), text(&one.after))).collect();
    let forcing = forcing.join(", ");
    if node.resource.holds_data() {
        let instead = match node.resource.instead_of_replacing() {
            "" => String::new(),
            instead => format!("; {instead}"),
        };
        let why = format!("{forcing} needs a new one, and a plan never replaces what holds data{instead}");
        return Some(Failure::permanent(format!("change {title}"), why));
    }
    let lost = node.resource.loss_by_replacement().filter(|_| !options.replace.contains(address))?;
    let why = format!("{forcing} needs a new one, which loses {lost}; `--replace {address}` allows it");
    Some(Failure::permanent(format!("change {title}"), why))
}

pub(crate) fn step(
    address: &Address,
    node: &Node,
    action: Action,
    reasons: Vec<String>,
    fields: Vec<FieldChange>,
    after: Vec<Address>,
) -> Step {
    Step {
        address: address.clone(),
        title: node.resource.title(),
        action,
        reasons,
        fields,
        after,
        holds_data: node.resource.holds_data(),
        price: node.resource.price(),
    }
}

pub(crate) fn cost(
    stack: &Stack,
    observed: &Observed,
    options: &PlanOptions,
    stays: impl Fn(&Address) -> bool,
) -> Cost {
    let before = Bill::of(stack.iter().flat_map(|(address, node)| {
        let found = observed.get(address.as_str()).found();
        found.into_iter().flat_map(|found| node.prices_found(found)).map(move |price| (address, price))
    }));
    let staying = stack.iter().filter(|(address, _)| stays(address));
    let after = Bill::of(staying.flat_map(|(address, node)| node.prices().map(move |price| (address, price))));
    let subscribed = options.subscription == Subscription::Active;
    let total = |bill: &Bill| if subscribed { bill.subscribed_total() } else { bill.total() };
    Cost {
        before_usd: total(&before),
        after_usd: total(&after),
        after_expected_usd: after.expected(subscribed),
        after_subscribed_usd: (options.subscription == Subscription::Possible).then(|| after.subscribed_total()),
        budget_usd: options.budget,
    }
}

pub(crate) fn digest(stack: &Stack, observed: &Observed) -> String {
    let known = observed.outputs();
    let wanted: BTreeMap<_, _> = stack
        .iter()
        .filter(|(_, node)| !node.retired)
        .map(|(address, node)| {
            let desired = node.resource.desired(&Inputs::gather(&node.needs, &known));
            (address, all_fields(&desired))
        })
        .collect();
    let mut hash = Sha256::new();
    hash.update(stack.name());
    hash.update(serde_json::to_vec(&wanted).unwrap_or_default());
    hash.update(observed.digest());
    hex::encode(hash.finalize())
}
