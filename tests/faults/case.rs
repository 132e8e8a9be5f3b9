//! One shop, one call of its provision and one of its destroy going wrong.

use std::io::Read as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use jewel_tests::Answer;
use jewel_tests::proxy::{Fault, Proxy, Rules, When};

use crate::Ground;
use crate::record::Record;

/// A disturbed run that has not ended after this hangs.
const DEADLINE: Duration = Duration::from_secs(240);

/// Seconds after which a call without an answer is given up. AWS's own calls never take that long.
const CALL_TIMEOUT: &str = "8";

type Strike = Option<(Fault, (String, usize))>;

/// What goes wrong in one shop.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) number: usize,
    pub(crate) provision: Strike,
    pub(crate) destroy: Strike,
}

impl Case {
    /// For people and filters.
    pub(crate) fn name(&self) -> String {
        let say = |verb: &str, strike: &Strike| {
            strike.as_ref().map(|(fault, (label, nth))| format!("{verb} {fault} at {label} #{nth}"))
        };
        let parts: Vec<String> =
            [say("provision", &self.provision), say("destroy", &self.destroy)].into_iter().flatten().collect();
        format!("{:03} {}", self.number, parts.join("; "))
    }

    /// Provisions with the fault, again if it kills; compares; destroys with the fault, again if it kills; looks for
    /// leftovers.
    pub(crate) fn run(&self, ground: &Ground, record: &Record) {
        let env = format!("f{:03}", self.number);
        let shop = Shop::new(ground, &env);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            disturbed(&shop, &self.provision, |rules| shop.provision(rules, &[]));
            record.compare(&ground.inventory.of(&env));
            shop.unchanged();
            disturbed(&shop, &self.destroy, |rules| shop.destroy(rules));
            shop.gone();
        }));
        if let Err(cause) = result {
            // The others share the cloud.
            let _ = shop.destroy(Rules::default());
            std::panic::resume_unwind(cause);
        }
    }
}

fn disturbed(shop: &Shop, strike: &Strike, run: impl Fn(Rules) -> Answer) {
    let Some((fault, (label, nth))) = strike else {
        run(Rules::default()).expect(0);
        return;
    };
    let rules = Rules { fault: Some((*fault, When::Nth(label.clone(), *nth))), ..Rules::default() };
    let answer = run(rules);
    assert_eq!(shop.proxy.struck(), 1, "{label} #{nth} was not called:\n{}\n{}", answer.stdout, answer.stderr);
    if !fault.kills() {
        answer.expect(0);
        return;
    }
    // Killed with its last answer it may just have ended.
    assert!(answer.code == 137 || (*fault == Fault::KillDelivered && answer.code == 0), "{answer:?}");
    run(Rules::default()).expect(0);
}

/// A shop with a proxy between it and the tool.
pub(crate) struct Shop<'a> {
    pub(crate) ground: &'a Ground,
    pub(crate) proxy: Proxy,
    pub(crate) env: String,
}

impl<'a> Shop<'a> {
    pub(crate) fn new(ground: &'a Ground, env: &str) -> Self {
        let upstream = |name| ground.variable(name).trim_end_matches('/').to_owned();
        let proxy = Proxy::new(&upstream("AWS_ENDPOINT_URL"), &upstream("AWS_ENDPOINT_URL_LIGHTSAIL"));
        Self { ground, proxy, env: env.to_owned() }
    }

    /// `jewelctl provision` under rules.
    pub(crate) fn provision(&self, rules: Rules, more: &[&str]) -> Answer {
        self.run(rules, &[&["provision", "--yes", "--json"], more].concat())
    }

    /// `jewelctl destroy --delete-data` under rules.
    pub(crate) fn destroy(&self, rules: Rules) -> Answer {
        let name = format!("shop-{}", self.env);
        self.run(rules, &["destroy", "--confirm", &name, "--delete-data", "--json"])
    }

    /// Asserts that a plan has nothing to say.
    pub(crate) fn unchanged(&self) {
        self.run(Rules::default(), &["plan", "--exit-code"]).expect(0);
    }

    /// Asserts that nothing is left.
    pub(crate) fn gone(&self) {
        let left = self.ground.inventory.of(&self.env);
        assert!(left.is_empty(), "left after a destroy: {left:?}");
    }

    /// A command under rules, to its end.
    pub(crate) fn run(&self, rules: Rules, args: &[&str]) -> Answer {
        self.proxy.begin(Rules { env: self.env.clone(), ..rules });
        finish(self.spawn(args))
    }

    /// A command, started; the proxy kills this one.
    pub(crate) fn spawn(&self, args: &[&str]) -> Child {
        let args = [args, &["--env", &self.env]].concat();
        let mut command = self.ground.cloud.command(&args);
        for (name, value) in &self.ground.variables {
            command = command.env(name, value);
        }
        let child = command
            .env("JEWEL_TARGET", "aws")
            .env("JEWEL_CALL_TIMEOUT", CALL_TIMEOUT)
            .env("AWS_ENDPOINT_URL", &self.proxy.gateway)
            .env("AWS_ENDPOINT_URL_LIGHTSAIL", &self.proxy.lightsail)
            .spawn();
        self.proxy.victim(child.id());
        child
    }
}

/// Waits for its end, at most until the deadline.
pub(crate) fn finish(mut child: Child) -> Answer {
    let drain = |pipe: Option<Box<dyn std::io::Read + Send>>| {
        std::thread::spawn(move || {
            let mut text = Vec::new();
            pipe.map(|mut pipe| pipe.read_to_end(&mut text));
            text
        })
    };
    let stdout = drain(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    let stderr = drain(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    let deadline = Instant::now() + DEADLINE;
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if Instant::now() < deadline => std::thread::sleep(Duration::from_millis(10)),
            None => {
                child.kill().expect("a child");
                let _ = child.wait();
                let (stdout, stderr) = (stdout.join().expect("no panic"), stderr.join().expect("no panic"));
                let stdout = String::from_utf8_lossy(&stdout);
                let last: Vec<&str> = stdout.lines().rev().take(10).collect();
                panic!("it hangs:\n{}\n{}", String::from_utf8_lossy(&stderr), last.join("\n"));
            }
        }
    };
    let (stdout, stderr) = (stdout.join().expect("no panic"), stderr.join().expect("no panic"));
    Answer::from(std::process::Output { status, stdout, stderr })
}

/// A signal, as a terminal would send it.
pub(crate) fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success(), "no {name} to {}", child.id());
}
