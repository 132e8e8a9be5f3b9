//! How long a plan without changes takes when every call takes 80 ms longer, beside the same calls made one after
//! another: `cargo run -p jewel-tests --example latency`.

use std::time::{Duration, Instant};

use jewel_tests::Cloud;
use jewel_tests::proxy::{Proxy, Rules};

const LATENCY: Duration = Duration::from_millis(80);

/// What a plan may take with that latency.
const LIMIT: Duration = Duration::from_secs(2);

fn main() {
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    cloud.run(&["local", "up"]).expect(0);
    let variables = cloud.variables();
    let upstream = |name| variables.iter().find(|(key, _)| key == name).map(|(_, url)| url.as_str()).expect(name);
    let proxy = Proxy::new(upstream("AWS_ENDPOINT_URL"), upstream("AWS_ENDPOINT_URL_LIGHTSAIL"));
    let run = |latency: Duration, args: &[&str]| {
        proxy.begin(Rules { env: "prod".into(), latency, fault: None });
        let mut command = cloud.command(args).env("JEWEL_TARGET", "aws");
        for (name, value) in &variables {
            command = command.env(name, value);
        }
        let command =
            command.env("AWS_ENDPOINT_URL", &proxy.gateway).env("AWS_ENDPOINT_URL_LIGHTSAIL", &proxy.lightsail);
        let began = Instant::now();
        command.run().expect(0);
        let took = began.elapsed();
        let calls = proxy.calls();
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
