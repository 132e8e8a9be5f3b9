//! Every changing call of a provision and of a destroy, going wrong in every way.
//!
//! First one undisturbed run is recorded: its changing calls are the list of what can go wrong, its inventory is what
//! every disturbed run must come to. Each case is a shop of its own, so that several run at once.
//!
//! All cases: `JEWEL_FAULTS=all cargo test -p jewel-tests --test faults`. Without it, a slice of them that changes with
//! the commit; `JEWEL_FAULTS=2/40` takes the second of forty slices. Words on the command line filter by name as always.

mod case;
mod record;
mod slice;
mod together;

use std::process::ExitCode;
use std::sync::Arc;

use jewel_tests::{Cloud, inventory::Inventory};
use libtest_mimic::{Arguments, Failed, Trial};

use record::Record;

/// Shared by all: one cloud, and what an undisturbed run does in it.
#[derive(Debug)]
struct Ground {
    cloud: Cloud,
    inventory: Inventory,
    /// What `jewelctl local env` says.
    variables: Vec<(String, String)>,
}

type Fixed = fn(&Ground, &Record);

/// What is tried in every run.
const FIXED: &[(&str, Fixed)] = &[
    ("a_plan_makes_no_call_twice", together::no_call_twice),
    ("every_call_throttled_once", together::everything_throttled),
    ("every_call_failing_once", together::everything_failing),
    ("every_answer_lost_once", together::every_answer_lost),
    ("every_answer_torn_once", together::every_answer_torn),
    ("every_service_busy_once", together::everything_busy),
    ("a_page_instead_of_every_answer_once", together::pages),
    ("a_bare_429_instead_of_every_answer_once", together::bare_refusals),
    ("renewals_of_the_lock_unanswered", together::lock_unanswered),
    ("the_lock_taken_away", together::lock_taken_away),
    ("a_destroy_longer_than_the_lock_s_renewal", together::slow_destroy),
    ("two_provisions_at_once", together::two_at_once),
    ("an_interrupt_gives_the_lock_back", together::interrupted),
];

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    if arguments.list {
        let nothing = |name: &str| Trial::test(name, || Ok(()));
        let trials = FIXED.iter().map(|(name, _)| nothing(name)).chain([nothing("cases")]).collect();
        return libtest_mimic::run(&arguments, trials).exit_code();
    }
    // Most of a case is waiting. An account has three Free plans, and each shop takes one.
    arguments.test_threads.get_or_insert(3);
    let ground = Arc::new(Ground::new());
    let record = Arc::new(Record::make(&ground));
    let cases = slice::choose(&record);
    let mut trials = Vec::new();
    for (name, test) in FIXED {
        let (ground, record, test) = (Arc::clone(&ground), Arc::clone(&record), *test);
        trials.push(Trial::test(*name, move || guarded(|| test(&ground, &record))));
    }
    for case in cases {
        let (ground, record) = (Arc::clone(&ground), Arc::clone(&record));
        trials.push(Trial::test(case.name(), move || guarded(|| case.run(&ground, &record))));
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(record);
    drop(ground);
    conclusion.exit_code()
}

fn guarded(test: impl FnOnce()) -> Result<(), Failed> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(test)).map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        Failed::from(text.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
    })
}

impl Ground {
    fn new() -> Self {
        let cloud = Cloud::new();
        cloud.run(&["init", "--yes"]).expect(0);
        cloud.run(&["local", "up"]).expect(0);
        let variables = cloud.variables();
        Self { inventory: Inventory::new(&cloud), variables, cloud }
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }
}
