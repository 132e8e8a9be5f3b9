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
        Attachment, AutoSnapshots, ContactMethod, DATABASE_WATCHES, Database, Instance, LightsailAlarm,
        MACHINE_WATCHES, Ports, StaticIp,
    },
    secrets::{ApiCredentials, DatabaseCredentials, ExternalDatabase},
    storage::{AccessLogs, Bucket, BucketCors, BucketPolicy, LogsPolicy},
    watching::{Alarm, Dashboard, LogGroup, MonthlyBudget, Topic, Trail, TrailPolicy},
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
        .add(SITE_POLICY, BucketPolicy::new(spec, clients, "site", SITE_BUCKET))
        .add(MEDIA_POLICY, BucketPolicy::new(spec, clients, "media", MEDIA_BUCKET))
        .add(MEDIA_CORS, BucketCors::new(spec, clients, "media", MEDIA_BUCKET))
        .add(LOGS_BUCKET, Bucket::logs(spec, clients))
        .add(LOGS_POLICY, LogsPolicy::new(spec, clients))
        .add(SITE_LOGS, AccessLogs::new(spec, clients, "site", SITE_BUCKET))
        .add(MEDIA_LOGS, AccessLogs::new(spec, clients, "media", MEDIA_BUCKET))
        .add(BACKUPS_LOGS, AccessLogs::new(spec, clients, "backups", BACKUPS_BUCKET))
        .add_if(lightsail_database, DATABASE, Database::new(spec, clients))
        .add_if(lightsail_database, DATABASE_SECRET, DatabaseCredentials::new(spec, clients))
        .add(INSTANCE, Instance::new(spec, clients))
        .add(AUTO_SNAPSHOTS, AutoSnapshots::new(spec, clients))
        .add(PORTS, Ports::new(spec, clients))
        .add(STATIC_IP, StaticIp::new(spec, clients))
        .add(ATTACHMENT, Attachment::new(spec, clients))
        .add(USER_POOL, Pool::new(spec, clients))
        .add(USER_POOL_CLIENT, PoolClient::new(spec, clients))
        .add(USER_POOL_DOMAIN, PoolDomain::new(spec, clients))
        .add(API, Api::new(spec, clients))
        .add(INTEGRATION, Integration::new(clients))
        .add(AUTHORIZER, Authorizer::new(clients))
        .add(ROUTE_PUBLIC, Route::open(clients, "ANY /api/{proxy+}"))
        .add(ROUTE_ADMIN, Route::checked(clients, "ANY /api/v1/admin/{proxy+}"))
        .add(STAGE, Stage::new(spec, clients))
        .add(ACCESS_CONTROL, AccessControl::new(spec, clients))
        .add(FUNCTION, Function::new(spec, clients))
        .add(MAINTENANCE_PAGE, MaintenancePage::new(spec, clients))
        .add(DISTRIBUTION, Distribution::new(spec, clients))
        .add(TRAIL_BUCKET, Bucket::trail(spec, clients))
        .add(TRAIL_POLICY, TrailPolicy::new(spec, clients))
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
        .add_if(spec.ci.is_some(), IDENTITY_PROVIDER, IdentityProvider::new(spec, clients))
        .add_if(spec.ci.is_some(), CI_ROLE, CiRole::new(spec, clients))
        .add_if(!spec.alerts.emails.is_empty(), CONTACT, ContactMethod::new(spec, clients));
    if let Some(external) = ExternalDatabase::new(spec, clients) {
        stack = stack.add(EXTERNAL_DATABASE, external);
    }
    for (address, alarm) in Alarm::all(spec, clients) {
        stack = stack.add(address, alarm);
    }
    for watch in &MACHINE_WATCHES {
        stack = stack.add(Address::new("alarm", watch.role), LightsailAlarm::new(spec, clients, watch));
    }
    for watch in &DATABASE_WATCHES {
        let alarm = LightsailAlarm::new(spec, clients, watch);
        stack = stack.add_if(lightsail_database, Address::new("alarm", watch.role), alarm);
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
