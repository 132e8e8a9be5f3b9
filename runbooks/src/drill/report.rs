//! What a drill measured, for programs and for people. A figure that was not measured is not in it.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::canary::{Answer, Seen};
use super::scenario::{Customers, OURS, RTO};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: String,
}

/// A command that was typed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// As it was typed.
    pub line: String,
    /// When it began.
    pub at: Timestamp,
    /// Milliseconds it took.
    pub took_ms: u64,
    /// Of these, what the cloud took: making and starting what was ordered.
    pub clouds_ms: u64,
    /// What it ended with.
    pub exit: i32,
    /// What it should end with.
    pub wanted: i32,
    /// What it printed about itself, where it failed.
    pub said: Vec<String>,
}

/// For how long something was away, as the canary saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// The first failure after the damage; absent when nothing failed.
    pub first_failure: Option<Timestamp>,
    /// The first success after the last failure; absent when it did not come back.
    pub back: Option<Timestamp>,
    /// How many answers were bad.
    pub failed: usize,
    /// How many were good.
    pub good: usize,
}

impl Outage {
    /// What a list of answers, in order, says about the time from the damage on.
    #[must_use]
    pub fn of(answers: &[Answer], damage: Timestamp) -> Self {
        let mut answers: Vec<&Answer> = answers.iter().filter(|answer| answer.at >= damage).collect();
        answers.sort_by_key(|answer| answer.at);
        let failed = answers.iter().filter(|answer| !answer.good).count();
        let first_failure = answers.iter().find(|answer| !answer.good).map(|answer| answer.at);
        let last_failure = answers.iter().rposition(|answer| !answer.good);
        let back = last_failure.and_then(|last| answers.get(last + 1)).map(|answer| answer.at);
        Self { first_failure, back, failed, good: answers.len() - failed }
    }

    /// Whether it is there at the end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.first_failure.is_none() || self.back.is_some()
    }

    /// Seconds from the damage until it was back; nothing where nothing failed.
    #[must_use]
    pub fn seconds(&self, damage: Timestamp) -> f64 {
        self.back.map_or(0.0, |back| (back.as_millisecond() - damage.as_millisecond()) as f64 / 1e3)
    }
}

/// What became of what was promised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Canaries {
    /// Orders that were confirmed.
    pub acknowledged: usize,
    /// Of these, with a confirmed cancellation.
    pub cancelled: usize,
    /// Those that are not there as they were confirmed: must be none.
    pub missing: Vec<String>,
    /// Looking.
    pub reads: Outage,
    /// Buying.
    pub writes: Outage,
}

impl Canaries {
    /// From what the canary saw, and what is missing of it.
    #[must_use]
    pub fn of(seen: &Seen, missing: Vec<String>, damage: Timestamp) -> Self {
        Self {
            acknowledged: seen.promises.len(),
            cancelled: seen.promises.iter().filter(|promise| promise.cancelled).count(),
            missing,
            reads: Outage::of(&seen.reads, damage),
            writes: Outage::of(&seen.writes, damage),
        }
    }
}

/// Something that must be so at the end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assertion {
    /// What.
    pub what: String,
    /// Whether it is.
    pub holds: bool,
    /// What was seen.
    pub seen: String,
}

/// A promise of the shop's, and whether it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which.
    pub target: String,
    /// What was promised.
    pub promised: String,
    /// What was measured.
    pub measured: String,
    /// Whether it was kept.
    pub kept: bool,
}

/// The report of one drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The version of this form.
    pub format_version: u32,
    /// Its id; sorts by time.
    pub id: String,
    /// The scenario's name.
    pub scenario: String,
    /// What happens in it.
    pub story: String,
    /// The shop.
    pub stack: String,
    /// `local` or `aws`.
    pub target: String,
    /// The program's version.
    pub version: String,
    /// When the damage was done.
    pub damage_at: Timestamp,
    /// When the first command was typed.
    pub declared_at: Timestamp,
    /// When the last command had ended.
    pub commands_ended_at: Timestamp,
    /// What happened.
    pub moments: Vec<Moment>,
    /// What was typed.
    pub commands: Vec<Command>,
    /// What customers saw.
    pub canary: Canaries,
    /// What must be so.
    pub assertions: Vec<Assertion>,
    /// What had to be done that no command does.
    pub by_hand: Vec<String>,
    /// What the drill left behind, and what removes it.
    pub left_behind: Vec<String>,
    /// The promises.
    pub verdicts: Vec<Verdict>,
    /// Seconds until writes were back in the drill of the same scenario before, if there was one.
    pub before_seconds: Option<f64>,
}

impl Report {
    /// The version of the form.
    pub const FORMAT: u32 = 1;

    /// Whether every promise was kept and everything is as it must be. A step that was left out is no success.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.verdicts.iter().all(|verdict| verdict.kept) && self.assertions.iter().all(|one| one.holds)
    }

    /// Seconds from the damage until customers could buy again.
    #[must_use]
    pub fn rto_seconds(&self) -> f64 {
        let (reads, writes) = (self.canary.reads.seconds(self.damage_at), self.canary.writes.seconds(self.damage_at));
        reads.max(writes)
    }

    /// Judges the promises by what was measured.
    pub fn judge(&mut self, customers: Customers) {
        let rto = self.rto_seconds();
        let ours: u64 = self.commands.iter().map(|one| one.took_ms.saturating_sub(one.clouds_ms)).sum();
        let ours = ours as f64 / 1e3;
        let canary = &self.canary;
        let is_over = canary.reads.is_over() && canary.writes.is_over();
        let measured = if is_over { format!("{rto:.1} s") } else { "not back".to_owned() };
        let verdict = |target: &str, promised: String, measured: String, kept: bool| Verdict {
            target: target.to_owned(),
            promised,
            measured,
            kept,
        };
        self.verdicts = vec![
            verdict(
                "RTO: from the damage until customers could look and buy again",
                format!("{} min", RTO.as_secs() / 60),
                measured,
                is_over && rto < RTO.as_secs_f64(),
            ),
            verdict(
                "RPO: confirmed orders and cancellations that are not there",
                "0".to_owned(),
                format!("{} of {}", canary.missing.len(), canary.acknowledged),
                canary.missing.is_empty() && canary.acknowledged > 0,
            ),
            verdict(
                "our share: everything but the cloud's own waits",
                format!("{} s", OURS.as_secs()),
                format!("{ours:.1} s"),
                ours < OURS.as_secs_f64(),
            ),
            verdict(
                "commands ended as they should",
                "all".to_owned(),
                format!(
                    "{} of {}",
                    self.commands.iter().filter(|one| one.exit == one.wanted).count(),
                    self.commands.len()
                ),
                !self.commands.is_empty() && self.commands.iter().all(|one| one.exit == one.wanted),
            ),
        ];
        if customers == Customers::NoticeNothing {
            let failed = canary.reads.failed + canary.writes.failed;
            self.verdicts.push(verdict(
                "customers notice nothing",
                "0 failed answers".to_owned(),
                format!("{failed}"),
                failed == 0,
            ));
        }
    }

    /// For people.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = String::new();
        let verdict = if self.passed() { "PASSED" } else { "FAILED" };
        let _ = write!(
            text,
            "# Drill {}: {verdict}\n\n{}: {}.\n\nShop {}, target {}, jewelctl {}, damage at {}.\n\n## Promises\n\n\
             | promise | promised | measured | kept |\n|---|---|---|---|\n",
            self.id, self.scenario, self.story, self.stack, self.target, self.version, self.damage_at,
        );
        for one in &self.verdicts {
            let kept = if one.kept { "yes" } else { "**NO**" };
            let _ = writeln!(text, "| {} | {} | {} | {kept} |", one.target, one.promised, one.measured);
        }
        if let Some(before) = self.before_seconds {
            let _ = write!(text, "\nThe drill before took {before:.1} s, this one {:.1} s.\n", self.rto_seconds());
        }
        let _ = write!(text, "\n## Time line\n\n| after the damage | what |\n|---:|---|\n");
        for moment in &self.moments {
            let after = (moment.at.as_millisecond() - self.damage_at.as_millisecond()) as f64 / 1e3;
            let _ = writeln!(text, "| {after:+.1} s | {} |", moment.what);
        }
        let _ = write!(
            text,
            "\n## What was typed\n\n| command | took | of it the cloud | ended with |\n|---|---:|---:|---:|\n"
        );
        for one in &self.commands {
            let (took, clouds) = (one.took_ms as f64 / 1e3, one.clouds_ms as f64 / 1e3);
            let _ = writeln!(text, "| `{}` | {took:.1} s | {clouds:.1} s | {} |", one.line, one.exit);
        }
        for line in self.commands.iter().filter(|one| one.exit != one.wanted).flat_map(|one| &one.said) {
            let _ = write!(text, "\n    {line}");
        }
        let _ = write!(text, "\n## Customers\n\n");
        for (what, outage) in [("looked", self.canary.reads), ("tried to buy", self.canary.writes)] {
            let _ = writeln!(text, "* They {what} {} times in vain and {} times well.", outage.failed, outage.good);
        }
        let _ = writeln!(
            text,
            "* {} orders were confirmed, {} of them cancelled again; {} are not there as they were confirmed.",
            self.canary.acknowledged,
            self.canary.cancelled,
            self.canary.missing.len()
        );
        for missing in &self.canary.missing {
            let _ = writeln!(text, "  * {missing}");
        }
        let _ = write!(text, "\n## Checks\n\n");
        for one in &self.assertions {
            let _ = writeln!(text, "* [{}] {}: {}", if one.holds { 'x' } else { ' ' }, one.what, one.seen);
        }
        for (title, lines) in [("Done by hand", &self.by_hand), ("Left behind", &self.left_behind)] {
            let _ = write!(text, "\n## {title}\n\n");
            if lines.is_empty() {
                let _ = writeln!(text, "Nothing.");
            }
            for line in lines {
                let _ = writeln!(text, "* {line}");
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_763_800_000 + second).unwrap()
    }

    fn answers(of: &[(i64, bool)]) -> Vec<Answer> {
        of.iter().map(|(second, good)| Answer { at: at(*second), good: *good }).collect()
    }

    #[test]
    fn an_outage_lasts_until_the_first_success_after_the_last_failure() {
        let outage =
            Outage::of(&answers(&[(-5, false), (1, true), (2, false), (4, true), (5, false), (9, true)]), at(0));
        assert_eq!((outage.first_failure, outage.back), (Some(at(2)), Some(at(9))));
        assert_eq!((outage.failed, outage.good, outage.seconds(at(0)) as i64), (2, 3, 9));
        let gone = Outage::of(&answers(&[(1, true), (2, false)]), at(0));
        assert!(!gone.is_over(), "what does not come back is not over");
        assert!(Outage::of(&answers(&[(1, true)]), at(0)).is_over());
    }

    fn report(seen: &Seen, missing: &[&str], exit: i32) -> Report {
        let command = Command {
            line: "jewelctl restore database".into(),
            at: at(1),
            took_ms: 12_000,
            clouds_ms: 7_000,
            exit,
            wanted: 0,
            said: vec!["error: it did not work".into()],
        };
        let missing = missing.iter().map(|one| (*one).to_owned()).collect();
        Report {
            format_version: Report::FORMAT,
            id: "20251122T082640Z-1".into(),
            scenario: "database-deleted".into(),
            story: "somebody deletes the database".into(),
            stack: "shop-prod".into(),
            target: "local".into(),
            version: "0.1.0".into(),
            damage_at: at(0),
            declared_at: at(1),
            commands_ended_at: at(13),
            moments: vec![Moment { at: at(0), what: "database deleted".into() }],
            commands: vec![command],
            canary: Canaries::of(seen, missing, at(0)),
            assertions: vec![Assertion { what: "a plan".into(), holds: true, seen: "no change".into() }],
            by_hand: Vec::new(),
            left_behind: Vec::new(),
            verdicts: Vec::new(),
            before_seconds: Some(20.0),
        }
    }

    #[test]
    fn it_passes_only_when_every_promise_was_kept() {
        let promise =
            super::super::canary::Promise { order: "o".into(), number: "1".into(), at: at(-1), cancelled: true };
        let back = answers(&[(-1, true), (2, false), (14, true)]);
        let seen = Seen { promises: vec![promise], reads: back.clone(), writes: back };
        let judged = |seen: &Seen, missing: &[&str], exit: i32, customers: Customers| {
            let mut report = report(seen, missing, exit);
            report.judge(customers);
            report
        };
        let good = judged(&seen, &[], 0, Customers::Notice);
        assert!(good.passed());
        insta::assert_snapshot!(good.to_markdown());
        assert!(!judged(&seen, &["1 is not there"], 0, Customers::Notice).passed());
        assert!(!judged(&seen, &[], 1, Customers::Notice).passed());
        assert!(!judged(&seen, &[], 0, Customers::NoticeNothing).passed(), "customers noticed");
        assert!(
            !judged(&Seen { promises: Vec::new(), ..seen.clone() }, &[], 0, Customers::Notice).passed(),
            "nothing was promised"
        );
        let away = Seen { writes: answers(&[(2, false)]), ..seen };
        assert!(!judged(&away, &[], 0, Customers::Notice).passed(), "it did not come back");
    }
}
