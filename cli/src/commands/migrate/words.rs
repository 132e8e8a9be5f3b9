//! What is said of migrations, for people.

use jewel_migrations::{Report, State, Status};

use crate::ui;

/// The table, and what contradicts what.
pub(super) fn status(status: &Status) -> String {
    let rows = status
        .migrations
        .iter()
        .map(|migration| [format!("{:04}", migration.version), migration.name.clone(), state(&migration.state)]);
    let mut text = ui::table(["version", "name", "state"], rows);
    for problem in &status.problems {
        text.push_str(&format!("\n\n{problem}"));
        if let Some(diff) = problem.diff() {
            text.push_str(&format!("\n{diff}"));
        }
        text.push_str(&format!("\nhint: {}", problem.hint()));
    }
    text
}

/// What a run did, or would do statement by statement.
pub(super) fn report(report: &Report) -> String {
    if report.applied.is_empty() {
        return "nothing is pending".to_owned();
    }
    let names: Vec<String> = report.applied.iter().map(|done| format!("{:04} {}", done.version, done.name)).collect();
    if !report.dry_run {
        return format!("applied {}", names.join(", "));
    }
    let mut text = format!("would apply {}", names.join(", "));
    for forecast in &report.statements {
        let (version, name) = (forecast.version, &forecast.name);
        text.push_str(&format!("\n\n{version:04}_{name} [{}/{}] {}", forecast.ordinal, forecast.of, forecast.method));
        if let Some(rows) = forecast.rows {
            text.push_str(&format!(" (about {rows} rows)"));
        }
        for line in forecast.sql.lines() {
            text.push_str(&format!("\n    {}", line.trim_end()));
        }
    }
    text
}

fn state(state: &State) -> String {
    match state {
        State::Applied { at } => format!("applied {at}"),
        State::Partial { done, statements } => format!("stopped after {done} of {statements} statements"),
        State::Pending { statements } => format!("pending ({statements} statements)"),
        State::Unknown => "applied, but not known to this version of jewelctl".to_owned(),
    }
}
