//! What the rest of the program needs to know of a stack that exists.

use jewel_engine::{ObserveOptions, OutputMap};
use serde::{Deserialize, Serialize};

use crate::{Clients, Error, Machine, Names, StackSpec, address, stack};

/// Names, ids and addresses of the stack. No secret is among them, only the names of secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outputs {
    /// Where the pages are.
    pub site_bucket: String,
    /// Where the pictures are, under the key prefix `media/`.
    pub media_bucket: String,
    /// Where dumps and archives are.
    pub backups_bucket: String,
    /// Where the lock and the records of runs are.
    pub operations_bucket: String,
    /// The CloudFront distribution.
    pub distribution_id: String,
    /// The shop's address without a scheme.
    pub distribution_domain: String,
    /// Where visitors find the shop, without a scheme: its own domain, or the distribution's.
    pub site_host: String,
    /// The HTTP API.
    pub api_id: String,
    /// Its address, with a scheme.
    pub api_endpoint: String,
    /// Every instance that serves the API, the first one first.
    pub instances: Vec<ApiInstance>,
    /// The first of them.
    pub instance_name: String,
    /// The instance's public address.
    pub static_ip: String,
    /// The database in use now: its name in Lightsail, or the host of an external one.
    pub database_name: String,
    /// The name of the secret with the database's credentials.
    pub database_secret: String,
    /// The name of the secret with the API's key and with what it checks requests by.
    pub api_secret: String,
    /// The name of the secret that backups are read with.
    pub backup_secret: String,
    /// The ARN of the role that the pipeline takes, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ci_role: Option<String>,
    /// The Cognito user pool.
    pub user_pool_id: String,
    /// The shop's client id in it.
    pub user_pool_client_id: String,
    /// The first label of the login domain.
    pub user_pool_domain: String,
    /// The `iss` of its tokens.
    pub token_issuer: String,
}

/// One of the instances that serve the API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiInstance {
    /// Its name in Lightsail.
    pub name: String,
    /// Its public address.
    pub static_ip: String,
}

/// Collects the outputs of a stack, of [`jewel_engine::Observed::outputs`] or [`jewel_engine::Report::outputs`].
///
/// `None` while a resource that gives one of them is missing.
pub fn outputs(map: &OutputMap) -> Option<Outputs> {
    let text = |address: &str, output: &str| Some(map.get(address)?.get(output)?.as_str()?.to_owned());
    Some(Outputs {
        site_bucket: text(address::SITE_BUCKET, "name")?,
        media_bucket: text(address::MEDIA_BUCKET, "name")?,
        backups_bucket: text(address::BACKUPS_BUCKET, "name")?,
        operations_bucket: text(address::OPERATIONS_BUCKET, "name")?,
        distribution_id: text(address::DISTRIBUTION, "id")?,
        distribution_domain: text(address::DISTRIBUTION, "domain")?,
        site_host: text(address::DISTRIBUTION, "host")?,
        api_id: text(address::API, "id")?,
        api_endpoint: text(address::API, "endpoint")?,
        instances: Machine::all()
            .filter_map(|machine| {
                let (instance, address) = (machine.instance(), machine.static_ip());
                Some(ApiInstance {
                    name: text(instance.as_str(), "name")?,
                    static_ip: text(address.as_str(), "address")?,
                })
            })
            .collect(),
        instance_name: text(address::INSTANCE, "name")?,
        static_ip: text(address::STATIC_IP, "address")?,
        // A Lightsail database that an external one has taken the place of may still be there.
        database_name: text(address::EXTERNAL_DATABASE, "name").or_else(|| text(address::DATABASE, "name"))?,
        database_secret: text(address::EXTERNAL_DATABASE, "secret")
            .or_else(|| text(address::DATABASE_SECRET, "name"))?,
        api_secret: text(address::API_SECRET, "name")?,
        backup_secret: text(address::BACKUP_SECRET, "name")?,
        ci_role: text(address::CI_ROLE, "arn"),
        user_pool_id: text(address::USER_POOL, "id")?,
        user_pool_client_id: text(address::USER_POOL_CLIENT, "id")?,
        user_pool_domain: text(address::USER_POOL_DOMAIN, "domain")?,
        token_issuer: text(address::USER_POOL, "issuer")?,
    })
}

/// Reads only what has outputs, for commands that work on a stack that exists.
///
/// `None` when the stack does not exist, or not all of it.
///
/// # Errors
/// When something could not be read.
pub async fn read_outputs(spec: &StackSpec, clients: &Clients) -> Result<Option<Outputs>, Error> {
    // Buckets have names that need no reading.
    let whole = stack(spec, clients)?;
    let part = whole.only(|address| {
        whole.wants(address.as_str())
            && (matches!(address.kind(), "instance" | "static-ip")
                || matches!(
                    address.as_str(),
                    address::DISTRIBUTION
                        | address::API
                        | address::DATABASE
                        | address::DATABASE_SECRET
                        | address::EXTERNAL_DATABASE
                        | address::API_SECRET
                        | address::BACKUP_SECRET
                        | address::CI_ROLE
                        | address::USER_POOL
                        | address::USER_POOL_CLIENT
                        | address::USER_POOL_DOMAIN
                ))
    });
    let observed = jewel_engine::observe(&part, &ObserveOptions::default(), &|_| {}).await;
    if let Some((_, failure)) = observed.first_failure() {
        return Err(failure.clone().into());
    }
    let mut map = observed.outputs();
    let names = Names::new(spec);
    for (address, role) in [
        (address::SITE_BUCKET, "site"),
        (address::MEDIA_BUCKET, "media"),
        (address::BACKUPS_BUCKET, "backups"),
        (address::OPERATIONS_BUCKET, "operations"),
    ] {
        map.insert(address.into(), [("name".to_owned(), names.bucket(role).into())].into());
    }
    Ok(outputs(&map).filter(|outputs| outputs.instances.len() == spec.api.instances as usize))
}
