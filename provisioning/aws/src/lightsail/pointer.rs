//! Which database and which instance play their roles now.

use std::sync::Arc;

use aws_sdk_lightsail::{
    Client,
    types::{Instance, RelationalDatabase, StaticIp},
};
use jewel_engine::{Failure, Memo};
use serde::Serialize;

use super::Machine;
use crate::{Clients, Error, Names, StackSpec, classify, secrets::DatabaseCredentials};

/// The Lightsail names behind the two roles. Without a pointer it is the newest generation, or the first to come.
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
    let database = async {
        match DatabaseCredentials::pointer(&secret, &memo).await? {
            Some(name) => Ok(name),
            None => unnamed_database(&clients.lightsail, &names, &memo).await,
        }
    };
    let (database, instance) = tokio::join!(database, instance_name(&clients.lightsail, &names, &first, &memo));
    Ok(Pointers { database: database?, instance: instance? })
}

/// The instance the machine's static IP is attached to, if it is one of its generations. Without: the newest there is, so
/// that what takes a shop down finds it still when its address is gone.
pub(super) async fn instance_name(
    client: &Client,
    names: &Names,
    machine: &Machine,
    memo: &Memo,
) -> Result<String, Failure> {
    let role = machine.role();
    let address = static_ip(client, &names.role(role), memo).await?;
    let attached = address.as_ref().and_then(|address| address.attached_to()).unwrap_or_default();
    if names.number(role, attached).is_some() {
        return Ok(attached.to_owned());
    }
    let all = instances(client, memo).await?;
    Ok(newest(names, role, all.iter().filter_map(Instance::name)))
}

/// The database that plays the role although no secret says which: the newest there is.
pub(super) async fn unnamed_database(client: &Client, names: &Names, memo: &Memo) -> Result<String, Failure> {
    let all = databases(client, memo).await?;
    Ok(newest(names, "db", all.iter().filter_map(RelationalDatabase::name)))
}

/// The name with the highest number, or the one that the first generation gets.
fn newest<'n>(names: &Names, role: &str, there: impl Iterator<Item = &'n str>) -> String {
    let number = there.filter_map(|name| names.number(role, name)).max().unwrap_or(1);
    names.generation(role, number)
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
    Ok(instances(client, memo).await?.iter().find(|one| one.name() == Some(name)).cloned())
}

/// A database, asked for like a static IP.
pub(super) async fn database(client: &Client, name: &str, memo: &Memo) -> Result<Option<RelationalDatabase>, Failure> {
    Ok(databases(client, memo).await?.iter().find(|one| one.name() == Some(name)).cloned())
}

async fn databases(client: &Client, memo: &Memo) -> Result<Arc<Vec<RelationalDatabase>>, Failure> {
    memo.once("databases", async {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let sent = client.get_relational_databases().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the databases", error))?;
            all.extend(page.relational_databases.unwrap_or_default());
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    })
    .await
}

async fn instances(client: &Client, memo: &Memo) -> Result<Arc<Vec<Instance>>, Failure> {
    memo.once("instances", async {
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
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_pointer_it_is_the_newest_of_ours() {
        let names = Names::new(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"));
        let newest = |there: &[&str]| newest(&names, "db", there.iter().copied());
        let (first, ninth, tenth) = (names.generation("db", 1), names.generation("db", 9), names.generation("db", 10));
        assert_eq!(newest(&[]), first);
        assert_eq!(newest(&[&tenth, &first, &ninth, "other-prod-db-11"]), tenth);
    }
}
