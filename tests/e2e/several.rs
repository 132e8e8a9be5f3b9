//! A shop on several machines: each of them carries it alone, and fewer leave nothing behind.

use jewel_tests::Cloud;

use crate::edge::{records, settle};

const SEVERAL: [&str; 5] = ["domain = 'permata.example'", "[api]", "instances = 2", "[budget]", "monthly_usd = 100"];
const ONE: [&str; 5] = ["domain = 'permata.example'", "[api]", "instances = 1", "[budget]", "monthly_usd = 100"];

/// A deployment makes the schema that its release needs, unless it is told not to.
fn deployed_on_an_empty_database(cloud: &Cloud) {
    cloud.run(&["local", "up"]).expect(0);
    cloud.run(&["provision", "--yes"]).expect(0);
    assert!(cloud.run(&["rollback"]).expect(7).stderr.contains("no release before the one in service"));
    let refused = cloud.run(&["deploy", "api", "--no-migrate"]).expect(1).stderr;
    assert!(refused.contains("migrate first"), "{refused}");
    cloud.run(&["migrate", "status", "--exit-code"]).expect(6);
    cloud.run(&["deploy", "api"]).expect(0);
    cloud.run(&["migrate", "status", "--exit-code"]).expect(0);
}

/// From one machine to two, either of them lost, and back to one: the shop answers all the while.
pub fn machines() {
    let cloud = Cloud::new();
    settle(&cloud, &ONE);
    deployed_on_an_empty_database(&cloud);
    let url = cloud.run(&["up", "--yes", "--json"]).expect(0).json()["url"].as_str().expect("an address").to_owned();
    settle(&cloud, &SEVERAL);
    let answer = cloud.run(&["up", "--yes"]).expect(0);
    for machine in ["serves already on shop-prod-api-1", "serves on shop-prod-api-2-1"] {
        assert!(answer.stderr.contains(machine), "{}", answer.stderr);
    }
    cloud.run(&["plan", "--exit-code"]).expect(0);
    assert_eq!(integration(&cloud), "https://origin.permata.example\n");
    assert!(records(&cloud).contains(&"CNAME origin.permata.example.".to_owned()), "{:?}", records(&cloud));
    let instances = cloud.run(&["outputs", "--json"]).expect(0).json()["instances"].clone();
    assert_eq!(instances.as_array().map(Vec::len), Some(2), "{instances}");
    assert_eq!(open_ports(&cloud), "80\n80\n");

    // A release goes onto both, and back from both, while visitors are answered.
    let before = serving(&cloud);
    let next = crate::operate::variant(&cloud, "next");
    cloud.run(&["deploy", "api", "--binary", next.to_str().unwrap()]).expect(0);
    let after = serving(&cloud);
    assert!(before[0] == before[1] && after[0] == after[1] && before != after, "{before:?} {after:?}");
    let back = cloud.run(&["rollback"]).expect(0).stderr;
    assert!(back.contains("on shop-prod-api-1") && back.contains("on shop-prod-api-2-1"), "{back}");
    assert_eq!((serving(&cloud), catalogue(&url)), (before, 200));
    assert_eq!(open_ports(&cloud), "80\n80\n");

    // Whichever is lost, the other one is enough: requests reach both.
    for lost in ["shop-prod-api-1", "shop-prod-api-2-1"] {
        healthy(&cloud, 2);
        power(&cloud, "stop_instance", lost, "stopped");
        assert!((0..6).all(|_| catalogue(&url) == 200), "without {lost}");
        let plan = cloud.run(&["plan", "--exit-code"]).expect(6).stdout;
        assert!(plan.contains("running"), "{plan}");
        cloud.run(&["provision", "--yes"]).expect(0);
    }
    healthy(&cloud, 2);

    // What is taken away by hand is given back, and what is bent is mended.
    by_hand(
        &cloud,
        "
import boto3
l = boto3.client('lightsail')
l.detach_instances_from_load_balancer(loadBalancerName='shop-prod-balancer', instanceNames=['shop-prod-api-2-1'])
l.update_load_balancer_attribute(loadBalancerName='shop-prod-balancer', attributeName='HealthCheckPath', attributeValue='/')
l.update_load_balancer_attribute(loadBalancerName='shop-prod-balancer', attributeName='TlsPolicyName', attributeValue='TLS-2016-08')
l.delete_load_balancer_tls_certificate(loadBalancerName='shop-prod-balancer', certificateName='shop-prod-origin', force=True)
",
    );
    let plan = cloud.run(&["plan", "--exit-code"]).expect(6).stdout;
    for shown in ["load-balancer-attachment", "load-balancer-certificate", "/readyz", "TLS-2016-08"] {
        assert!(plan.contains(shown), "no {shown}:\n{plan}");
    }
    cloud.run(&["provision", "--yes"]).expect(0);
    cloud.run(&["plan", "--exit-code"]).expect(0);
    assert_eq!(catalogue(&url), 200);

    settle(&cloud, &ONE);
    let plan = cloud.run(&["plan", "--exit-code"]).expect(6).stdout;
    assert!(plan.contains("load-balancer api") && plan.contains("instance api-2"), "{plan}");
    cloud.run(&["provision", "--yes"]).expect(0);
    assert_eq!(catalogue(&url), 200);
    cloud.run(&["plan", "--exit-code"]).expect(0);
    assert!(integration(&cloud).starts_with("http://127."), "{}", integration(&cloud));
    assert_eq!(left(&cloud), "1 1 0 4\n", "instances, static IPs, load balancers, the machine's alarms");
    assert!(!records(&cloud).iter().any(|record| record.contains("origin")), "{:?}", records(&cloud));

    settle(&cloud, &SEVERAL);
    cloud.run(&["provision", "--yes"]).expect(0);
    cloud.run(&["destroy", "--confirm", "shop-prod", "--delete-data", "--yes"]).expect(0);
    assert_eq!(left(&cloud), "0 0 0 0\n");
    assert!(records(&cloud).is_empty(), "{:?}", records(&cloud));
}

/// The release that serves on each instance.
fn serving(cloud: &Cloud) -> Vec<String> {
    let answer = cloud.run(&["releases", "--json"]).expect(0).json();
    let all = answer["releases"].as_array().unwrap();
    let current = all.iter().filter(|one| one["state"] == "current");
    current.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

fn catalogue(url: &str) -> u16 {
    // Another query each time, so that no cache answers.
    let query = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let url = format!("{url}/api/v1/products?q={query}");
    reqwest::blocking::get(url).expect("an answer").status().as_u16()
}

fn by_hand(cloud: &Cloud, program: &str) -> String {
    cloud.python(program).expect(0).stdout
}

fn integration(cloud: &Cloud) -> String {
    by_hand(
        cloud,
        "
import boto3
a = boto3.client('apigatewayv2')
print(a.get_integrations(ApiId=a.get_apis()['Items'][0]['ApiId'])['Items'][0]['IntegrationUri'])
",
    )
}

fn open_ports(cloud: &Cloud) -> String {
    by_hand(
        cloud,
        "
import boto3
l = boto3.client('lightsail')
for one in l.get_instances()['instances']:
    states = l.get_instance_port_states(instanceName=one['name'])['portStates']
    print(*[state['fromPort'] for state in states if state['state'] == 'open'])
",
    )
}

/// Waits until the load balancer finds so many machines well.
fn healthy(cloud: &Cloud, count: usize) {
    let program = format!(
        "
import boto3, time
l = boto3.client('lightsail')
def well():
    balancer = l.get_load_balancer(loadBalancerName='shop-prod-balancer')['loadBalancer']
    return sum(one['instanceHealth'] == 'healthy' for one in balancer['instanceHealthSummary'])
ends = time.monotonic() + 60
while well() != {count} and time.monotonic() < ends:
    time.sleep(0.2)
print(well())
"
    );
    assert_eq!(by_hand(cloud, &program), format!("{count}\n"));
}

fn power(cloud: &Cloud, call: &str, instance: &str, state: &str) {
    let program = format!(
        "
import boto3, time
l = boto3.client('lightsail')
l.{call}(instanceName='{instance}')
ends = time.monotonic() + 60
while l.get_instance_state(instanceName='{instance}')['state']['name'] != '{state}' and time.monotonic() < ends:
    time.sleep(0.2)
print(l.get_instance_state(instanceName='{instance}')['state']['name'])
"
    );
    assert_eq!(by_hand(cloud, &program), format!("{state}\n"));
}

fn left(cloud: &Cloud) -> String {
    by_hand(
        cloud,
        "
import boto3
l = boto3.client('lightsail')
alarms = [one['name'] for one in l.get_alarms()['alarms'] if '-api-' in one['name']]
print(len(l.get_instances()['instances']), len(l.get_static_ips()['staticIps']),
      len(l.get_load_balancers()['loadBalancers']), len(alarms))
",
    )
}
