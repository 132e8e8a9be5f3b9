//! The sums that were worked out by hand before there was a program, line by line.

use jewel_engine::{Address, Bill, Stack, Usd};

use crate::{Clients, DomainSpec, StackSpec, ZoneMode, bill, stack};

async fn stack_of(spec: &StackSpec) -> Stack {
    stack(spec, &Clients::offline(&spec.region).await.unwrap()).unwrap()
}

fn shop() -> StackSpec {
    let domain = Some(DomainSpec { name: "permata.example".to_owned(), zone: ZoneMode::Create });
    StackSpec { domain, ..StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012") }
}

async fn bill_of(spec: &StackSpec) -> Bill {
    bill(spec, &stack_of(spec).await)
}

/// What lines begin with, and what they come to in thousandths of a dollar: paid as it is used, and on the Free plan.
const SUMS: &[(&[&str], u64, u64)] = &[
    (&["Lightsail instance small_3_0"], 12_000, 12_000),
    (&["Lightsail snapshots"], 750, 750),
    (&["Lightsail database micro_2_0"], 15_000, 15_000),
    (&["S3 Standard", "S3 writes", "S3 reads", "S3 Glacier"], 700, 575),
    (&["WAF"], 9_600, 0),
    (&["CloudFront"], 0, 0),
    (&["Route 53"], 900, 0),
    (&["Secrets Manager"], 1_200, 1_200),
    (&["CloudWatch"], 1_300, 1_300),
    (&["CloudTrail"], 50, 50),
    (&["AWS Backup"], 1_200, 1_200),
    (&["API Gateway"], 1_250, 1_250),
    (&["Cost Explorer"], 300, 300),
];

#[tokio::test]
async fn the_worked_sums_come_out_to_the_cent() {
    let bill = bill_of(&shop()).await;
    let mut counted = 0;
    for (items, paid, subscribed) in SUMS {
        let of_it = || bill.lines.iter().filter(|line| items.iter().any(|item| line.price.item.starts_with(item)));
        counted += of_it().filter(|line| line.usd > Usd::default()).count();
        let sums = (of_it().map(|line| line.usd).sum::<Usd>(), of_it().map(|line| line.subscribed_usd).sum::<Usd>());
        assert_eq!(sums, (Usd::micros(paid * 1_000), Usd::micros(subscribed * 1_000)), "{items:?}");
    }
    assert_eq!(counted, bill.lines.iter().filter(|line| line.usd > Usd::default()).count(), "{bill:#?}");
    assert_eq!((bill.total().to_string().as_str(), bill.subscribed_total().to_string().as_str()), ("44.25", "33.63"));
    let alarms = bill.lines.iter().find(|line| line.price.item == "CloudWatch alarm").unwrap();
    assert_eq!((alarms.price.quantity, alarms.usd), (13.0, Usd::cents(30)));
}

#[tokio::test]
async fn without_a_domain_there_is_no_zone_to_pay() {
    let bill = bill_of(&StackSpec { domain: None, ..shop() }).await;
    assert_eq!((bill.total().to_string().as_str(), bill.subscribed_total().to_string().as_str()), ("43.35", "33.63"));
}

#[tokio::test]
async fn everything_in_the_stack_says_what_it_costs() {
    let stack = stack_of(&shop()).await;
    let silent = |address: &&Address| stack.resource(address.as_str()).is_some_and(|one| one.price().is_none());
    let silent: Vec<&Address> = stack.addresses().iter().filter(silent).collect();
    assert!(silent.is_empty(), "what does a month of these cost? {silent:?}");
}

#[tokio::test]
async fn a_standby_and_a_larger_instance_cost_what_they_say() {
    let mut spec = shop();
    let base = bill_of(&spec).await.total();
    spec.database.bundle = "micro_ha_2_0".to_owned();
    assert_eq!(bill_of(&spec).await.total(), base + Usd::cents(1_500));
    spec.api.bundle = "medium_3_0".to_owned();
    assert_eq!(bill_of(&spec).await.total(), base + Usd::cents(2_700));
}

#[tokio::test]
async fn a_second_instance_costs_itself_its_snapshots_and_the_load_balancer() {
    let mut spec = shop();
    spec.domain = Some(crate::DomainSpec { name: "permata.example".to_owned(), zone: crate::ZoneMode::Create });
    let base = bill_of(&spec).await.total();
    spec.api.instances = 2;
    let snapshots = super::snapshots(&spec.traffic);
    assert_eq!(
        bill_of(&spec).await.total(),
        base + Usd::cents(1_200 + 1_800) + snapshots.unit_usd.times(snapshots.quantity)
    );
}

#[tokio::test]
async fn prices_of_another_region_are_not_confirmed() {
    let bill = bill_of(&StackSpec { region: "eu-central-1".to_owned(), ..shop() }).await;
    let line = |item: &str| bill.lines.iter().find(|line| line.price.item == item).unwrap().price.confirmed;
    assert!(!line("Lightsail instance small_3_0"));
    assert!(line("IAM user"));
}
