//! What goes wrong with many calls at once, or with two runs at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jewel_tests::proxy::{Fault, Rules, When};

use crate::Ground;
use crate::case::{Shop, finish, signal};
use crate::record::Record;

/// A plan of a shop that stands asks for nothing twice.
pub(crate) fn no_call_twice(ground: &Ground, _record: &Record) {
    let shop = Shop::new(ground, "once");
    shop.provision(Rules::default(), &[]).expect(0);
    shop.unchanged();
    let mut counts: BTreeMap<u64, (String, usize)> = BTreeMap::new();
    for seen in shop.proxy.calls() {
        assert!(!seen.call.mutates, "a plan changes something: {}", seen.call.label);
        counts.entry(seen.call.identity).or_insert((seen.call.label, 0)).1 += 1;
    }
    let twice: Vec<_> = counts.values().filter(|(_, count)| *count > 1).collect();
    shop.destroy(Rules::default()).expect(0);
    assert!(twice.is_empty(), "{twice:?}");
}

/// Each changing call is refused once because of its rate.
pub(crate) fn everything_throttled(ground: &Ground, record: &Record) {
    each_once(ground, record, "throttled", Fault::Throttle);
}

/// Each changing call fails once with an internal error.
pub(crate) fn everything_failing(ground: &Ground, record: &Record) {
    each_once(ground, record, "failing", Fault::Error);
}

/// Each changing call is done, and its first answer lost.
pub(crate) fn every_answer_lost(ground: &Ground, record: &Record) {
    each_once(ground, record, "lossy", Fault::LoseAnswer);
}

/// Each changing call is done, and the connection breaks in the middle of its first answer.
pub(crate) fn every_answer_torn(ground: &Ground, record: &Record) {
    each_once(ground, record, "torn", Fault::Torn);
}

/// Each service says once of each changing call that it is busy with something else.
pub(crate) fn everything_busy(ground: &Ground, record: &Record) {
    each_once(ground, record, "busy", Fault::Busy);
}

/// A proxy on the way answers each changing call once with a page for people.
pub(crate) fn pages(ground: &Ground, record: &Record) {
    each_once(ground, record, "pages", Fault::Page);
}

/// A proxy on the way refuses each changing call once without a word.
pub(crate) fn bare_refusals(ground: &Ground, record: &Record) {
    each_once(ground, record, "bare", Fault::Bare);
}

fn each_once(ground: &Ground, record: &Record, env: &str, fault: Fault) {
    let shop = Shop::new(ground, env);
    let rules = || Rules { fault: Some((fault, When::EachOnce)), ..Rules::default() };
    shop.provision(rules(), &[]).expect(0);
    // The first write of the lock finds no bucket and is made again when there is one: the same call, disturbed once.
    assert!(shop.proxy.struck() + 1 >= record.provision.len(), "only {} calls were disturbed", shop.proxy.struck());
    record.compare(&ground.inventory.of(env));
    shop.unchanged();
    shop.destroy(rules()).expect(0);
    shop.gone();
}

/// Slow calls, so that the lock has to be renewed meanwhile, and none of its writes is ever answered the first time.
pub(crate) fn lock_unanswered(ground: &Ground, record: &Record) {
    let shop = Shop::new(ground, "renewed");
    let rules = Rules {
        latency: Duration::from_millis(700),
        fault: Some((Fault::LoseAnswer, When::EachOnce)),
        ..Rules::default()
    };
    let answer = shop.provision(rules, &[]);
    let renewals =
        shop.proxy.calls().iter().filter(|seen| seen.call.label.contains("PUT") && is_lock(&seen.call.label)).count();
    answer.expect(0);
    assert!(renewals >= 4, "the lock was written {renewals} times only: nothing was tried");
    record.compare(&ground.inventory.of("renewed"));
    shop.unchanged();
    shop.destroy(Rules::default()).expect(0);
}

/// Of two at once, one that waits comes after the other; one that does not says who holds the lock.
pub(crate) fn two_at_once(ground: &Ground, record: &Record) {
    let shop = Shop::new(ground, "twice");
    shop.proxy.begin(Rules { env: "twice".into(), latency: Duration::from_millis(100), ..Rules::default() });
    let first = shop.spawn(&["provision", "--yes", "--json"]);
    let pid = first.id().to_string();
    wait_for_lock(&shop);
    let refused = finish(shop.spawn(&["provision", "--yes", "--json"])).expect(5);
    for word in ["jewelctl provision", &pid, " s"] {
        assert!(refused.stderr.contains(word), "{word} is not named:\n{}", refused.stderr);
    }
    let waiting = shop.spawn(&["provision", "--yes", "--json", "--lock-wait", "120"]);
    finish(first).expect(0);
    finish(waiting).expect(0);
    record.compare(&ground.inventory.of("twice"));
    shop.unchanged();
    shop.destroy(Rules::default()).expect(0);
}

/// Ctrl-C in the middle: what is in flight is finished, the lock is free at once, and the same command resumes.
pub(crate) fn interrupted(ground: &Ground, record: &Record) {
    let shop = Shop::new(ground, "stopped");
    shop.proxy.begin(Rules { env: "stopped".into(), latency: Duration::from_millis(100), ..Rules::default() });
    let child = shop.spawn(&["provision", "--yes", "--json"]);
    wait_for_lock(&shop);
    let before = shop.proxy.calls().len();
    until("a few calls under the lock", || shop.proxy.calls().len() > before + 15);
    signal(&child, "-INT");
    finish(child).expect(130);
    let lock = ground.inventory.of("stopped").into_keys().find(|name| name.contains("lock.json"));
    assert_eq!(lock, None, "the lock is still there");
    shop.provision(Rules::default(), &[]).expect(0);
    record.compare(&ground.inventory.of("stopped"));
    shop.unchanged();
    shop.destroy(Rules::default()).expect(0);
}

/// Somebody of another machine takes the lock away: the run stops writing and says so. That one is then killed, as far
/// as anybody can see: its lock is free again within a minute.
pub(crate) fn lock_taken_away(ground: &Ground, record: &Record) {
    let shop = Shop::new(ground, "stolen");
    shop.proxy.begin(Rules { env: "stolen".into(), latency: Duration::from_millis(700), ..Rules::default() });
    let child = shop.spawn(&["provision", "--yes", "--json"]);
    wait_for_lock(&shop);
    let program = "
import boto3, datetime, json
s3 = boto3.client('s3')
bucket = [b['Name'] for b in s3.list_buckets()['Buckets'] if b['Name'].startswith('shop-stolen-operations')][0]
lock = json.loads(s3.get_object(Bucket=bucket, Key='lock.json')['Body'].read())
now = datetime.datetime.now(datetime.timezone.utc)
say = lambda time: time.strftime('%Y-%m-%dT%H:%M:%SZ')
lock.update(id='somebody-else', acquired_at=say(now), renewed_at=say(now), expires_at=say(now + datetime.timedelta(seconds=45)))
lock['holder'].update(host='another-machine', user='somebody', pid=1)
s3.put_object(Bucket=bucket, Key='lock.json', Body=json.dumps(lock))
";
    ground.cloud.python(program).expect(0);
    let stolen = Instant::now();
    let stopped = finish(child).expect(5);
    assert!(stopped.stderr.contains("the lock was taken away"), "{}", stopped.stderr);
    let refused = shop.provision(Rules::default(), &[]).expect(5);
    assert!(refused.stderr.contains("somebody on another-machine"), "{}", refused.stderr);
    shop.provision(Rules::default(), &["--lock-wait", "60"]).expect(0);
    let took = stolen.elapsed();
    assert!(took < Duration::from_secs(75), "free again, and everything made, only after {took:?}");
    record.compare(&ground.inventory.of("stolen"));
    shop.unchanged();
    shop.destroy(Rules::default()).expect(0);
}

/// A destroy that lasts longer than the lock's renewal: it deletes the lock itself, and that is no loss.
pub(crate) fn slow_destroy(ground: &Ground, _record: &Record) {
    let shop = Shop::new(ground, "slow");
    shop.provision(Rules::default(), &[]).expect(0);
    shop.destroy(Rules { latency: Duration::from_millis(1_300), ..Rules::default() }).expect(0);
    shop.gone();
}

fn is_lock(label: &str) -> bool {
    label.contains("lock.json")
}

/// Until the lock was written and the run went on to read again.
fn wait_for_lock(shop: &Shop<'_>) {
    until("the lock is taken", || {
        let calls = shop.proxy.calls();
        let put = calls.iter().rposition(|seen| seen.call.label.contains("PUT") && is_lock(&seen.call.label));
        put.is_some_and(|put| calls.len() > put + 3 && !calls[put].took.is_zero())
    });
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
