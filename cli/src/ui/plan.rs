//! A plan for people: what would change, field by field, why, and what it costs.

use std::fmt::Write as _;

use jewel_engine::{Action, Plan, PlanKind, Step};
use owo_colors::OwoColorize as _;

use super::fields::render_fields;
use super::parts::parts;

/// As many new resources are still named one by one; more are gathered by part of the shop.
const ONE_BY_ONE: usize = 8;

/// Renders the plan so that that of an empty account fits a screen: what is created, and what a destroy deletes, is
/// gathered by part of the shop where it is much. Whatever touches data or changes what exists always stands alone.
///
/// `everything` shows each resource and each field.
pub(crate) fn plan(plan: &Plan, everything: bool) -> String {
    // What is left as it is has nothing to say, unless it is somebody else's.
    let steps = || plan.steps.iter().filter(|step| step.action != Action::None || !step.reasons.is_empty());
    let gather = !everything && steps().filter(|step| is_plain(step)).count() > ONE_BY_ONE;
    let mut text = String::new();
    if gather {
        for action in [Action::Create, Action::Delete, Action::Keep] {
            text.push_str(&parts(&glyph(action), steps().filter(|step| is_plain(step) && step.action == action)));
        }
    }
    for step in steps().filter(|step| !(gather && is_plain(step))) {
        render_step(&mut text, step, everything || step.action != Action::Create);
    }
    if gather {
        let more = match plan.kind {
            PlanKind::Provision => "-v shows each resource and each field",
            PlanKind::Destroy => "-v shows each resource, and where the kept data is",
        };
        let _ = writeln!(text, "{}", more.dimmed());
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&summary(plan));
    text
}

/// Whether nobody has to look at the step for itself.
fn is_plain(step: &Step) -> bool {
    match step.action {
        Action::Create => true,
        Action::Delete => !step.holds_data,
        // What is kept because it is not ours wants to be looked at.
        Action::Keep => step.holds_data,
        Action::None | Action::Update | Action::Adopt | Action::Replace => false,
    }
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

/// What is paid by the month once the plan is carried out.
pub(crate) fn cost(plan: &Plan) -> String {
    super::cost::after(&plan.cost)
}

fn glyph(action: Action) -> String {
    match action {
        Action::Create => "+".green().to_string(),
        Action::Update | Action::Adopt => "~".yellow().to_string(),
        Action::Replace => "±".yellow().to_string(),
        Action::Delete => "-".red().to_string(),
        Action::Keep | Action::None => "=".dimmed().to_string(),
    }
}

fn render_step(text: &mut String, step: &Step, with_fields: bool) {
    let _ = write!(text, "{} {} {}", glyph(step.action), step.title.bold(), format!("({})", step.address).dimmed());
    match step.action {
        // Where kept data is stands on the same line: there may be many.
        Action::Keep => {
            let _ = writeln!(text, " {}", step.reasons.join("; "));
            return;
        }
        Action::Delete if step.holds_data => text.push_str(" and the data in it\n"),
        _ => text.push('\n'),
    }
    for reason in &step.reasons {
        let _ = writeln!(text, "    {reason}");
    }
    if !with_fields {
        return;
    }
    render_fields(text, &step.fields);
}

#[cfg(test)]
mod tests;
