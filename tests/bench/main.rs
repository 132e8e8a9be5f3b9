//! How long things take when every call takes 80 ms longer, beside the same calls made one after another, and beside the
//! longest chain of steps that need each other: `cargo run -p jewel-tests --example latency`.

mod chain;

use std::time::{Duration, Instant};

use jewel_tests::proxy::{Rules, Seen};
use jewel_tests::{Answer, Cloud, Proxied};

use chain::Chain;

const LATENCY: Duration = Duration::from_millis(80);

/// What a plan without changes may take with that latency.
const LIMIT: Duration = Duration::from_secs(2);

/// What a provision from nothing may take, in times of its longest chain.
const RATIO: f64 = 1.15;

struct Run {
    took: Duration,
    answer: Answer,
    calls: Vec<Seen>,
}

impl Run {
    fn sum(&self) -> Duration {
        self.calls.iter().map(|seen| seen.took).sum()
    }
}

fn main() {
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    cloud.run(&["local", "up"]).expect(0);
    let way = Proxied::new(&cloud);
    let run = |latency: Duration, args: &[&str]| {
        let began = Instant::now();
        let answer = way.run(Rules { env: "prod".into(), latency, ..Rules::default() }, args).expect(0);
        Run { took: began.elapsed(), answer, calls: way.proxy.calls() }
    };
    println!("{:<38} {:>9} {:>7} {:>18} {:>7}", "", "took", "calls", "one after another", "ratio");
    let say = |what: &str, run: &Run| {
        let (took, sum) = (run.took.as_secs_f64(), run.sum().as_secs_f64());
        println!("{what:<38} {took:>7.2} s {:>7} {sum:>16.2} s {:>7.1}", run.calls.len(), sum / took);
    };
    let edges = run(Duration::ZERO, &["plan", "--json"]).answer.json();
    let first = run(LATENCY, &["provision", "--yes", "--json"]);
    say("provision from nothing, 80 ms a call", &first);
    let mut plans: Vec<Run> = (0..5).map(|_| run(LATENCY, &["plan", "--exit-code"])).collect();
    plans.sort_by_key(|run| run.took);
    let plan = plans.swap_remove(plans.len() / 2);
    say("plan without changes, 80 ms a call", &plan);

    let chain = Chain::longest(&edges, &first.answer.stream());
    let around = first.took.saturating_sub(chain.applying);
    println!("\nthe longest chain of the provision:");
    println!("  {:>7.2} s  before and after: account, plan, lock, plan again, outputs", around.as_secs_f64());
    for (address, took) in &chain.steps {
        println!("  {:>7.2} s  {address}", took.as_secs_f64());
    }
    let path = around + chain.steps.iter().map(|(_, took)| *took).sum::<Duration>();
    let ratio = first.took.as_secs_f64() / path.as_secs_f64();
    println!("  {:>7.2} s  in all; the provision took {ratio:.2} times that", path.as_secs_f64());

    assert!(ratio <= RATIO, "a provision takes {ratio:.2} times its longest chain, more than {RATIO}");
    assert!(plan.took <= LIMIT, "a plan without changes took {:?}, more than {LIMIT:?}", plan.took);
}
