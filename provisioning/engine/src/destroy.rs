//! The plan that takes a stack away: the edges turned round, and data left unless asked.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::{
    Action, Address, Observation, Observed, Ownership, Plan, PlanKind, PlanOptions, Refusal, Stack, Step,
    plan::{FORMAT, cost, digest, step},
    stack::Node,
};

/// How to destroy.
#[derive(Debug, Clone, Copy, Default)]
pub struct DestroyOptions {
    /// Delete what holds data as well.
    pub delete_data: bool,
}

/// What would have to be done to take the stack away. Pure.
///
/// What holds data is kept and named ([`Action::Keep`], with its whereabouts as the reason) unless
/// [`DestroyOptions::delete_data`] is set. A foreign resource of our name is never deleted.
pub fn plan_destroy(stack: &Stack, observed: &Observed, options: &DestroyOptions) -> Plan {
    let mut refusals = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    for (address, node) in stack.iter().rev() {
        let (action, reasons) = match observed.get(address.as_str()) {
            Observation::Absent => continue,
            Observation::Unreadable(failure) => {
                refusals.push(Refusal { address: address.clone(), failure: failure.clone() });
                continue;
            }
            Observation::Found(found) => match &found.ownership {
                Ownership::Shared(_) => continue,
                Ownership::Foreign(marks) => (Action::Keep, vec![format!("it is not ours: {marks}")]),
                Ownership::Ours if node.resource.holds_data() && !options.delete_data => {
                    (Action::Keep, vec![format!("it holds data: {}", node.resource.whereabouts(found))])
                }
                Ownership::Ours => (Action::Delete, Vec::new()),
            },
        };
        steps.push(step(address, node, action, reasons, Vec::new(), Vec::new()));
    }
    let deleted: Vec<Address> =
        steps.iter().filter(|s| s.action == Action::Delete).map(|s| s.address.clone()).collect();
    steps.retain(|step| {
        let whole = stack.resource(step.address.as_str()).and_then(|resource| resource.part_of());
        step.action != Action::Delete || !whole.is_some_and(|whole| deleted.contains(&whole))
    });
    // What goes last needs a place after everything else, and steps must stay in the order of their edges.
    steps.sort_by_key(|step| stack.resource(step.address.as_str()).is_some_and(|resource| resource.last_to_go()));
    let going: Vec<Address> =
        steps.iter().filter(|step| step.action == Action::Delete).map(|step| step.address.clone()).collect();
    for step in steps.iter_mut().filter(|step| step.action == Action::Delete) {
        let last = stack.resource(step.address.as_str()).is_some_and(|resource| resource.last_to_go());
        step.after = stack
            .iter()
            .filter(|(other, node)| {
                going.contains(other) && **other != step.address && before(node, &step.address, last)
            })
            .map(|(other, _)| other.clone())
            .collect();
    }
    Plan {
        format_version: FORMAT,
        kind: PlanKind::Destroy,
        stack: stack.name().to_owned(),
        made_at: Timestamp::now(),
        digest: digest(stack, observed),
        adopt: false,
        replace: BTreeSet::new(),
        cost: cost(stack, observed, &PlanOptions::default(), |address| {
            steps.iter().any(|step| step.action == Action::Keep && step.address == *address)
        }),
        steps,
        refusals,
    }
}

/// Whether `node` has to be gone before `address` can go.
fn before(node: &Node, address: &Address, last: bool) -> bool {
    if last { !node.resource.last_to_go() } else { node.needs.contains(address) }
}
