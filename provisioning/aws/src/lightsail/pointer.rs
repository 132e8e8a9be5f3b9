//! Which database and which instance play their roles now.

use aws_sdk_lightsail::{
    Client,
    types::{Instance, StaticIp},
};
use jewel_engine::{Failure, Memo};
use serde::Serialize;

use crate::{Clients, Error, Names, StackSpec, classify, failure::optional, secrets::DatabaseCredentials};

/// The Lightsail names behind the two roles. Without a pointer it is the first generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pointers {
    /// The database in use.
    pub database: String,
    /// The instance in use.
    pub instance: String,
}

/// Reads both pointers.
///
/// # Errors
/// When one cannot be read.
pub async fn pointers(spec: &StackSpec, clients: &Clients) -> Result<Pointers, Error> {
    let memo = Memo::default();
    let names = Names::new(spec);
    let secret = DatabaseCredentials::secret(spec, clients);
    let (database, instance) =
        tokio::join!(DatabaseCredentials::pointer(&secret, &memo), instance_name(&clients.lightsail, &names, &memo));
    Ok(Pointers { database: database?.unwrap_or_else(|| names.generation("db", 1)), instance: instance? })
}

/// The instance the static IP is attached to, if it is one of ours.
pub(super) async fn instance_name(client: &Client, names: &Names, memo: &Memo) -> Result<String, Failure> {
    let address = static_ip(client, &names.role("api"), memo).await?;
    let attached = address.as_ref().as_ref().and_then(|address| address.attached_to()).unwrap_or_default();
    Ok(match names.number("api", attached) {
        Some(_) => attached.to_owned(),
        None => names.generation("api", 1),
    })
}

/// The static IP, asked once in a pass.
pub(super) async fn static_ip(
    client: &Client,
    name: &str,
    memo: &Memo,
) -> Result<std::sync::Arc<Option<StaticIp>>, Failure> {
    memo.once(&format!("static ip {name}"), async {
        let sent = client.get_static_ip().static_ip_name(name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read static IP {name}"), error)))?;
        Ok(answer.and_then(|answer| answer.static_ip))
    })
    .await
}

/// An instance, asked once in a pass.
pub(super) async fn instance(
    client: &Client,
    name: &str,
    memo: &Memo,
) -> Result<std::sync::Arc<Option<Instance>>, Failure> {
    memo.once(&format!("instance {name}"), async {
        let sent = client.get_instance().instance_name(name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read instance {name}"), error)))?;
        Ok(answer.and_then(|answer| answer.instance))
    })
    .await
}
