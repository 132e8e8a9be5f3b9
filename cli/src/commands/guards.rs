//! What is said before the first write: credentials that may end in the middle of it.

use std::time::Duration;

use jewel_engine::{Plan, Stack};
use jiff::Timestamp;

use crate::Run;
use crate::args::Target;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::wiring::Shop;

/// Looks whether the credentials live as long as the plan's longest step may take.
///
/// # Errors
/// Exit 3 when they have ended already.
pub async fn credentials(run: &Run, shop: &Shop, plan: &Plan) -> Result<(), Failure> {
    if shop.settings.target == Target::Local {
        return Ok(());
    }
    let ends = [shop.clients.credentials_end().await, environment::aws_credentials_end()].into_iter().flatten().min();
    let Some(end) = ends else { return Ok(()) };
    let stack = shop.stack()?;
    match judge(end, Timestamp::now(), longest(&stack, plan)) {
        Verdict::Enough => Ok(()),
        Verdict::Ended => Err(Failure::new(
            Exit::Credentials,
            format!("the credentials ended at {}; nothing was changed", clock(end)),
        )
        .hint("renew them, then run the same command again")),
        Verdict::Short { left, step, may_take } => {
            run.ui.warn(&format!(
                "the credentials end at {}, in {}, and {step} may take up to {}; \
                 without them the run stops there, and the same command goes on with new ones",
                clock(end),
                minutes(left),
                minutes(may_take)
            ));
            Ok(())
        }
    }
}

#[derive(Debug, PartialEq)]
enum Verdict {
    Enough,
    Ended,
    Short { left: Duration, step: String, may_take: Duration },
}

fn judge(end: Timestamp, now: Timestamp, longest: Option<(String, Duration)>) -> Verdict {
    let Ok(left) = Duration::try_from(end.duration_since(now)) else { return Verdict::Ended };
    match longest {
        _ if left.is_zero() => Verdict::Ended,
        Some((step, may_take)) if left < may_take => Verdict::Short { left, step, may_take },
        _ => Verdict::Enough,
    }
}

/// The step of the plan that may take longest, and how long that is.
fn longest(stack: &Stack, plan: &Plan) -> Option<(String, Duration)> {
    let deadline =
        |step: &jewel_engine::Step| Some((step.address.to_string(), stack.resource(step.address.as_str())?.deadline()));
    plan.changes().filter_map(deadline).max_by_key(|(_, deadline)| *deadline)
}

fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

fn minutes(span: Duration) -> String {
    match span.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_must_live_as_long_as_the_longest_step() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let step = || Some(("database.shop".to_owned(), Duration::from_secs(45 * 60)));
        assert_eq!(judge(at("2026-11-22T11:59:59Z"), now, step()), Verdict::Ended);
        assert_eq!(judge(now, now, step()), Verdict::Ended);
        assert_eq!(judge(at("2026-11-22T13:00:00Z"), now, step()), Verdict::Enough);
        assert_eq!(judge(at("2026-11-22T12:10:00Z"), now, None), Verdict::Enough);
        let Verdict::Short { left, step, .. } = judge(at("2026-11-22T12:10:00Z"), now, step()) else { panic!() };
        assert_eq!((left.as_secs(), step.as_str()), (600, "database.shop"));
    }
}
