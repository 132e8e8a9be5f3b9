//! The configuration, from environment variables and nothing else.
//!
//! This is the only file of the crate that reads the environment. Everything wrong is reported at once, by variable, so
//! that a deployment needs one attempt and not one per mistake. Values never appear in errors: half of them are secrets.

mod payments;
mod terms;

use std::{fmt, net::SocketAddr};

use secrecy::SecretString;

pub use payments::{PaymentConfig, PaymentMethod, StripeConfig};
pub use terms::{ShippingRate, TaxConfig, TermsConfig};

/// Everything the server can be told.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen when systemd passed no socket. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// How to reach the database.
    pub database: DatabaseConfig,
    /// Which requests count as coming through our own front door.
    pub origin: OriginCheck,
    /// Whose tokens are accepted.
    pub tokens: TokenConfig,
    /// Where acknowledged changes are written to.
    pub journal: JournalConfig,
    /// The bucket of pictures and documents; without one there is no way to store any.
    pub media_bucket: Option<String>,
    /// How to reach AWS, when something above needs it.
    pub aws: Option<AwsConfig>,
    /// How customers may pay.
    pub payments: PaymentConfig,
    /// What pictures' addresses start with, without a trailing slash.
    pub media_base_url: String,
    /// What carts' and orders' tokens are signed with: the first signs, all are accepted. Empty: derived from the
    /// database's password.
    pub cart_secrets: Vec<SecretString>,
    /// What an order costs beside its items.
    pub terms: TermsConfig,
    /// The release's id, shown by `/version`.
    pub release: Option<String>,
    /// How many requests a second one client may make, on average.
    pub rate_limit: Option<u32>,
    /// Where in CloudWatch figures go.
    pub metrics_namespace: Option<String>,
    /// What to log, in `tracing`'s filter syntax.
    pub log: String,
}

/// How to reach the database.
#[derive(Debug, Clone)]
pub struct DatabaseConfig {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The schema.
    pub name: String,
    /// The login.
    pub user: String,
    /// Its password.
    pub password: SecretString,
    /// Whether the connection must be encrypted.
    pub tls: bool,
}

/// The check of the header `x-origin-verify`, which the distribution adds to what it forwards.
#[derive(Debug, Clone)]
pub enum OriginCheck {
    /// Any of these values is accepted: two while the secret rotates.
    Secrets(Vec<SecretString>),
    /// Switched off explicitly.
    Off,
}

/// Whose tokens are accepted.
#[derive(Debug, Clone)]
pub struct TokenConfig {
    /// The `iss` claim, without a trailing slash.
    pub issuer: String,
    /// The app client the token was made for.
    pub client_id: String,
    /// Where the issuer's public keys are.
    pub jwks_url: String,
}

/// Where acknowledged changes are written to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JournalConfig {
    /// Below this prefix of a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// The prefix, without slashes at its ends.
        prefix: String,
    },
    /// Nowhere, explicitly: what the database loses is lost.
    Off,
}

/// How to reach AWS: the variables that its own tools read, by the same names.
#[derive(Debug, Clone)]
pub struct AwsConfig {
    /// The region.
    pub region: String,
    /// Another address than AWS's own.
    pub endpoint: Option<String>,
    /// The key's id.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: SecretString,
}

/// All that is wrong with the environment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ConfigError {
    /// Each wrong or missing variable.
    pub problems: Vec<VariableProblem>,
}

/// One wrong or missing variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariableProblem {
    /// The variable.
    pub variable: &'static str,
    /// What is wrong with it.
    pub message: &'static str,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{} {}", problem.variable, problem.message)?;
        }
        Ok(())
    }
}

impl Config {
    /// Reads the process's environment.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    /// Reads variables from anywhere. An empty value counts as missing.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut reader = Reader { lookup, problems: Vec::new() };
        let issuer = reader.required("JEWEL_TOKEN_ISSUER").trim_end_matches('/').to_owned();
        reader.check_url("JEWEL_TOKEN_ISSUER", &issuer);
        let jwks_url = reader.get("JEWEL_JWKS_URL");
        reader.check_url("JEWEL_JWKS_URL", jwks_url.as_deref().unwrap_or_default());
        let jwks_url = jwks_url.unwrap_or_else(|| format!("{issuer}/.well-known/jwks.json"));
        let (journal, media_bucket) = (reader.journal(), reader.get("JEWEL_MEDIA_BUCKET"));
        let metrics_namespace = reader.get("JEWEL_METRICS_NAMESPACE");
        let needs_aws = journal != JournalConfig::Off || media_bucket.is_some() || metrics_namespace.is_some();
        let config = Self {
            listen: reader.parsed("JEWEL_LISTEN", "127.0.0.1:8080", "is not an address such as 127.0.0.1:8080"),
            database: DatabaseConfig {
                host: reader.required("JEWEL_DATABASE_HOST"),
                port: reader.parsed("JEWEL_DATABASE_PORT", "3306", "is not a port number"),
                name: reader.required("JEWEL_DATABASE_NAME"),
                user: reader.required("JEWEL_DATABASE_USER"),
                password: reader.required("JEWEL_DATABASE_PASSWORD").into(),
                tls: reader.one_of("JEWEL_DATABASE_TLS", ("required", "disabled"), "must be required or disabled"),
            },
            origin: reader.origin_check(),
            tokens: TokenConfig { issuer, client_id: reader.required("JEWEL_TOKEN_CLIENT_ID"), jwks_url },
            journal,
            media_bucket,
            aws: needs_aws.then(|| reader.aws()),
            payments: reader.payments(),
            media_base_url: reader.or("JEWEL_MEDIA_BASE_URL", "/media").trim_end_matches('/').to_owned(),
            cart_secrets: reader.cart_secrets(),
            terms: reader.terms(),
            release: reader.get("JEWEL_RELEASE"),
            rate_limit: reader.rate_limit(),
            metrics_namespace,
            log: reader.or("JEWEL_LOG", "info"),
        };
        if reader.problems.is_empty() { Ok(config) } else { Err(ConfigError { problems: reader.problems }) }
    }
}

/// Shorter secrets could be guessed by asking.
const SHORTEST_SECRET: usize = 16;

struct Reader<L> {
    lookup: L,
    problems: Vec<VariableProblem>,
}

impl<L: Fn(&str) -> Option<String>> Reader<L> {
    fn get(&self, name: &str) -> Option<String> {
        (self.lookup)(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }

    fn or(&self, name: &str, default: &str) -> String {
        self.get(name).unwrap_or_else(|| default.to_owned())
    }

    fn required(&mut self, variable: &'static str) -> String {
        self.get(variable).unwrap_or_else(|| {
            self.problem(variable, "is not set");
            String::new()
        })
    }

    /// The default must parse, otherwise it is reported like a wrong value.
    fn parsed<T: std::str::FromStr + Fallback>(
        &mut self,
        variable: &'static str,
        default: &str,
        message: &'static str,
    ) -> T {
        self.or(variable, default).parse().unwrap_or_else(|_| {
            self.problem(variable, message);
            T::FALLBACK
        })
    }

    /// True for the first of the two words, which is the default.
    fn one_of(&mut self, variable: &'static str, (yes, no): (&str, &str), message: &'static str) -> bool {
        match self.get(variable) {
            None => true,
            Some(value) if value == yes => true,
            Some(value) if value == no => false,
            Some(_) => {
                self.problem(variable, message);
                true
            }
        }
    }

    fn origin_check(&mut self) -> OriginCheck {
        let checked = self.one_of("JEWEL_ORIGIN_CHECK", ("on", "off"), "must be on or off");
        if !checked {
            return OriginCheck::Off;
        }
        let secrets = self.list("JEWEL_ORIGIN_SECRETS");
        if secrets.is_empty() {
            self.problem(
                "JEWEL_ORIGIN_SECRETS",
                "is not set; to accept requests from anywhere, set JEWEL_ORIGIN_CHECK=off",
            );
        } else if secrets.iter().any(|secret| secret.len() < SHORTEST_SECRET) {
            self.problem("JEWEL_ORIGIN_SECRETS", "has a value of less than 16 characters");
        }
        OriginCheck::Secrets(secrets.into_iter().map(SecretString::from).collect())
    }

    fn journal(&mut self) -> JournalConfig {
        let place = match self.get("JEWEL_JOURNAL") {
            Some(value) if value == "off" => return JournalConfig::Off,
            Some(value) => value,
            None => {
                self.problem(
                    "JEWEL_JOURNAL",
                    "is not set; to do without and lose what the database loses, set it to off",
                );
                return JournalConfig::Off;
            }
        };
        let parts = place.strip_prefix("s3://").and_then(|place| place.split_once('/'));
        let parts = parts.map(|(bucket, prefix)| (bucket, prefix.trim_end_matches('/')));
        match parts.filter(|(bucket, prefix)| !bucket.is_empty() && !prefix.is_empty()) {
            Some((bucket, prefix)) => JournalConfig::S3 { bucket: bucket.to_owned(), prefix: prefix.to_owned() },
            None => {
                self.problem("JEWEL_JOURNAL", "is not s3://bucket/prefix, nor off");
                JournalConfig::Off
            }
        }
    }

    /// `None` when it is off explicitly.
    fn rate_limit(&mut self) -> Option<u32> {
        let text = self.or("JEWEL_RATE_LIMIT", "20");
        if text == "off" {
            return None;
        }
        let rate = text.parse().ok().filter(|rate| (1..=1_000_000).contains(rate));
        if rate.is_none() {
            self.problem("JEWEL_RATE_LIMIT", "is not a number of requests a second from 1 to 1000000, nor off");
        }
        rate
    }

    fn aws(&mut self) -> AwsConfig {
        let endpoint = self.get("AWS_ENDPOINT_URL");
        self.check_url("AWS_ENDPOINT_URL", endpoint.as_deref().unwrap_or_default());
        AwsConfig {
            region: self.required("AWS_REGION"),
            endpoint,
            access_key_id: self.required("AWS_ACCESS_KEY_ID"),
            secret_access_key: self.required("AWS_SECRET_ACCESS_KEY").into(),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        let value = self.get(name).unwrap_or_default();
        value.split(',').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
    }

    fn cart_secrets(&mut self) -> Vec<SecretString> {
        const SHORTEST: usize = 32;
        let secrets = self.list("JEWEL_CART_SECRETS");
        if secrets.iter().any(|secret| secret.len() < SHORTEST) {
            self.problem("JEWEL_CART_SECRETS", "has a value of less than 32 characters");
        }
        secrets.into_iter().map(SecretString::from).collect()
    }

    fn check_url(&mut self, variable: &'static str, value: &str) {
        let is_url =
            ["http://", "https://"].iter().any(|scheme| value.len() > scheme.len() && value.starts_with(scheme));
        if !value.is_empty() && !is_url {
            self.problem(variable, "is not an http:// or https:// address");
        }
    }

    fn problem(&mut self, variable: &'static str, message: &'static str) {
        self.problems.push(VariableProblem { variable, message });
    }
}

/// A value to go on with after a problem was noted; it is never used.
trait Fallback {
    const FALLBACK: Self;
}

impl Fallback for u16 {
    const FALLBACK: Self = 0;
}

impl Fallback for SocketAddr {
    const FALLBACK: Self = Self::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    const MINIMAL: &[(&str, &str)] = &[
        ("JEWEL_DATABASE_HOST", "db.internal"),
        ("JEWEL_DATABASE_NAME", "shop"),
        ("JEWEL_DATABASE_USER", "jewel_api"),
        ("JEWEL_DATABASE_PASSWORD", "correct horse"),
        ("JEWEL_ORIGIN_SECRETS", "0123456789abcdef, fedcba9876543210"),
        ("JEWEL_TOKEN_ISSUER", "https://issuer.example/pool/"),
        ("JEWEL_TOKEN_CLIENT_ID", "client"),
        ("JEWEL_JOURNAL", "off"),
    ];

    pub(super) fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::from_lookup(|name| {
            changes.iter().chain(MINIMAL).find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    pub(super) fn problems(changes: &[(&str, &str)]) -> String {
        read(changes).unwrap_err().to_string()
    }

    #[test]
    fn the_minimum_takes_the_defaults() {
        let config = read(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database.port, 3306);
        assert!(config.database.tls);
        assert_eq!(config.tokens.jwks_url, "https://issuer.example/pool/.well-known/jwks.json");
        assert_eq!(config.media_base_url, "/media");
        assert_eq!(config.rate_limit, Some(20));
        assert!(config.cart_secrets.is_empty());
        let OriginCheck::Secrets(secrets) = config.origin else { panic!("the check is off") };
        assert_eq!(
            secrets.iter().map(|s| s.expose_secret()).collect::<Vec<_>>(),
            ["0123456789abcdef", "fedcba9876543210"]
        );
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let error = Config::from_lookup(|name| match name {
            "JEWEL_LISTEN" => Some("here".into()),
            "JEWEL_DATABASE_PORT" => Some("70000".into()),
            "JEWEL_DATABASE_TLS" => Some("maybe".into()),
            "JEWEL_RATE_LIMIT" => Some("0".into()),
            "JEWEL_TOKEN_ISSUER" => Some("issuer.example".into()),
            _ => None,
        })
        .unwrap_err();
        insta::assert_snapshot!(error, @r"
        JEWEL_TOKEN_ISSUER is not an http:// or https:// address
        JEWEL_JOURNAL is not set; to do without and lose what the database loses, set it to off
        JEWEL_LISTEN is not an address such as 127.0.0.1:8080
        JEWEL_DATABASE_HOST is not set
        JEWEL_DATABASE_PORT is not a port number
        JEWEL_DATABASE_NAME is not set
        JEWEL_DATABASE_USER is not set
        JEWEL_DATABASE_PASSWORD is not set
        JEWEL_DATABASE_TLS must be required or disabled
        JEWEL_ORIGIN_SECRETS is not set; to accept requests from anywhere, set JEWEL_ORIGIN_CHECK=off
        JEWEL_TOKEN_CLIENT_ID is not set
        JEWEL_RATE_LIMIT is not a number of requests a second from 1 to 1000000, nor off
        ");
    }

    #[test]
    fn the_origin_check_is_never_off_by_accident() {
        insta::assert_snapshot!(problems(&[("JEWEL_ORIGIN_SECRETS", " , ")]), @"JEWEL_ORIGIN_SECRETS is not set; to accept requests from anywhere, set JEWEL_ORIGIN_CHECK=off");
        insta::assert_snapshot!(problems(&[("JEWEL_ORIGIN_SECRETS", "short")]), @"JEWEL_ORIGIN_SECRETS has a value of less than 16 characters");
        insta::assert_snapshot!(problems(&[("JEWEL_ORIGIN_CHECK", "no")]), @"JEWEL_ORIGIN_CHECK must be on or off");
        assert!(matches!(read(&[("JEWEL_ORIGIN_CHECK", "off")]).unwrap().origin, OriginCheck::Off));
    }

    const AWS: [(&str, &str); 3] =
        [("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "battery staple")];

    #[test]
    fn the_journal_is_a_place_or_off_explicitly() {
        let journal = ("JEWEL_JOURNAL", "s3://backups/journal/");
        let config = read(&[&AWS[..], &[journal]].concat()).unwrap();
        let place = JournalConfig::S3 { bucket: "backups".into(), prefix: "journal".into() };
        assert_eq!(config.journal, place);
        assert_eq!(config.aws.unwrap().region, "eu-west-1");
        assert_eq!(read(&[]).unwrap().journal, JournalConfig::Off);
        for wrong in ["on", "s3://", "s3://backups", "s3:///journal", "s3://backups//"] {
            let text = problems(&[&AWS[..], &[("JEWEL_JOURNAL", wrong)]].concat());
            assert_eq!(text, "JEWEL_JOURNAL is not s3://bucket/prefix, nor off", "{wrong}");
        }
        insta::assert_snapshot!(problems(&[journal]), @r"
        AWS_REGION is not set
        AWS_ACCESS_KEY_ID is not set
        AWS_SECRET_ACCESS_KEY is not set
        ");
    }

    #[test]
    fn secrets_are_not_printed() {
        let text = format!("{:?}", read(&[&AWS[..], &[("JEWEL_MEDIA_BUCKET", "media")]].concat()).unwrap());
        assert!(!text.contains("correct horse") && !text.contains("0123456789abcdef"), "{text}");
        assert!(text.contains("AKIA") && !text.contains("battery staple"), "{text}");
    }
}
