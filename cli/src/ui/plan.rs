//! A plan for people: what would change, field by field, why, and what it costs.

use std::fmt::Write as _;

use jewel_engine::{Action, FieldChange, Plan, PlanKind, Step};
use owo_colors::OwoColorize as _;
use serde_json::Value;

/// Longer values are cut: the plan is for reading.
const WIDEST_VALUE: usize = 72;

/// Renders the plan. What is created takes one line each, unless everything is to be shown: all its fields are new.
pub(crate) fn plan(plan: &Plan, everything: bool) -> String {
    let mut text = String::new();
    for step in plan.steps.iter().filter(|step| step.action != Action::None) {
        render_step(&mut text, step, everything || step.action != Action::Create);
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(plan));
    text
}

/// `3 to create, 1 to change`, and the fixed monthly cost.
pub(crate) fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        let kept = plan.count(Action::Keep);
        return match plan.kind {
            PlanKind::Provision => format!("no changes: {} resources are as `jewel.toml` wants them", plan.steps.len()),
            PlanKind::Destroy if kept > 0 => format!("nothing to delete; {kept} resources that hold data stay"),
            PlanKind::Destroy => "nothing to delete".to_owned(),
        };
    }
    let words = [
        (Action::Create, "to create"),
        (Action::Update, "to change"),
        (Action::Adopt, "to take over"),
        (Action::Replace, "to replace"),
        (Action::Delete, "to delete"),
        (Action::Keep, "to keep"),
    ];
    let counts: Vec<String> = words
        .iter()
        .filter(|(action, _)| plan.count(*action) > 0)
        .map(|(action, words)| format!("{} {words}", plan.count(*action)))
        .collect();
    let mut text = counts.join(", ");
    if plan.cost.before_usd != plan.cost.after_usd || plan.kind == PlanKind::Provision {
        let _ = write!(text, "\n{}", super::cost::lines(&plan.cost));
    }
    text
}

fn render_step(text: &mut String, step: &Step, with_fields: bool) {
    let glyph = match step.action {
        Action::Create => "+".green().to_string(),
        Action::Update | Action::Adopt => "~".yellow().to_string(),
        Action::Replace => "±".yellow().to_string(),
        Action::Delete => "-".red().to_string(),
        Action::Keep | Action::None => "=".dimmed().to_string(),
    };
    let _ = writeln!(text, "{glyph} {} {}", step.title.bold(), format!("({})", step.address).dimmed());
    for reason in &step.reasons {
        let _ = writeln!(text, "    {reason}");
    }
    if !with_fields {
        return;
    }
    let width = step.fields.iter().map(|field| field.field.len()).max().unwrap_or(0);
    for field in &step.fields {
        let _ = writeln!(text, "    {:width$}  {}", field.field, change(field));
    }
}

fn change(field: &FieldChange) -> String {
    let after = match &field.after {
        Some(after) => value(after),
        None => "(known after apply)".to_owned(),
    };
    let arrow = match &field.before {
        Some(before) => format!("{} -> {after}", value(before)),
        None => after,
    };
    if field.forces_replacement { format!("{arrow}  (needs a new one)") } else { arrow }
}

fn value(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= WIDEST_VALUE {
        return text;
    }
    let cut: String = text.chars().take(WIDEST_VALUE - 1).collect();
    format!("{cut}…")
}
