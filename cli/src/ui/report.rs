//! An apply that did not reach its end: what is done, what failed and why, what was skipped because of which failure.

use std::collections::BTreeMap;

use jewel_engine::{Outcome, Report, Status};
use serde_json::{Value, json};

use super::parts::wrapped;

/// For a person, and for a program.
pub(crate) fn report(report: &Report) -> (String, Value) {
    let of = |wanted: fn(&Status) -> bool| -> Vec<&Outcome> {
        report.outcomes.iter().filter(|outcome| wanted(&outcome.status)).collect()
    };
    let done = of(|status| matches!(status, Status::Done));
    let not_started = of(|status| matches!(status, Status::NotStarted));
    let failed: Vec<_> = report.failures().collect();
    let mut skipped: BTreeMap<String, Vec<&Outcome>> = BTreeMap::new();
    for outcome in &report.outcomes {
        if let Status::Skipped { because } = &outcome.status {
            skipped.entry(because.to_string()).or_default().push(outcome);
        }
    }
    let mut text = String::new();
    for (outcome, failure) in &failed {
        text.push_str(&format!("failed: {}: {failure}\n", outcome.address));
    }
    for (because, outcomes) in &skipped {
        text.push_str(&named(&format!("skipped, because {because} failed"), outcomes));
    }
    text.push_str(&named("not started", &not_started));
    text.push_str(&named("done", &done));
    let addresses =
        |outcomes: &[&Outcome]| outcomes.iter().map(|outcome| outcome.address.to_string()).collect::<Vec<_>>();
    let value = json!({
        "done": addresses(&done),
        "failed": failed
            .iter()
            .map(|(outcome, failure)| json!({ "address": outcome.address, "failure": failure }))
            .collect::<Vec<_>>(),
        "skipped": skipped
            .iter()
            .flat_map(|(because, outcomes)| {
                outcomes.iter().map(move |outcome| json!({ "address": outcome.address, "because": because }))
            })
            .collect::<Vec<_>>(),
        "not_started": addresses(&not_started),
        "took_ms": report.took_ms,
    });
    (text, value)
}

fn named(what: &str, outcomes: &[&Outcome]) -> String {
    if outcomes.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = outcomes.iter().map(|outcome| outcome.address.as_str()).collect();
    let mut text = format!("{what} ({}):\n", names.len());
    for line in wrapped(&names.join(", "), 2) {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use jewel_engine::{Action, Address, Failure, FailureKind, OutputMap};

    use super::*;

    fn outcome(address: &str, status: Status) -> Outcome {
        Outcome {
            address: Address::from(address),
            title: address.to_owned(),
            action: Action::Create,
            wrote: matches!(status, Status::Done),
            status,
            took_ms: 10,
            reasons: Vec::new(),
        }
    }

    #[test]
    fn it_says_what_is_done_what_failed_and_what_was_skipped_because_of_it() {
        let mut failure = Failure::new(FailureKind::Denied, "create bucket shop-prod-media", "Access Denied");
        failure.code = Some("AccessDenied".into());
        failure.request_id = Some("4442587FB7D0A2F9".into());
        let skipped = || Status::Skipped { because: "bucket.media".into() };
        let outcomes = vec![
            outcome("bucket.site", Status::Done),
            outcome("database.shop", Status::Done),
            outcome("bucket.media", Status::Failed { failure }),
            outcome("bucket-cors.media", skipped()),
            outcome("bucket-policy.media", skipped()),
            outcome("topic.alarms", Status::NotStarted),
            outcome("api.shop", Status::Unchanged),
        ];
        let (text, value) = report(&Report { outcomes, outputs: OutputMap::new(), interrupted: true, took_ms: 1234 });
        insta::assert_snapshot!(text, @r"
        failed: bucket.media: could not create bucket shop-prod-media: Access Denied (AccessDenied, request 4442587FB7D0A2F9)
        skipped, because bucket.media failed (2):
          bucket-cors.media, bucket-policy.media
        not started (1):
          topic.alarms
        done (2):
          bucket.site, database.shop
        ");
        assert_eq!(value["failed"][0]["failure"]["request_id"], "4442587FB7D0A2F9");
        assert_eq!(value["skipped"][1]["because"], "bucket.media");
        assert_eq!(value["done"], json!(["bucket.site", "database.shop"]));
    }
}
