//! The shape of our stack, and nothing else. Adding a resource is one file elsewhere and one line here.

use aws_sdk_route53::types::RrType;
use jewel_engine::{Address, Stack};

use crate::{
    Clients, Error, Names, StackSpec, ZoneMode,
    access::{ApiUser, CiRole, IdentityProvider},
    address::*,
    backup::{BackupRole, Plan, Selection, Vault},
    cdn::{AccessControl, Distribution, Firewall, FlatRate, Function, MaintenancePage, Metrics},
    certificates::{Certificate, Former, Issue},
    dns::{Record, Target, Text, Zone, Zones},
    gateway::{Api, Authorizer, Integration, Route, Stage},
    identity::{Pool, PoolClient, PoolDomain, PoolGroup},
    lightsail::{
        Attachment, AutoSnapshots, Balancer, BalancerCertificate, BalancerTls, ContactMethod, Database, Instance,
        LightsailAlarm, Machine, Place, Ports, StaticIp, origin_name,
    },
    secrets::{ApiCredentials, BackupKeys, DatabaseCredentials, ExternalDatabase},
    storage::{AccessLogs, Bucket, BucketCors, BucketPolicy, logs_policy},
    watching::{Alarm, Dashboard, LogGroup, MonthlyBudget, Topic, Trail, trail_policy},
};

/// The stack as specified. Nothing is asked of AWS.
///
/// # Errors
/// When the spec says something AWS would refuse.
pub fn stack(spec: &StackSpec, clients: &Clients) -> Result<Stack, Error> {
    spec.check()?;
    let lightsail_database = spec.database.external.is_none();
    let mut stack = Stack::builder(Names::new(spec).stack())
        .add(OPERATIONS_BUCKET, Bucket::operations(spec, clients))
        .add(SITE_BUCKET, Bucket::published(spec, clients, "site"))
        .add(MEDIA_BUCKET, Bucket::media(spec, clients))
        .add(BACKUPS_BUCKET, Bucket::backups(spec, clients))
        .add(SITE_POLICY, BucketPolicy::distribution(spec, clients, "site", SITE_BUCKET))
        .add(MEDIA_POLICY, BucketPolicy::distribution(spec, clients, "media", MEDIA_BUCKET))
        .add(MEDIA_CORS, BucketCors::new(spec, clients, "media", MEDIA_BUCKET))
        .add(LOGS_BUCKET, Bucket::logs(spec, clients))
        .add(LOGS_POLICY, logs_policy(spec, clients))
        .add(SITE_LOGS, AccessLogs::new(spec, clients, "site", SITE_BUCKET))
        .add(MEDIA_LOGS, AccessLogs::new(spec, clients, "media", MEDIA_BUCKET))
        .add(BACKUPS_LOGS, AccessLogs::new(spec, clients, "backups", BACKUPS_BUCKET))
        .add_if(lightsail_database, DATABASE, Database::new(spec, clients))
        .add_if(lightsail_database, DATABASE_SECRET, DatabaseCredentials::new(spec, clients))
        .add(USER_POOL, Pool::new(spec, clients))
        .add(USER_POOL_CLIENT, PoolClient::new(spec, clients))
        .add(USER_POOL_DOMAIN, PoolDomain::new(spec, clients))
        .add(API, Api::new(spec, clients))
        .add(INTEGRATION, Integration::new(spec, clients))
        .add(AUTHORIZER, Authorizer::new(clients))
        .add(ROUTE_PUBLIC, Route::open(clients, "ANY /api/{proxy+}"))
        .add(ROUTE_ADMIN, Route::checked(clients, "ANY /api/v1/admin/{proxy+}"))
        .add(STAGE, Stage::new(spec, clients))
        .add(ACCESS_CONTROL, AccessControl::new(spec, clients))
        .add(FUNCTION, Function::new(spec, clients))
        .add(MAINTENANCE_PAGE, MaintenancePage::new(spec, clients))
        .add(DISTRIBUTION, Distribution::new(spec, clients))
        .add(TRAIL_BUCKET, Bucket::trail(spec, clients))
        .add(TRAIL_POLICY, trail_policy(spec, clients))
        .add(TRAIL, Trail::new(spec, clients))
        .add(TOPIC, Topic::regional(spec, clients))
        .add(EDGE_TOPIC, Topic::global(spec, clients))
        .add(LOG_GROUP, LogGroup::new(spec, clients))
        .add(DASHBOARD, Dashboard::new(spec, clients))
        .add(BUDGET, MonthlyBudget::new(spec, clients))
        .add(BACKUP_VAULT, Vault::new(spec, clients))
        .add(BACKUP_PLAN, Plan::new(spec, clients))
        .add(BACKUP_ROLE, BackupRole::new(spec, clients))
        .add(BACKUP_SELECTION, Selection::new(spec, clients))
        .add(FIREWALL, Firewall::new(spec, clients))
        .add(PRICING_PLAN, FlatRate::new(spec, clients))
        .add(METRICS, Metrics::new(clients))
        .add(API_USER, ApiUser::new(spec, clients))
        .add(API_SECRET, ApiCredentials::new(spec, clients))
        .add(BACKUP_SECRET, BackupKeys::new(spec, clients))
        .add_if(spec.ci.is_some(), IDENTITY_PROVIDER, IdentityProvider::new(spec, clients))
        .add_if(spec.ci.is_some(), CI_ROLE, CiRole::new(spec, clients))
        .add_if(!spec.alerts.emails.is_empty(), CONTACT, ContactMethod::new(spec, clients));
    if let Some(external) = ExternalDatabase::new(spec, clients) {
        stack = stack.add(EXTERNAL_DATABASE, external);
    }
    for (address, alarm) in Alarm::all(spec, clients) {
        stack = stack.add(address, alarm);
    }
    let several = spec.api.instances > 1;
    stack = stack.add_if(several, LOAD_BALANCER, Balancer::new(spec, clients));
    for (number, machine) in (1..).zip(Machine::all()) {
        let wanted = number <= spec.api.instances;
        stack = stack
            .add_if(wanted, machine.instance(), Instance::new(spec, clients, &machine))
            .add_if(wanted, machine.part("auto-snapshots"), AutoSnapshots::new(spec, clients, &machine))
            .add_if(wanted, machine.part("ports"), Ports::new(spec, clients, &machine))
            .add_if(wanted, machine.static_ip(), StaticIp::new(spec, clients, &machine))
            .add_if(wanted, machine.part("static-ip-attachment"), Attachment::new(spec, clients, &machine))
            .add_if(several && wanted, machine.place(), Place::new(spec, clients, &machine));
        for alarm in LightsailAlarm::on_machine(spec, clients, &machine) {
            stack = stack.add_if(wanted, alarm.address(), alarm);
        }
    }
    for alarm in LightsailAlarm::on_database(spec, clients) {
        stack = stack.add_if(lightsail_database, alarm.address(), alarm);
    }
    if let Some(domain) = &spec.domain {
        let zones = Zones::new(spec, clients, domain);
        let output = |name: &str| Text::Output(CERTIFICATE, name.to_owned());
        let (name, value) = (output(Certificate::RECORD_NAME), output(Certificate::RECORD_VALUE));
        stack = stack
            .add(CERTIFICATE, Certificate::new(spec, clients, domain))
            .add(VALIDATION, Record::validation(&zones, &domain.name, name, value))
            .add(ISSUE, Issue::new(spec, clients, domain))
            .add(FORMER_CERTIFICATES, Former::new(spec, clients, domain))
            .add(DOMAIN_IPV4, Record::new(&zones, RrType::A, &domain.name, Target::distribution()))
            .add(DOMAIN_IPV6, Record::new(&zones, RrType::Aaaa, &domain.name, Target::distribution()));
        let origin = origin_name(&domain.name);
        let output = |name: &str| Text::Output(BALANCER_CERTIFICATE, name.to_owned());
        let (name, value) = (output(BalancerCertificate::RECORD_NAME), output(BalancerCertificate::RECORD_VALUE));
        let balancer = Target::Value { ttl: 300, value: Text::Output(LOAD_BALANCER, "dns_name".to_owned()) };
        stack = stack
            .add_if(several, BALANCER_CERTIFICATE, BalancerCertificate::new(spec, clients, domain))
            .add_if(several, BALANCER_VALIDATION, Record::validation(&zones, &origin, name, value))
            .add_if(several, BALANCER_TLS, BalancerTls::new(spec, clients, domain))
            .add_if(several, ORIGIN_RECORD, Record::new(&zones, RrType::Cname, &origin, balancer));
        if domain.zone == ZoneMode::Create {
            stack = stack.add(ZONE, Zone::new(spec, clients, domain));
        }
    }
    for (precedence, group) in (1..).zip(&spec.users.groups) {
        stack = stack.add(Address::new("user-group", group), PoolGroup::new(clients, group, precedence));
    }
    Ok(stack.build()?)
}

#[cfg(test)]
mod tests {
    use jewel_engine::{Action, Observed, PlanOptions, Usd, plan};

    use super::*;

    async fn stack_of(spec: &StackSpec) -> Stack {
        stack(spec, &Clients::offline(&spec.region).await.unwrap()).unwrap()
    }

    #[tokio::test]
    async fn the_plan_of_an_empty_account() {
        let stack = stack_of(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012")).await;
        let plan = plan(&stack, &Observed::default(), &PlanOptions::default());
        assert!(plan.steps.iter().all(|step| step.action == Action::Create));
        let lines: Vec<String> = plan
            .steps
            .iter()
            .map(|step| {
                let after: Vec<_> = step.after.iter().map(Address::as_str).collect();
                format!("{} = {} <- {}", step.address, step.title, after.join(", "))
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
        insta::assert_json_snapshot!(
            "fields_of_an_empty_account",
            plan.steps
                .iter()
                .map(|step| {
                    let fields: Vec<_> = step
                        .fields
                        .iter()
                        .map(|field| {
                            let value =
                                field.after.as_ref().map_or("(known after apply)".to_owned(), ToString::to_string);
                            format!("{} = {value}", field.field)
                        })
                        .collect();
                    (step.address.as_str(), fields)
                })
                .collect::<std::collections::BTreeMap<_, _>>()
        );
        assert_eq!(plan.cost.before_usd, Usd::default());
        assert_eq!(plan.cost.after_usd, stack.bill().total());
        let unpriced: Vec<_> =
            plan.steps.iter().filter(|step| step.price.is_none()).map(|step| &step.address).collect();
        assert!(unpriced.is_empty(), "what does a month of these cost? {unpriced:?}");
    }

    /// What is made of an empty account with so many machines.
    async fn made_of(instances: u32) -> std::collections::BTreeMap<Address, Vec<Address>> {
        let mut spec = StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012");
        spec.domain = Some(crate::DomainSpec { name: "permata.example".to_owned(), zone: ZoneMode::Create });
        spec.api.instances = instances;
        let plan = plan(&stack_of(&spec).await, &Observed::default(), &PlanOptions::default());
        for step in &plan.steps {
            assert!(crate::Part::of(&step.address).is_some(), "{} belongs to no part of the shop", step.address);
            assert!(step.price.is_some(), "what does a month of {} cost?", step.address);
        }
        plan.steps.into_iter().map(|step| (step.address, step.after)).collect()
    }

    #[tokio::test]
    async fn several_machines_stand_behind_a_load_balancer() {
        let (one, three) = (made_of(1).await, made_of(3).await);
        assert!(one.keys().all(|address| three.contains_key(address)));
        let more: Vec<&str> = three.keys().filter(|a| !one.contains_key(*a)).map(Address::as_str).collect();
        // Six parts and four alarms for each further machine; the load balancer with TLS, and the first one's place.
        assert_eq!(more.len(), 2 * 10 + 6, "{more:?}");
        assert!(one[INTEGRATION].contains(&STATIC_IP.into()));
        for need in [ORIGIN_RECORD, BALANCER_TLS, "load-balancer-attachment.api"] {
            assert!(three[INTEGRATION].contains(&need.into()), "{need}");
        }
    }

    #[tokio::test]
    async fn several_machines_need_a_domain() {
        let mut spec = StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012");
        spec.api.instances = 2;
        assert_eq!(spec.check().map_err(|error| error.field), Err("api.instances"));
        spec.domain = Some(crate::DomainSpec { name: "permata.example".to_owned(), zone: ZoneMode::Create });
        assert_eq!(spec.check(), Ok(()));
        spec.api.instances = 5;
        assert_eq!(spec.check().map_err(|error| error.field), Err("api.instances"));
    }

    #[tokio::test]
    async fn two_environments_share_no_name() {
        let titles = |env: &'static str| async move {
            let stack = stack_of(&StackSpec::new("shop", env, "ap-southeast-1", "123456789012")).await;
            let named = stack.addresses().iter().filter_map(|address| Some(stack.resource(address.as_str())?.title()));
            named.filter(|title| title.contains("shop")).collect::<std::collections::BTreeSet<String>>()
        };
        assert!(titles("prod").await.is_disjoint(&titles("staging").await));
    }
}
