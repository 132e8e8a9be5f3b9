//! One shop on one target: settings, clients, account, stack.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use jewel_aws::{
    AlertsSpec, ApiSpec, CiSpec, Clients, ConnectOptions, DatabaseSpec, DomainSpec, EdgePlan, EndpointOverride,
    Outputs, StackSpec, UsersSpec, ZoneMode,
};
use jewel_engine::Stack;
use jewel_localcloud::Endpoints;
use jewel_runbooks::{Context, Payments, Terms};

use super::local;
use crate::Run;
use crate::args::Target;
use crate::environment;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::settings::Settings;
use crate::settings::file::{DnsZone, Plan};

/// Where AWS says which address a request came from.
const WHAT_IS_MY_ADDRESS: &str = "https://checkip.amazonaws.com";

/// Everything a command needs to work on the shop.
#[derive(Debug)]
pub struct Shop {
    /// What the file says.
    pub settings: Settings,
    /// The AWS clients, pointed at the target.
    pub clients: Clients,
    /// The account they work in.
    pub account_id: String,
    /// The local cloud, when it is the target.
    pub local: Option<Endpoints>,
}

impl Shop {
    /// Reads the settings and connects.
    ///
    /// # Errors
    /// Exit 2 for the settings, 3 for credentials or the wrong account.
    pub async fn open(run: &Run) -> Result<Self, Failure> {
        let settings = Settings::load(&run.global)?;
        Self::connect(run, settings).await
    }

    /// Connects with settings that are read already.
    pub async fn connect(run: &Run, settings: Settings) -> Result<Self, Failure> {
        let local = local::running(run).await?;
        let options = ConnectOptions {
            region: settings.file.region.clone(),
            profile: environment::aws_profile().filter(|_| local.is_none()),
            endpoints: local.as_ref().map(|cloud| EndpointOverride {
                gateway: cloud.gateway.clone(),
                lightsail: cloud.lightsail.clone(),
                access_key_id: cloud.access_key_id.clone(),
                secret_access_key: cloud.secret_access_key.clone(),
            }),
            call_timeout: environment::call_timeout().unwrap_or(ConnectOptions::CALL_TIMEOUT),
        };
        let clients = Clients::connect(&options).await?;
        let account_id = clients.account_id().await?;
        guard_account(&settings, &account_id)?;
        let shop = Self { settings, clients, account_id, local };
        run.record.about(&shop, super::lock::ourselves());
        Ok(shop)
    }

    /// What the stack is made of.
    pub fn spec(&self) -> StackSpec {
        spec(&self.settings, &self.account_id)
    }

    /// The graph of resources.
    pub fn stack(&self) -> Result<Stack, Failure> {
        Ok(jewel_aws::stack(&self.spec(), &self.clients)?)
    }

    /// Names and addresses of the shop as it is.
    ///
    /// # Errors
    /// Exit 1 when it is not provisioned.
    pub async fn outputs(&self) -> Result<Outputs, Failure> {
        jewel_aws::read_outputs(&self.spec(), &self.clients).await?.ok_or_else(|| {
            Failure::new(Exit::Failed, format!("{} is not provisioned, or not whole", self.settings.name()))
                .hint("`jewelctl plan` shows what is missing; `jewelctl provision` makes it")
        })
    }

    /// The shop's address for a browser.
    pub async fn url(&self, outputs: &Outputs) -> Result<String, Failure> {
        match &self.local {
            Some(cloud) => Ok(jewel_localcloud::public_url(cloud, &outputs.distribution_domain).await?),
            None => Ok(format!("https://{}", outputs.site_host)),
        }
    }

    /// What the operations on the running shop work with.
    pub async fn context<'a>(&'a self, outputs: &'a Outputs) -> Result<Context<'a>, Failure> {
        Ok(Context { clients: &self.clients, outputs, caller: self.caller().await? })
    }

    /// Where the instance finds the keys that tokens are signed with. On AWS that follows from the issuer; the local
    /// cloud's instances reach it at an address of their own.
    pub fn jwks_url(&self, outputs: &Outputs) -> Option<String> {
        let cloud = self.local.as_ref()?;
        Some(format!("{}/{}/.well-known/jwks.json", cloud.gateway_from_instances, outputs.user_pool_id))
    }

    /// Where the instance finds AWS, when that is this machine.
    pub fn aws_endpoint(&self) -> Option<&str> {
        self.local.as_ref().map(|cloud| cloud.gateway_from_instances.as_str())
    }

    /// How customers may pay.
    pub fn payments(&self) -> Payments<'_> {
        let (payments, local) = (&self.settings.file.payments, &self.settings.file.local);
        Payments {
            methods: &payments.methods,
            bank_details: payments.bank_details.as_deref().unwrap_or_default(),
            stripe_url: local.stripe_url.as_deref().filter(|_| self.local.is_some()),
        }
    }

    /// What an order costs beside its items.
    pub fn terms(&self) -> Terms<'_> {
        let file = &self.settings.file;
        let (standard, express) = (file.shipping.standard, file.shipping.express);
        Terms { standard, express, tax_name: &file.tax.name, tax_percent: file.tax.percent }
    }

    /// The address that the instance's firewall sees us under.
    pub async fn caller(&self) -> Result<IpAddr, Failure> {
        if self.local.is_some() {
            return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let asking = async {
            let client = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
            client.get(WHAT_IS_MY_ADDRESS).send().await?.error_for_status()?.text().await
        };
        let text = asking.await.map_err(|error| {
            Failure::from_error(Exit::Failed, &error)
                .while_doing("asking which address this machine has on the internet")
        })?;
        text.trim().parse().map_err(|_| Failure::new(Exit::Failed, "the answer is not an address"))
    }
}

/// What the stack of these settings is made of, in this account.
pub(crate) fn spec(settings: &Settings, account_id: &str) -> StackSpec {
    let file = &settings.file;
    let mut spec = StackSpec::new(&file.project, &file.env, &file.region, account_id);
    spec.domain = file.domain.as_ref().map(|name| DomainSpec {
        name: name.clone(),
        zone: match file.dns_zone {
            DnsZone::Create => ZoneMode::Create,
            DnsZone::Existing => ZoneMode::Existing,
        },
    });
    spec.edge_plan = match file.edge.plan {
        Plan::Free => EdgePlan::Free,
        Plan::PayAsYouGo => EdgePlan::PayAsYouGo,
    };
    spec.api = ApiSpec {
        instances: file.api.instances,
        bundle: file.api.bundle.clone(),
        blueprint: file.api.blueprint.clone(),
        throttle_rate: file.api.throttle_rate,
        throttle_burst: file.api.throttle_burst,
        ..spec.api
    };
    spec.database = DatabaseSpec {
        bundle: file.database.bundle.clone(),
        blueprint: file.database.blueprint.clone(),
        database_name: file.database.name.clone(),
        username: file.database.username.clone(),
        backup_window: file.database.backup_window.clone(),
        maintenance_window: file.database.maintenance_window.clone(),
        external: file.database.external.then(|| {
            let usual = || format!("{}-database-external", settings.name());
            file.database.secret.clone().unwrap_or_else(usual)
        }),
        ..spec.database
    };
    spec.users = UsersSpec {
        self_sign_up: file.users.self_sign_up,
        groups: file.users.groups.clone(),
        callback_urls: file.users.callback_urls.clone(),
        logout_urls: file.users.logout_urls.clone(),
        ..spec.users
    };
    spec.alerts = AlertsSpec { emails: file.alerts.emails.clone(), monthly_usd: file.budget.monthly_usd };
    spec.auto_snapshot_hour = file.snapshots.hour_utc;
    spec.ci = file.ci.as_ref().map(|ci| CiSpec {
        repository: ci.repository.clone(),
        branch: ci.branch.clone().unwrap_or_else(|| "main".to_owned()),
        environment: ci.environment.clone(),
    });
    spec.traffic = file.traffic.clone();
    spec
}

/// A wrong profile must not touch a shop of another account.
fn guard_account(settings: &Settings, account_id: &str) -> Result<(), Failure> {
    match &settings.file.account_id {
        Some(expected) if settings.target == Target::Aws && expected != account_id => Err(Failure::new(
            Exit::Credentials,
            format!("these credentials belong to account {account_id}, but `account_id` says {expected}; nothing was changed"),
        )
        .hint("choose the right profile with AWS_PROFILE, or mend `account_id` in the file")),
        _ => Ok(()),
    }
}
