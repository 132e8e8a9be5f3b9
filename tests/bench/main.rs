//! How long a plan without changes takes when every call takes 80 ms longer, beside the same calls made one after
//! another: `cargo run -p jewel-tests --example latency`.

use std::time::{Duration, Instant};

use jewel_tests::proxy::Rules;
use jewel_tests::{Cloud, Proxied};

const LATENCY: Duration = Duration::from_millis(80);

/// What a plan may take with that latency.
const LIMIT: Duration = Duration::from_secs(2);

fn main() {
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    cloud.run(&["local", "up"]).expect(0);
    let way = Proxied::new(&cloud);
    let run = |latency: Duration, args: &[&str]| {
        let began = Instant::now();
        way.run(Rules { env: "prod".into(), latency, ..Rules::default() }, args).expect(0);
        let took = began.elapsed();
        let calls = way.proxy.calls();
        let sum: Duration = calls.iter().map(|seen| seen.took).sum();
        (took, calls.len(), sum)
    };
    println!("{:<34} {:>9} {:>7} {:>18}", "", "took", "calls", "one after another");
    let say = |what: &str, (took, calls, sum): (Duration, usize, Duration)| {
        println!("{what:<34} {:>7.2} s {calls:>7} {:>16.2} s", took.as_secs_f64(), sum.as_secs_f64());
    };
    say("provision from nothing", run(Duration::ZERO, &["provision", "--yes", "--json"]));
    say("plan without changes", run(Duration::ZERO, &["plan", "--exit-code"]));
    let mut slow: Vec<_> = (0..5).map(|_| run(LATENCY, &["plan", "--exit-code"])).collect();
    slow.sort();
    say("the same with 80 ms a call", slow[slow.len() / 2]);
    let took = slow[slow.len() / 2].0;
    assert!(took <= LIMIT, "a plan without changes took {took:?}, more than {LIMIT:?}");
}
