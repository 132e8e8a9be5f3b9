//! The clients, all made from one set of options.

use std::time::Duration;

use aws_config::{AppName, BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_credential_types::{
    Credentials,
    credential_feature::AwsCredentialFeature,
    provider::{ProvideCredentials as _, SharedCredentialsProvider},
};
use jewel_engine::{Failure, FailureKind};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

use crate::{Calls, Error, classify, failure::incomplete, look_first::LookFirst, overload::Overload};

/// The Region of what AWS has only once: the firewall of distributions, and the figures about them.
pub(crate) const GLOBAL_REGION: &str = "us-east-1";

/// Whom to talk to, and as whom.
#[derive(Debug, Clone)]
pub struct ConnectOptions {
    /// The AWS Region of everything regional.
    pub region: String,
    /// A profile of the AWS configuration files, if not the default one.
    pub profile: Option<String>,
    /// Another cloud than AWS. Without it the SDK's standard chain applies, `AWS_ENDPOINT_URL` and
    /// `AWS_ENDPOINT_URL_<SERVICE>` included.
    pub endpoints: Option<EndpointOverride>,
    /// How long one attempt of a call may take before it is made again.
    pub call_timeout: Duration,
}

impl ConnectOptions {
    /// Long enough for an upload over a slow line.
    pub const CALL_TIMEOUT: Duration = Duration::from_secs(60);
}

/// Where another cloud is, and its keys.
#[derive(Debug, Clone)]
pub struct EndpointOverride {
    /// The URL of all services but Lightsail.
    pub gateway: String,
    /// The URL of Lightsail.
    pub lightsail: String,
    /// Its access key.
    pub access_key_id: String,
    /// Its secret key.
    pub secret_access_key: SecretString,
}

/// One client for each service, ready to use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Clients {
    /// The Region they work in.
    pub region: String,
    /// Instances, databases and addresses.
    pub lightsail: aws_sdk_lightsail::Client,
    /// Buckets.
    pub s3: aws_sdk_s3::Client,
    /// The content delivery network.
    pub cloudfront: aws_sdk_cloudfront::Client,
    /// Users.
    pub cognito: aws_sdk_cognitoidentityprovider::Client,
    /// The HTTP API.
    pub apigateway: aws_sdk_apigatewayv2::Client,
    /// Secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Figures, alarms and dashboards.
    pub cloudwatch: aws_sdk_cloudwatch::Client,
    /// Figures and alarms of what has no Region, in us-east-1.
    pub cloudwatch_global: aws_sdk_cloudwatch::Client,
    /// Log groups.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// Where alarms are sent.
    pub sns: aws_sdk_sns::Client,
    /// Where alarms of us-east-1 are sent.
    pub sns_global: aws_sdk_sns::Client,
    /// The record of who changed what.
    pub cloudtrail: aws_sdk_cloudtrail::Client,
    /// AWS's watch over the bill.
    pub budgets: aws_sdk_budgets::Client,
    /// AWS Backup.
    pub backup: aws_sdk_backup::Client,
    /// The firewall of distributions, in us-east-1.
    pub waf: aws_sdk_wafv2::Client,
    /// Certificates of distributions, in us-east-1.
    pub acm: aws_sdk_acm::Client,
    /// Flat-rate plans of distributions, in us-east-1.
    pub pricing_plans: aws_sdk_pricingplanmanager::Client,
    /// Domains.
    pub route53: aws_sdk_route53::Client,
    /// Users, roles and what they may do.
    pub iam: aws_sdk_iam::Client,
    /// Who we are.
    pub sts: aws_sdk_sts::Client,
    /// How often these were called.
    pub calls: Calls,
    credentials: Option<SharedCredentialsProvider>,
}

impl Clients {
    /// Whether a key of somebody's still opens anything here.
    ///
    /// # Errors
    /// When AWS cannot be asked.
    pub async fn is_alive(&self, access_key_id: &str, secret_access_key: &SecretString) -> Result<bool, Failure> {
        let key = Credentials::new(access_key_id, secret_access_key.expose_secret(), None, None, "given");
        let config = self.sts.config().to_builder().credentials_provider(key).build();
        let asked = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        match asked.map_err(|error| classify("ask whose key this is", error)) {
            Ok(_) => Ok(true),
            Err(failure) if matches!(failure.kind, FailureKind::Credentials | FailureKind::Denied) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// Makes the clients. Nothing is asked of any service yet; credentials are looked up with the first call.
    ///
    /// # Errors
    /// None today; reserved for chains that must be asked at once.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let config = load(options).await;
        let global = config.to_builder().region(Region::new(GLOBAL_REGION)).build();
        let lightsail = config.to_builder();
        let lightsail = match &options.endpoints {
            Some(endpoints) => lightsail.endpoint_url(&endpoints.lightsail),
            None => lightsail,
        };
        // Buckets have names of their own on AWS only; elsewhere those names would not resolve.
        let elsewhere = config.endpoint_url().is_some() || s3_is_elsewhere(&config);
        let s3 = aws_sdk_s3::config::Builder::from(&config).force_path_style(elsewhere).retry_classifier(Overload);
        let calls = Calls::default();
        // A client that counts, and whatever else it does.
        macro_rules! client {
            ($sdk:ident, $config:expr $(, $interceptor:expr)*) => {
                $sdk::Client::from_conf(
                    $sdk::config::Builder::from($config)
                        .retry_classifier(Overload)
                        .interceptor(calls.clone())
                        $(.interceptor($interceptor))*
                        .build(),
                )
            };
        }
        Ok(Self {
            region: options.region.clone(),
            lightsail: client!(aws_sdk_lightsail, &lightsail.build()),
            s3: aws_sdk_s3::Client::from_conf(s3.interceptor(calls.clone()).build()),
            cloudfront: client!(aws_sdk_cloudfront, &config),
            cognito: client!(aws_sdk_cognitoidentityprovider, &config, LookFirst),
            apigateway: client!(aws_sdk_apigatewayv2, &config, LookFirst),
            secrets: client!(aws_sdk_secretsmanager, &config),
            cloudwatch: client!(aws_sdk_cloudwatch, &config),
            cloudwatch_global: client!(aws_sdk_cloudwatch, &global),
            logs: client!(aws_sdk_cloudwatchlogs, &config),
            sns: client!(aws_sdk_sns, &config),
            sns_global: client!(aws_sdk_sns, &global),
            cloudtrail: client!(aws_sdk_cloudtrail, &config),
            budgets: client!(aws_sdk_budgets, &global),
            backup: client!(aws_sdk_backup, &config, LookFirst),
            waf: client!(aws_sdk_wafv2, &global),
            acm: client!(aws_sdk_acm, &global),
            pricing_plans: client!(aws_sdk_pricingplanmanager, &global),
            route53: client!(aws_sdk_route53, &global),
            iam: client!(aws_sdk_iam, &global, LookFirst),
            sts: client!(aws_sdk_sts, &config),
            calls,
            credentials: config.credentials_provider(),
        })
    }

    /// Clients that reach nobody, for a stack that is looked at and neither read nor applied.
    ///
    /// # Errors
    /// As [`Clients::connect`].
    pub async fn offline(region: &str) -> Result<Self, Error> {
        // The discard port of this machine: a call made by mistake is refused at once.
        let nowhere = "http://127.0.0.1:9".to_owned();
        let endpoints = EndpointOverride {
            gateway: nowhere.clone(),
            lightsail: nowhere,
            access_key_id: "none".to_owned(),
            secret_access_key: "none".to_owned().into(),
        };
        let (region, call_timeout) = (region.to_owned(), ConnectOptions::CALL_TIMEOUT);
        Self::connect(&ConnectOptions { region, profile: None, endpoints: Some(endpoints), call_timeout }).await
    }

    /// The account the credentials belong to, twelve digits.
    ///
    /// # Errors
    /// When there are no credentials, they are refused, or STS cannot be reached.
    pub async fn account_id(&self) -> Result<String, Error> {
        let action = "ask AWS which account the credentials belong to";
        let identity = self.sts.get_caller_identity().send().await.map_err(|error| {
            let mut failure = classify(action, error);
            // Nobody is denied this call: what fails here are always the credentials themselves.
            if failure.kind == FailureKind::Denied {
                failure.kind = FailureKind::Credentials;
            }
            failure
        })?;
        let account: Result<String, Failure> = identity.account.ok_or_else(|| incomplete(action, "account"));
        Ok(account?)
    }

    /// When the credentials end, where their source says so and the SDK cannot renew them by itself.
    ///
    /// Roles, single sign-on and the credentials of machines are fetched anew before they end. What a program of the
    /// profile (`credential_process`) gave may be all it has.
    pub async fn credentials_end(&self) -> Option<Timestamp> {
        let credentials = self.credentials.as_ref()?.provide_credentials().await.ok()?;
        let sources = credentials.get_property::<Vec<AwsCredentialFeature>>()?;
        let handed_over = sources.iter().any(|source| {
            matches!(
                source,
                AwsCredentialFeature::CredentialsProcess
                    | AwsCredentialFeature::CredentialsProfileProcess
                    | AwsCredentialFeature::CredentialsEnvVars
            )
        });
        let end = credentials.expiry().filter(|_| handed_over)?;
        Timestamp::try_from(end).ok()
    }
}

async fn load(options: &ConnectOptions) -> SdkConfig {
    // A dated version, so that an update of the SDK does not change behaviour unseen.
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .region(Region::new(options.region.clone()))
        // More than the default three: a provision of an empty account asks much at once, and Lightsail's limits are
        // low and unpublished.
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(6)
                .with_initial_backoff(Duration::from_millis(200))
                .with_max_backoff(Duration::from_secs(5)),
        )
        .timeout_config(
            TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(5))
                .operation_attempt_timeout(options.call_timeout)
                .build(),
        );
    if let Ok(name) = AppName::new("jewelctl") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(endpoints) = &options.endpoints {
        let secret = endpoints.secret_access_key.expose_secret();
        let keys = Credentials::new(&endpoints.access_key_id, secret, None, None, "endpoint override");
        loader = loader.endpoint_url(&endpoints.gateway).credentials_provider(keys);
    }
    loader.load().await
}

/// Whether the configuration names an endpoint for S3 alone.
fn s3_is_elsewhere(config: &SdkConfig) -> bool {
    let Some(service) = config.service_config() else { return false };
    let key = aws_types::service_config::ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build();
    key.is_ok_and(|key| service.load_config(key).is_some())
}
