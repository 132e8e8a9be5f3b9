//! `jewelctl drift`: what is not as `jewel.toml` says, field by field. Reads only, takes no lock, proposes nothing.

use jewel_engine::{Action, FailureKind, FieldChange, Observation, Ownership, Plan, PlanOptions, Step};
use serde::Serialize;
use serde_json::Value;

use super::plan::look;
use crate::Run;
use crate::args::DriftArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::ui;
use crate::wiring::Shop;

/// What is found to differ.
#[derive(Debug, Serialize)]
struct Drift {
    /// How many resources differ.
    drifted: usize,
    /// Which, in the order of the plan.
    resources: Vec<Drifted>,
}

/// One resource that differs.
#[derive(Debug, Serialize)]
struct Drifted {
    address: String,
    title: String,
    /// How: `changed`, `missing`, `foreign`, or `unwanted`: there, although the settings do not want it.
    state: &'static str,
    fields: Vec<Difference>,
    /// What `provision` would do about it, where that is not to mend it.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_mended: Option<String>,
}

/// One field that differs.
#[derive(Debug, Serialize)]
struct Difference {
    field: String,
    wanted: Option<Value>,
    found: Option<Value>,
}

/// Prints it; with `--exit-code` exit 6 when there is any.
pub async fn run(run: &Run, args: &DriftArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let seen = look(run, &shop).await?;
    if seen.observed.is_empty() {
        return Err(Failure::new(Exit::Failed, format!("{} is not provisioned", shop.settings.name()))
            .hint("there is nothing that could have drifted; `jewelctl plan` shows what would be made"));
    }
    let plan = jewel_engine::plan(&seen.stack, &seen.observed, &PlanOptions::default());
    let resources: Vec<Drifted> =
        plan.steps.iter().filter_map(|step| drifted(&plan, step, seen.observed.get(step.address.as_str()))).collect();
    let drift = Drift { drifted: resources.len(), resources };
    run.ui.result(&drift, || text(&drift, plan.steps.len()));
    Ok(if args.exit_code && drift.drifted > 0 { Exit::Pending } else { Exit::Done })
}

fn drifted(plan: &Plan, step: &Step, seen: &Observation) -> Option<Drifted> {
    let state = match seen.found().map(|found| &found.ownership) {
        // What holds data and is not wanted any more stays: that is how it was left, not how it drifted.
        _ if step.action == Action::Keep => return None,
        _ if step.action == Action::Delete => "unwanted",
        None => "missing",
        Some(Ownership::Shared(_)) => return None,
        Some(Ownership::Foreign(_)) => "foreign",
        // What follows from another resource that is missing has not drifted itself.
        Some(Ownership::Ours) if step.fields.iter().all(|field| field.known_after_apply) => return None,
        Some(Ownership::Ours) => "changed",
    };
    let fields = if state == "missing" { Vec::new() } else { step.fields.iter().filter_map(difference).collect() };
    let refusal = plan.refusals.iter().find(|refusal| refusal.address == step.address).map(|refusal| &refusal.failure);
    let not_mended = refusal.map(|failure| match failure.kind {
        FailureKind::Foreign => format!("{}; `provision --adopt` takes it over", failure.message),
        _ => failure.message.clone(),
    });
    Some(Drifted { address: step.address.to_string(), title: step.title.clone(), state, fields, not_mended })
}

fn difference(change: &FieldChange) -> Option<Difference> {
    (!change.known_after_apply).then(|| Difference {
        field: change.field.clone(),
        wanted: change.after.clone(),
        found: change.before.clone(),
    })
}

fn text(drift: &Drift, all: usize) -> String {
    if drift.drifted == 0 {
        return format!("no drift: {all} resources are as `jewel.toml` wants them");
    }
    let said = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), ui::value);
    let mut lines = Vec::new();
    for resource in &drift.resources {
        let state = match resource.state {
            "missing" => ": it is missing",
            "foreign" => ": it is not ours",
            "unwanted" => ": nobody wants it",
            _ => "",
        };
        lines.push(format!("{} ({}){state}", resource.title, resource.address));
        for field in &resource.fields {
            let wanted = said(&field.wanted);
            lines.push(format!("    {}  wanted: {wanted}", field.field));
            lines.push(format!("    {}   found: {}", " ".repeat(field.field.len()), said(&field.found)));
        }
        if let Some(why) = &resource.not_mended {
            lines.push(format!("    `provision` does not mend it: {why}"));
        }
    }
    lines.push(format!("\n{} of {all} resources have drifted; `jewelctl provision` mends them", drift.drifted));
    lines.join("\n")
}
