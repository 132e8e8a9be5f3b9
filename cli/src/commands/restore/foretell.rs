//! What a restore will do, said before it is consented to.

use std::time::Duration;

use jewel_runbooks::restore::{Restore, Step, Subject};
use serde_json::{Value, json};

use crate::ui;

/// Everything is to be back within this: what the shop was promised.
const RTO: Duration = Duration::from_secs(30 * 60);

/// As a value.
pub(super) fn value(restore: &Restore) -> Value {
    let steps: Vec<Value> = to_come(restore)
        .map(|step| {
            let usual = step.usual(&restore.source).as_secs();
            json!({ "step": step, "usual_seconds": usual, "is_the_clouds": step.is_the_clouds() })
        })
        .collect();
    json!({ "restore": restore, "steps": steps, "rto_seconds": RTO.as_secs() })
}

/// In words.
pub(super) fn words(restore: &Restore) -> String {
    let rows = to_come(restore).map(|step| {
        let whose = if step.is_the_clouds() { "the cloud" } else { "jewelctl" };
        [step.title().to_owned(), whose.to_owned(), span(step.usual(&restore.source))]
    });
    let total: Duration = to_come(restore).map(|step| step.usual(&restore.source)).sum();
    let since = match (restore.subject, restore.replays) {
        (Subject::Database, true) => "\nwhat was acknowledged since then is put in from the journal",
        (Subject::Database, false) => "\nwhat was acknowledged since then is LOST: the journal is not replayed",
        (Subject::Instance, _) => "",
    };
    format!(
        "{} takes the place of {}, made of {}{since}\n{}\nusually {} in all on AWS; promised within {}",
        restore.target,
        restore.previous,
        restore.source,
        ui::table(["step", "whose time", "usually"], rows),
        span(total),
        span(RTO),
    )
}

fn to_come(restore: &Restore) -> impl Iterator<Item = Step> {
    let left = restore.next();
    restore.steps().into_iter().skip_while(move |step| Some(*step) != left)
}

fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds => format!("{} min", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use jewel_runbooks::restore::Source;

    use super::*;

    #[test]
    fn every_step_is_said_with_its_time() {
        let source = Source::PointInTime { database: "shop-prod-db-1".into(), at: jiff::Timestamp::UNIX_EPOCH };
        let mut restore = Restore::new("r", "shop-prod", Subject::Database, source, "shop-prod-db-1", "shop-prod-db-2");
        restore.reopens = true;
        insta::assert_snapshot!(words(&restore));
        restore.note(Step::Close, Duration::ZERO, "");
        assert_eq!(value(&restore)["steps"][0]["step"], "stop", "what is done is not said again");
    }
}
