//! Deploying the API: its environment from the shop's outputs and secrets, then a rollout on the instance.

use std::path::Path;
use std::time::Duration;

use jewel_host::{Environment, Event, Report, Rollout};

use crate::{Error, Reach, database};

/// How many releases stay on the instance.
const KEEP: usize = 5;

/// What to deploy.
#[derive(Clone, Copy, Debug)]
pub struct DeployApi<'a> {
    /// The binary of `jewel-api` on this machine.
    pub binary: &'a Path,
    /// Its version.
    pub version: &'a str,
    /// Where the instance finds the keys that tokens are signed with, when that is not below the issuer's address.
    pub jwks_url: Option<&'a str>,
    /// What the API logs, in `tracing`'s filter syntax.
    pub log: &'a str,
    /// How long a started release may take to be ready.
    pub ready_within: Duration,
}

impl<'a> DeployApi<'a> {
    /// A deployment with the usual patience and logging.
    #[must_use]
    pub fn new(binary: &'a Path, version: &'a str) -> Self {
        Self { binary, version, jwks_url: None, log: "info", ready_within: Duration::from_secs(30) }
    }
}

/// Puts the API into service on the instance. The schema must have been migrated before.
///
/// # Errors
/// [`jewel_host::Error::Release`] when the release was not accepted; the one before it serves on then.
pub async fn deploy_api(
    reach: &Reach<'_>,
    wanted: &DeployApi<'_>,
    on_event: &mut (dyn FnMut(Event) + Send),
) -> Result<Report, Error> {
    let environment = environment(reach, wanted).await?;
    let rollout = Rollout {
        binary: wanted.binary,
        version: wanted.version,
        environment: &environment,
        ready_within: wanted.ready_within,
        keep: KEEP,
    };
    Ok(jewel_host::rollout(reach.session(), &rollout, on_event).await?)
}

async fn environment(reach: &Reach<'_>, wanted: &DeployApi<'_>) -> Result<Environment, Error> {
    let (clients, outputs) = (reach.context().clients, reach.context().outputs);
    let (database, origin) =
        tokio::try_join!(database::open(reach), database::secret(clients, &outputs.origin_secret))?;
    let password = database.ensure_api_user().await?;
    let secret = database.secret();
    let mut environment = Environment::default();
    environment.set("JEWEL_DATABASE_HOST", secret.host.as_str());
    environment.set("JEWEL_DATABASE_PORT", secret.port.to_string());
    environment.set("JEWEL_DATABASE_NAME", secret.dbname.as_str());
    environment.set("JEWEL_DATABASE_USER", database::API_USER);
    environment.set("JEWEL_DATABASE_PASSWORD", password);
    environment.set("JEWEL_DATABASE_TLS", "required");
    environment.set("JEWEL_ORIGIN_SECRETS", origin);
    environment.set("JEWEL_TOKEN_ISSUER", outputs.token_issuer.as_str());
    environment.set("JEWEL_TOKEN_CLIENT_ID", outputs.user_pool_client_id.as_str());
    if let Some(url) = wanted.jwks_url {
        environment.set("JEWEL_JWKS_URL", url);
    }
    environment.set("JEWEL_MEDIA_BASE_URL", "/media");
    environment.set("JEWEL_LOG", wanted.log);
    Ok(environment)
}
