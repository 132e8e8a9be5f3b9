//! Which of all cases a run takes.

use std::process::Command;

use jewel_tests::proxy::Fault;

use crate::case::Case;
use crate::record::Record;

/// How many cases fit into a run that somebody waits for.
const AT_ONCE: usize = 10;

/// All cases, or a slice of them.
pub(crate) fn choose(record: &Record) -> Vec<Case> {
    let all = all(record);
    let wish = std::env::var("JEWEL_FAULTS").unwrap_or_default();
    if wish == "all" {
        return all;
    }
    let (slice, of) = match wish.split_once('/') {
        Some((slice, of)) => {
            let number = |text: &str| text.parse::<usize>().ok().filter(|number| *number > 0);
            let both = number(slice).zip(number(of)).filter(|(slice, of)| slice <= of);
            both.unwrap_or_else(|| panic!("JEWEL_FAULTS=`{wish}`: `all` or `2/40`"))
        }
        None => {
            let of = all.len().div_ceil(AT_ONCE).max(1);
            (turn() % of + 1, of)
        }
    };
    println!(
        "slice {slice}/{of} of {} cases (JEWEL_FAULTS={slice}/{of} repeats it, JEWEL_FAULTS=all takes all)",
        all.len()
    );
    // Neighbours: they differ in their faults, and a slice meets all kinds.
    let (first, last) = ((slice - 1) * all.len() / of, slice * all.len() / of);
    all.into_iter().take(last).skip(first).collect()
}

/// Each call with each fault; a provision's and a destroy's share a shop where both are left.
fn all(record: &Record) -> Vec<Case> {
    let pairs = |calls: &[(String, usize)]| -> Vec<(Fault, (String, usize))> {
        calls.iter().flat_map(|call| Fault::ALL.map(|fault| (fault, call.clone()))).collect()
    };
    let (mut provision, mut destroy) = (pairs(&record.provision).into_iter(), pairs(&record.destroy).into_iter());
    let mut cases = Vec::new();
    loop {
        let case = Case { number: cases.len(), provision: provision.next(), destroy: destroy.next() };
        if case.provision.is_none() && case.destroy.is_none() {
            return cases;
        }
        cases.push(case);
    }
}

/// A number that is another with each commit; outside a checkout, with each day.
fn turn() -> usize {
    let output = Command::new("git").args(["rev-parse", "HEAD"]).current_dir(env!("CARGO_MANIFEST_DIR")).output();
    let commit = output.ok().filter(|output| output.status.success());
    let hash =
        commit.and_then(|output| usize::from_str_radix(String::from_utf8_lossy(&output.stdout).get(..8)?, 16).ok());
    hash.unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        usize::try_from(now.as_secs() / 86_400).unwrap_or_default()
    })
}
