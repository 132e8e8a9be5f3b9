//! The shape of `jewel.toml` and its defaults. What each key means is said in the template, where people read it.

use std::path::PathBuf;

use jewel_aws::Traffic;
use serde::{Deserialize, Serialize};

pub use super::payments::Payments;
pub use super::terms::{Shipping, Tax};

/// `jewel.toml`.
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The shop's name, the first part of every resource's name.
    pub project: String,
    /// The environment, the second part. In the file also the tables `[env.NAME]`, which are laid over it before.
    #[serde(default = "default_env")]
    pub env: String,
    /// The AWS Region.
    #[serde(default = "default_region")]
    pub region: String,
    /// The account that writes are allowed in.
    #[serde(default)]
    pub account_id: Option<String>,
    /// The shop's own domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// Where its records are written.
    #[serde(default)]
    pub dns_zone: DnsZone,
    /// What stands before the shop.
    #[serde(default)]
    pub edge: Edge,
    /// The API's instance.
    #[serde(default)]
    pub api: Api,
    /// The database.
    #[serde(default)]
    pub database: Database,
    /// Sign-in.
    #[serde(default)]
    pub users: Users,
    /// How customers may pay.
    #[serde(default)]
    pub payments: Payments,
    /// What sending costs.
    #[serde(default)]
    pub shipping: Shipping,
    /// The tax that prices include.
    #[serde(default)]
    pub tax: Tax,
    /// The web site.
    #[serde(default)]
    pub site: Site,
    /// Automatic snapshots of the instance.
    #[serde(default)]
    pub snapshots: Snapshots,
    /// What the shop may cost.
    #[serde(default)]
    pub budget: Budget,
    /// How much it is used, as far as the bill has to assume it.
    #[serde(default)]
    pub traffic: Traffic,
    /// Who is told when something is wrong.
    #[serde(default)]
    pub alerts: Alerts,
    /// The pipeline that deploys the shop.
    #[serde(default)]
    pub ci: Option<Ci>,
    /// The cloud on this machine.
    #[serde(default)]
    pub local: Local,
}

/// `dns_zone`
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum DnsZone {
    /// A hosted zone of the shop's own.
    #[default]
    Create,
    /// The one that is there.
    Existing,
}

/// `[edge]`
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Edge {
    /// How CloudFront is paid for.
    pub plan: Plan,
}

/// `edge.plan`
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// By the Free plan, if AWS grants it.
    #[default]
    Free,
    /// By use.
    PayAsYouGo,
}

/// `[api]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Api {
    /// How many instances; more than one stand behind a load balancer.
    pub instances: u32,
    /// Lightsail instance bundle.
    pub bundle: String,
    /// Lightsail operating-system blueprint.
    pub blueprint: String,
    /// Requests per second that API Gateway lets through.
    pub throttle_rate: f64,
    /// Requests above the rate that it lets through for a moment.
    pub throttle_burst: i32,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// Whether the database is the operator's own and not Lightsail's.
    pub external: bool,
    /// The secret that tells an external one; without it `PROJECT-ENV-database-external`.
    pub secret: Option<String>,
    /// Lightsail database bundle.
    pub bundle: String,
    /// Lightsail database blueprint.
    pub blueprint: String,
    /// The schema's name.
    pub name: String,
    /// The master user.
    pub username: String,
    /// Daily automatic backup, UTC.
    pub backup_window: String,
    /// Weekly maintenance, UTC.
    pub maintenance_window: String,
}

/// `[users]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Users {
    /// Whether visitors may register themselves.
    pub self_sign_up: bool,
    /// Groups of people who run the shop.
    pub groups: Vec<String>,
    /// Where sign-in may return to.
    pub callback_urls: Vec<String>,
    /// Where sign-out may return to.
    pub logout_urls: Vec<String>,
}

/// `[site]`
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Site {
    /// The folder to publish; without it the storefront that comes with this program.
    pub dir: Option<PathBuf>,
}

/// `[snapshots]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Snapshots {
    /// Hour of the day, UTC, 0 to 23.
    pub hour_utc: u8,
}

/// `[budget]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Budget {
    /// USD a month.
    pub monthly_usd: f64,
}

/// `[alerts]`
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Mail addresses.
    pub emails: Vec<String>,
}

/// `[ci]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Ci {
    /// The repository on GitHub, `owner/name`.
    pub repository: String,
    /// The branch whose jobs may deploy; without it, and without an environment, `main`.
    #[serde(default)]
    pub branch: Option<String>,
    /// The GitHub environment whose jobs may deploy, instead of a branch.
    #[serde(default)]
    pub environment: Option<String>,
}

/// `[local]`
#[derive(Clone, Debug, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Local {
    /// First port of the local cloud.
    pub port: u16,
    /// How much of AWS's waiting time is kept: 0 none, 1 all.
    pub time_factor: f64,
    /// A `mysqld` to run instead of Debian's MariaDB.
    pub mysqld: Option<PathBuf>,
    /// A stand-in for Stripe, as the instances find it.
    pub stripe_url: Option<String>,
}

/// The environment when nobody names one.
pub const DEFAULT_ENV: &str = "prod";

fn default_env() -> String {
    DEFAULT_ENV.into()
}

fn default_region() -> String {
    "ap-southeast-1".into()
}

impl File {
    /// A shop of this name with every default.
    pub fn named(project: &str) -> Self {
        Self {
            project: project.into(),
            env: default_env(),
            region: default_region(),
            account_id: None,
            domain: None,
            dns_zone: DnsZone::default(),
            edge: Edge::default(),
            api: Api::default(),
            database: Database::default(),
            users: Users::default(),
            payments: Payments::default(),
            shipping: Shipping::default(),
            tax: Tax::default(),
            site: Site::default(),
            snapshots: Snapshots::default(),
            budget: Budget::default(),
            traffic: Traffic::default(),
            alerts: Alerts::default(),
            ci: None,
            local: Local::default(),
        }
    }
}

impl Default for Api {
    fn default() -> Self {
        Self {
            instances: 1,
            bundle: "small_3_0".into(),
            blueprint: "ubuntu_24_04".into(),
            throttle_rate: 100.0,
            throttle_burst: 200,
        }
    }
}

impl Default for Database {
    fn default() -> Self {
        Self {
            external: false,
            secret: None,
            bundle: "micro_2_0".into(),
            blueprint: "mysql_8_0".into(),
            name: "shop".into(),
            username: "jewel_master".into(),
            backup_window: "18:00-18:30".into(),
            maintenance_window: "sun:19:00-sun:19:30".into(),
        }
    }
}

impl Default for Users {
    fn default() -> Self {
        Self {
            self_sign_up: true,
            groups: vec!["admins".into(), "staff".into()],
            callback_urls: vec!["http://localhost:5173/".into()],
            logout_urls: vec!["http://localhost:5173/".into()],
        }
    }
}

impl Default for Snapshots {
    fn default() -> Self {
        Self { hour_utc: 20 }
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { monthly_usd: 65.0 }
    }
}

impl Default for Local {
    fn default() -> Self {
        Self { port: 4566, time_factor: 0.0, mysqld: None, stripe_url: None }
    }
}
