//! What the stack is to be: plain values, checked once.

use crate::{MOST_INSTANCES, Traffic, lightsail::origin_name};

/// Everything the stack depends on. Made by the settings, never read from the environment.
#[derive(Debug, Clone, PartialEq)]
pub struct StackSpec {
    /// The project's name, the first part of every name.
    pub project: String,
    /// The environment's name, the second part.
    pub env: String,
    /// The Region.
    pub region: String,
    /// The account, twelve digits; part of every bucket's name.
    pub account_id: String,
    /// The shop's own domain, if it has one.
    pub domain: Option<DomainSpec>,
    /// How the distribution is paid for.
    pub edge_plan: EdgePlan,
    /// The machine and its gateway.
    pub api: ApiSpec,
    /// The database.
    pub database: DatabaseSpec,
    /// The users.
    pub users: UsersSpec,
    /// Who is told when something is wrong.
    pub alerts: AlertsSpec,
    /// The hour (UTC, 0 to 23) of the machine's daily snapshot.
    pub auto_snapshot_hour: u8,
    /// The pipeline that deploys it, if there is one.
    pub ci: Option<CiSpec>,
    /// How much it is used, as far as the bill has to assume it.
    pub traffic: Traffic,
}

/// The shop's own domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainSpec {
    /// Where visitors find the shop, such as `permata.example`. At most 64 characters, as a certificate's first name.
    pub name: String,
    /// Where its records are written.
    pub zone: ZoneMode,
}

/// Whose hosted zone the domain's records are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneMode {
    /// One of the stack's own, named as the domain.
    Create,
    /// The closest one of the account that encloses the domain. Looked up, never changed but for our records.
    Existing,
}

/// How the distribution, its firewall and its zone are paid for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum EdgePlan {
    /// By CloudFront's Free plan if AWS grants it, and by use if not.
    #[default]
    Free,
    /// By use.
    PayAsYouGo,
}

/// The machines the API runs on, and the gateway before them.
#[derive(Debug, Clone, PartialEq)]
pub struct ApiSpec {
    /// How many machines, 1 to [`crate::MOST_INSTANCES`]. More than one stand behind a load balancer.
    pub instances: u32,
    /// A Lightsail bundle, such as `small_3_0`.
    pub bundle: String,
    /// A Lightsail blueprint, such as `ubuntu_24_04`.
    pub blueprint: String,
    /// The availability zone's letter.
    pub zone: char,
    /// Requests a second the gateway lets through on the average.
    pub throttle_rate: f64,
    /// Requests it lets through at once.
    pub throttle_burst: i32,
    /// Other web origins whose pages may call the API. The shop's own pages need none: they share its address.
    pub cors_origins: Vec<String>,
}

/// The database.
#[derive(Debug, Clone, PartialEq)]
pub struct DatabaseSpec {
    /// A Lightsail database bundle, such as `micro_2_0`.
    pub bundle: String,
    /// A Lightsail database blueprint, such as `mysql_8_0`.
    pub blueprint: String,
    /// The availability zone's letter.
    pub zone: char,
    /// The name of the database on the server.
    pub database_name: String,
    /// The master user.
    pub username: String,
    /// When it is backed up, UTC: `hh24:mi-hh24:mi`, at least 30 minutes.
    pub backup_window: String,
    /// When it is maintained, UTC: `ddd:hh24:mi-ddd:hh24:mi`.
    pub maintenance_window: String,
    /// The name of the operator's secret, when the database is the operator's own and not Lightsail's.
    pub external: Option<String>,
}

/// The users.
#[derive(Debug, Clone, PartialEq)]
pub struct UsersSpec {
    /// Pages the login may return to, besides the shop's own address.
    pub callback_urls: Vec<String>,
    /// Pages the logout may return to, besides the shop's own address.
    pub logout_urls: Vec<String>,
    /// Groups, the most powerful first.
    pub groups: Vec<String>,
    /// Whether customers may make an account themselves.
    pub self_sign_up: bool,
    /// The shortest password allowed.
    pub password_length: i32,
}

/// Who is told when something is wrong.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertsSpec {
    /// Mail addresses; each must confirm once that it wants the mails.
    pub emails: Vec<String>,
    /// What the account may cost, US dollars a month.
    pub monthly_usd: f64,
}

/// The pipeline: a repository on GitHub, and which of its jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CiSpec {
    /// `owner/name`.
    pub repository: String,
    /// The branch whose jobs may deploy.
    pub branch: String,
    /// The GitHub environment whose jobs may deploy; a job that has one does not show its branch.
    pub environment: Option<String>,
}

impl StackSpec {
    /// A spec with working defaults for everything that is not given.
    pub fn new(project: &str, env: &str, region: &str, account_id: &str) -> Self {
        Self {
            project: project.to_owned(),
            env: env.to_owned(),
            region: region.to_owned(),
            account_id: account_id.to_owned(),
            domain: None,
            edge_plan: EdgePlan::default(),
            api: ApiSpec::default(),
            database: DatabaseSpec::default(),
            users: UsersSpec::default(),
            alerts: AlertsSpec::default(),
            auto_snapshot_hour: 18,
            ci: None,
            traffic: Traffic::default(),
        }
    }

    /// Checks what AWS would refuse only after half of the stack is made.
    ///
    /// # Errors
    /// The first thing that is wrong, by the name of its field.
    pub fn check(&self) -> Result<(), SpecError> {
        let wrong = |field, value: &str, why| Err(SpecError { field, value: value.to_owned(), why });
        for (field, value) in [("project", &self.project), ("env", &self.env)] {
            let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
            let edges = value.starts_with(|c: char| c.is_ascii_lowercase()) && value.ends_with(lower);
            if !edges || value.contains("--") || !value.chars().all(|c| lower(c) || c == '-') {
                return wrong(
                    field,
                    value,
                    "use lower-case letters, digits and single hyphens, beginning with a letter",
                );
            }
            // Cognito refuses login domains with these words, AWS's own names.
            if ["aws", "amazon", "cognito"].iter().any(|word| value.contains(word)) {
                return wrong(field, value, "`aws`, `amazon` and `cognito` are reserved");
            }
        }
        if self.project.len() + self.env.len() > 36 {
            // A bucket's name has at most 63 characters: two hyphens more, `operations`, and the account.
            return wrong("project", &self.project, "together with the environment it may have at most 36 characters");
        }
        if self.account_id.len() != 12 || !self.account_id.chars().all(|c| c.is_ascii_digit()) {
            return wrong("account_id", &self.account_id, "an AWS account id has twelve digits");
        }
        if let Some(domain) = &self.domain
            && let Some(why) = domain_problem(&domain.name)
        {
            return wrong("domain", &domain.name, why);
        }
        let instances = self.api.instances;
        if !(1..=MOST_INSTANCES).contains(&instances) {
            return wrong("api.instances", &instances.to_string(), "there may be one to four");
        }
        if instances > 1 {
            let origin = self.domain.as_ref().map(|domain| origin_name(&domain.name));
            let why = match origin.as_deref() {
                None => {
                    Some("more than one needs a `domain`, whose `origin.` name the load balancer's certificate is for")
                }
                Some(name) if domain_problem(name).is_some() => Some(
                    "more than one needs a `domain` of at most 57 characters, for a certificate for `origin.` and it",
                ),
                Some(_) => None,
            };
            if let Some(why) = why {
                return wrong("api.instances", &instances.to_string(), why);
            }
        }
        if self.auto_snapshot_hour > 23 {
            return wrong("auto_snapshot_hour", &self.auto_snapshot_hour.to_string(), "hours go from 0 to 23");
        }
        let user = &self.database.username;
        let word = |text: &str, most| {
            (1..=most).contains(&text.len())
                && text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if !word(user, 16) {
            return wrong(
                "database.username",
                user,
                "use up to 16 letters, digits and underscores, beginning with a letter",
            );
        }
        let name = &self.database.database_name;
        if !word(name, 64) {
            return wrong(
                "database.database_name",
                name,
                "use up to 64 letters, digits and underscores, beginning with a letter",
            );
        }
        Ok(())
    }
}

/// Why a name cannot be the shop's domain: RFC 1035 says what a host name is, ACM how long a certificate's first is.
fn domain_problem(name: &str) -> Option<&'static str> {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.starts_with(letter)
            && label.ends_with(letter)
            && label.chars().all(|c| letter(c) || c == '-')
    };
    if name.len() > 64 {
        Some("a certificate's name has at most 64 characters")
    } else if !name.contains('.') || !name.split('.').all(label) || name.split('.').all(|l| l.parse::<u8>().is_ok()) {
        Some("use a host name in lower case, such as `permata.example`, without a scheme or a dot at the end")
    } else {
        None
    }
}

impl Default for ApiSpec {
    fn default() -> Self {
        Self {
            instances: 1,
            bundle: "small_3_0".to_owned(),
            blueprint: "ubuntu_24_04".to_owned(),
            zone: 'a',
            throttle_rate: 100.0,
            throttle_burst: 200,
            cors_origins: Vec::new(),
        }
    }
}

impl Default for DatabaseSpec {
    fn default() -> Self {
        Self {
            bundle: "micro_2_0".to_owned(),
            blueprint: "mysql_8_0".to_owned(),
            zone: 'a',
            database_name: "shop".to_owned(),
            username: "shopadmin".to_owned(),
            backup_window: "18:00-18:30".to_owned(),
            maintenance_window: "sun:19:00-sun:19:30".to_owned(),
            external: None,
        }
    }
}

impl Default for UsersSpec {
    fn default() -> Self {
        Self {
            callback_urls: Vec::new(),
            logout_urls: Vec::new(),
            groups: vec!["admins".to_owned(), "staff".to_owned()],
            self_sign_up: true,
            password_length: 12,
        }
    }
}

impl Default for AlertsSpec {
    fn default() -> Self {
        Self { emails: Vec::new(), monthly_usd: 65.0 }
    }
}

/// A value the stack cannot have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} `{value}` cannot be used: {why}")]
pub struct SpecError {
    /// The field of [`StackSpec`].
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What is wrong with it.
    pub why: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_aws_would_refuse_are_refused_first() {
        let check = |project: &str, env: &str| StackSpec::new(project, env, "ap-southeast-1", "123456789012").check();
        assert_eq!(check("shop", "prod"), Ok(()));
        for bad in ["Shop", "my_shop", "-shop", "shop-", "1shop", "my--shop", "awsome", "", "shöp"] {
            assert_eq!(check(bad, "prod").map_err(|error| error.field), Err("project"), "{bad}");
        }
        assert!(check(&"a".repeat(33), "prod").is_err());
        assert!(check("shop", "cognito").is_err());
    }

    #[test]
    fn domains_are_host_names() {
        for good in ["permata.example", "shop.permata.example", "xn--9n2bp8q.example", "1.example"] {
            assert_eq!(domain_problem(good), None, "{good}");
        }
        for bad in [
            "permata",
            "Permata.example",
            "permata.example.",
            "https://permata.example",
            "-a.example",
            "a..b",
            "1.2.3.4",
            "",
        ] {
            assert!(domain_problem(bad).is_some(), "{bad}");
        }
    }
}
