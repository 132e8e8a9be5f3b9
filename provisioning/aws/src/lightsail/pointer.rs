//! Which database and which instance play their roles now.

use aws_sdk_lightsail::{
    Client,
    types::{Instance, StaticIp},
};
use jewel_engine::{Failure, Memo};
use serde::Serialize;

use super::Machine;
use crate::{Clients, Error, Names, StackSpec, classify, secrets::DatabaseCredentials};

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
    let (names, first) = (Names::new(spec), Machine::numbered(1));
    let secret = DatabaseCredentials::secret(spec, clients);
    let (database, instance) = tokio::join!(
        DatabaseCredentials::pointer(&secret, &memo),
        instance_name(&clients.lightsail, &names, &first, &memo)
    );
    Ok(Pointers { database: database?.unwrap_or_else(|| names.generation("db", 1)), instance: instance? })
}

/// The instance the machine's static IP is attached to, if it is one of its generations.
pub(super) async fn instance_name(
    client: &Client,
    names: &Names,
    machine: &Machine,
    memo: &Memo,
) -> Result<String, Failure> {
    let role = machine.role();
    let address = static_ip(client, &names.role(role), memo).await?;
    let attached = address.as_ref().and_then(|address| address.attached_to()).unwrap_or_default();
    Ok(match names.number(role, attached) {
        Some(_) => attached.to_owned(),
        None => names.generation(role, 1),
    })
}

/// A static IP. All are asked for at once, so that several machines cost no more calls than one.
pub(super) async fn static_ip(client: &Client, name: &str, memo: &Memo) -> Result<Option<StaticIp>, Failure> {
    let all = memo.once("static ips", async {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let sent = client.get_static_ips().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the static IPs", error))?;
            all.extend(page.static_ips.unwrap_or_default());
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    });
    Ok(all.await?.iter().find(|one| one.name() == Some(name)).cloned())
}

/// An instance, asked for like a static IP.
pub(super) async fn instance(client: &Client, name: &str, memo: &Memo) -> Result<Option<Instance>, Failure> {
    let all = memo.once("instances", async {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let sent = client.get_instances().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the instances", error))?;
            all.extend(page.instances.unwrap_or_default());
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    });
    Ok(all.await?.iter().find(|one| one.name() == Some(name)).cloned())
}
