//! The longest chain of steps that need each other, each with the time it took itself: what no parallelism shortens.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

/// A longest chain, first step first.
pub(crate) struct Chain {
    pub(crate) steps: Vec<(String, Duration)>,
    /// From the first step's start to the last one's end.
    pub(crate) applying: Duration,
}

impl Chain {
    /// Of a plan's edges and the events of its apply.
    pub(crate) fn longest(plan: &Value, events: &[Value]) -> Self {
        let events = || events.iter().filter_map(|line| line.get("event"));
        let mut times: BTreeMap<&str, Duration> = BTreeMap::new();
        for event in events().filter(|event| event["event"] == "finished") {
            let took = Duration::from_millis(event["took_ms"].as_u64().expect("a time"));
            times.insert(event["address"].as_str().expect("an address"), took);
        }
        assert!(times.len() > 20, "only {} steps have ended", times.len());
        let applying =
            events().filter(|event| event["phase"] == "Provisioning").find_map(|e| e["milliseconds"].as_u64());
        let steps = plan["steps"].as_array().expect("steps");
        let after: BTreeMap<&str, Vec<&str>> = steps
            .iter()
            .map(|step| {
                let needs = step["after"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                (step["address"].as_str().expect("an address"), needs)
            })
            .collect();
        let mut known = BTreeMap::new();
        let last = after.keys().copied().max_by_key(|address| total(address, &after, &times, &mut known));
        let mut chain = Vec::new();
        let mut next = last;
        while let Some(address) = next {
            chain.push((address.to_owned(), times.get(address).copied().unwrap_or_default()));
            next = after[address].iter().copied().max_by_key(|need| total(need, &after, &times, &mut known));
        }
        chain.reverse();
        Self { steps: chain, applying: Duration::from_millis(applying.expect("the apply's time")) }
    }
}

/// The time of a step and of the longest chain before it.
fn total<'a>(
    address: &'a str,
    after: &BTreeMap<&'a str, Vec<&'a str>>,
    times: &BTreeMap<&'a str, Duration>,
    known: &mut BTreeMap<&'a str, Duration>,
) -> Duration {
    if let Some(time) = known.get(address) {
        return *time;
    }
    let needs = after.get(address).map_or(&[][..], Vec::as_slice);
    let before = needs.iter().map(|need| total(need, after, times, known)).max().unwrap_or_default();
    let time = before + times.get(address).copied().unwrap_or_default();
    known.insert(address, time);
    time
}
