//! Deploying the API: its environment from the shop's outputs and secrets, then a rollout on the instance.

use std::time::Duration;

use jewel_aws::SecretPart;
use jewel_host::{Environment, Event, Origin, Report, Rollout};
use secrecy::SecretString;

use crate::{Error, Payments, Reach, SchemaNow, Terms, database, delivery::Delivery, payments::joined, signing};

/// How many releases stay on the instance.
const KEEP: usize = 5;

/// What to deploy.
#[derive(Clone, Copy, Debug)]
pub struct DeployApi<'a> {
    /// The binary of `jewel-api` on this machine, or a release that the instance kept.
    pub origin: Origin<'a>,
    /// Where the instance finds the keys that tokens are signed with, when that is not below the issuer's address.
    pub jwks_url: Option<&'a str>,
    /// Where the instance finds AWS, when that is not AWS itself.
    pub aws_endpoint: Option<&'a str>,
    /// Where in CloudWatch the API's own figures go: the one place its key may write to.
    pub metrics_namespace: &'a str,
    /// How customers may pay.
    pub payments: Payments<'a>,
    /// What an order costs beside its items.
    pub terms: Terms<'a>,
    /// What the API logs, in `tracing`'s filter syntax.
    pub log: &'a str,
    /// How long a started release may take to be ready.
    pub ready_within: Duration,
    /// Whether all other instances have it already: only then does the API's secret count as delivered.
    pub last: bool,
}

impl<'a> DeployApi<'a> {
    /// How long a release usually may take to be ready.
    pub const READY_WITHIN: Duration = Duration::from_secs(30);

    /// A deployment with the usual patience and logging.
    #[must_use]
    pub fn new(origin: Origin<'a>, metrics_namespace: &'a str, payments: Payments<'a>, terms: Terms<'a>) -> Self {
        Self {
            origin,
            metrics_namespace,
            payments,
            terms,
            jwks_url: None,
            aws_endpoint: None,
            log: "info",
            ready_within: Self::READY_WITHIN,
            last: true,
        }
    }
}

/// Puts the API into service on the instance. The schema must have been migrated before.
///
/// # Errors
/// [`jewel_host::Error::Release`] when the release was not accepted, [`Error::NoPaymentKeys`] when it could not take the
/// payments that are wanted; the one before it serves on then.
pub async fn deploy_api(
    reach: &Reach<'_>,
    wanted: &DeployApi<'_>,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let context = reach.context();
    let schema = SchemaNow::read(reach).await?;
    let key = signing::key(context).await?;
    let delivery = Delivery::fetch(context.clients, &context.outputs.api_secret).await?;
    let environment = environment(reach, wanted, &delivery).await?;
    let rollout = Rollout {
        origin: wanted.origin,
        instance: reach.instance(),
        key: &key,
        oldest_schema: schema.oldest_release,
        environment: &environment,
        ready_within: wanted.ready_within,
        keep: KEEP,
    };
    let report = jewel_host::rollout(reach.session(), &rollout, on_event).await?;
    if wanted.last {
        delivery.note(context.clients).await?;
    }
    Ok(report)
}

async fn environment(reach: &Reach<'_>, wanted: &DeployApi<'_>, delivery: &Delivery) -> Result<Environment, Error> {
    let (clients, outputs) = (reach.context().clients, reach.context().outputs);
    let incomplete = || Error::Secret { secret: outputs.api_secret.clone(), reason: "a part of it is missing" };
    let part = |part: &Option<SecretString>| part.clone().ok_or_else(incomplete);
    let told = &delivery.secret;
    let mut environment = Environment::default();
    wanted.payments.tell(&mut environment, delivery)?;
    wanted.terms.tell(&mut environment);
    let database = database::open(reach).await?;
    let password = database.ensure_api_user().await?;
    let secret = database.secret();
    environment.set("JEWEL_DATABASE_HOST", secret.host.as_str());
    environment.set("JEWEL_DATABASE_PORT", secret.port.to_string());
    environment.set("JEWEL_DATABASE_NAME", secret.dbname.as_str());
    environment.set("JEWEL_DATABASE_USER", database::API_USER);
    environment.set("JEWEL_DATABASE_PASSWORD", password);
    environment.set("JEWEL_DATABASE_TLS", "required");
    part(&told.origin_secret)?;
    environment.set("JEWEL_ORIGIN_SECRETS", joined(told.values(SecretPart::Origin)));
    // Not made of the database's password, as the API would: a restored database has another one.
    if told.cart_secrets.is_empty() {
        return Err(incomplete());
    }
    environment.set("JEWEL_CART_SECRETS", joined(&told.cart_secrets));
    environment.set("AWS_ACCESS_KEY_ID", told.access_key_id.clone().ok_or_else(incomplete)?);
    environment.set("AWS_SECRET_ACCESS_KEY", part(&told.secret_access_key)?);
    environment.set("AWS_REGION", clients.region.as_str());
    // An instance's own metadata offers a role of AWS's account, without rights here. SDKs must not take it up.
    environment.set("AWS_EC2_METADATA_DISABLED", "true");
    if let Some(url) = wanted.aws_endpoint {
        environment.set("AWS_ENDPOINT_URL", url);
    }
    environment.set("JEWEL_TOKEN_ISSUER", outputs.token_issuer.as_str());
    environment.set("JEWEL_TOKEN_CLIENT_ID", outputs.user_pool_client_id.as_str());
    if let Some(url) = wanted.jwks_url {
        environment.set("JEWEL_JWKS_URL", url);
    }
    // The prefix is the one that the API's user may write to.
    environment.set("JEWEL_JOURNAL", format!("s3://{}/journal", outputs.backups_bucket));
    environment.set("JEWEL_MEDIA_BUCKET", outputs.media_bucket.as_str());
    environment.set("JEWEL_MEDIA_BASE_URL", "/media");
    environment.set("JEWEL_METRICS_NAMESPACE", wanted.metrics_namespace);
    environment.set("JEWEL_LOG", wanted.log);
    Ok(environment)
}
