//! Getting onto the instance: temporary keys from Lightsail, and a door (port 22) that is open only for the caller and
//! only meanwhile.
//!
//! The door has four ways to close: [`Reach::close`] (the normal one), dropping the [`Reach`] (an operation that was
//! given up), the next [`Context::reach`], which leaves at most its own address in the rule, whatever a killed command
//! left, and [`close_doors`]. A plan shows a door left open as a difference too.

use std::net::IpAddr;
use std::time::Duration;

use aws_sdk_lightsail::Client;
use aws_sdk_lightsail::types::{InstanceAccessProtocol, InstancePortState, NetworkProtocol, PortInfo, PortState};
use futures::future::join_all;
use jewel_aws::{ApiInstance, Clients, Outputs, classify};
use jewel_engine::Failure;
use jewel_host::{Access, Session};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::{Context, Error};

const SSH: u16 = 22;
/// A new instance boots, and a changed firewall takes effect, within this.
const CONNECT: Duration = Duration::from_secs(120);
/// Lightsail lists a new instance's host keys only once it has seen them.
const HOST_KEYS: Duration = Duration::from_secs(240);
const POLL: Duration = Duration::from_secs(2);

/// A connection to the instance through an open door.
#[derive(Debug)]
pub struct Reach<'a> {
    context: Context<'a>,
    session: Session,
    door: Door,
}

impl<'a> Context<'a> {
    /// Opens the first instance's door for the caller, gets temporary keys and connects.
    ///
    /// # Errors
    /// When Lightsail refuses, or the instance cannot be reached; the door is closed again then.
    pub async fn reach(&self) -> Result<Reach<'a>, Error> {
        self.reach_at(&self.outputs.instance_name, &self.outputs.static_ip).await
    }

    async fn reach_at(&self, instance: &str, address: &str) -> Result<Reach<'a>, Error> {
        let access = access(&self.clients.lightsail, instance, address).await?;
        let door = Door::open(self.clients.lightsail.clone(), instance.to_owned(), self.caller).await?;
        match jewel_host::connect(&access, CONNECT).await {
            Ok(session) => Ok(Reach { context: *self, session, door }),
            Err(error) => {
                // The reason why nobody could get in is the news, not that the door could not be closed either.
                let _ = door.close().await;
                Err(error.into())
            }
        }
    }

    /// Does some work on the first instance and closes the door afterwards, whatever came of the work.
    ///
    /// # Errors
    /// The work's own, or else what went wrong with the door.
    pub async fn on_instance<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: AsyncFnOnce(&Reach<'a>) -> Result<T, E>,
    {
        within(self.reach().await?, work).await
    }

    /// Does some work with a connection to every instance at once, and closes all doors afterwards.
    ///
    /// # Errors
    /// As [`Context::on_instance`]; when one instance cannot be reached, nothing is done on any.
    pub async fn on_every<T, E, F>(&self, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: AsyncFnOnce(&[Reach<'a>]) -> Result<T, E>,
    {
        let opening = self.outputs.instances.iter().map(|instance| self.reach_at(&instance.name, &instance.static_ip));
        let (mut reaches, mut failed) = (Vec::new(), None);
        for opened in join_all(opening).await {
            match opened {
                Ok(reach) => reaches.push(reach),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let result = match failed {
            Some(error) => Err(error.into()),
            None => work(&reaches).await,
        };
        let closed = join_all(reaches.into_iter().map(Reach::close)).await;
        let value = result?;
        closed.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(value)
    }

    /// Does the same work on one of the instances.
    ///
    /// # Errors
    /// As [`Context::on_instance`].
    pub async fn on<T, E, F>(&self, instance: &ApiInstance, work: F) -> Result<T, E>
    where
        E: From<Error>,
        F: AsyncFnOnce(&Reach<'a>) -> Result<T, E>,
    {
        within(self.reach_at(&instance.name, &instance.static_ip).await?, work).await
    }
}

async fn within<'a, T, E, F>(reach: Reach<'a>, work: F) -> Result<T, E>
where
    E: From<Error>,
    F: AsyncFnOnce(&Reach<'a>) -> Result<T, E>,
{
    let result = work(&reach).await;
    let closed = reach.close().await;
    let value = result?;
    closed?;
    Ok(value)
}

impl<'a> Reach<'a> {
    /// The connection.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The instance it leads to.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.door.instance
    }

    /// The shop it leads to.
    #[must_use]
    pub fn context(&self) -> &Context<'a> {
        &self.context
    }

    /// Ends the connection and closes the door.
    ///
    /// # Errors
    /// When Lightsail refuses to close port 22; the next command will try again.
    pub async fn close(self) -> Result<(), Error> {
        self.session.close().await;
        self.door.close().await
    }
}

/// Closes port 22 of every instance where a killed command left it open; gives the names of those. Connections that are
/// in use stay.
///
/// # Errors
/// When Lightsail refuses.
pub async fn close_doors(clients: &Clients, outputs: &Outputs) -> Result<Vec<String>, Error> {
    let mut left_open = Vec::new();
    for instance in &outputs.instances {
        let door = Door { lightsail: clients.lightsail.clone(), instance: instance.name.clone(), open: false };
        if door.put(None).await? {
            left_open.push(instance.name.clone());
        }
    }
    Ok(left_open)
}

/// Temporary keys for an instance, its host keys included.
///
/// # Errors
/// When Lightsail refuses, or does not know the host keys before the deadline.
pub async fn access(lightsail: &Client, instance: &str, address: &str) -> Result<Access, Error> {
    let ends = Instant::now() + HOST_KEYS;
    let action = || format!("get access to instance {instance}");
    loop {
        let request = lightsail.get_instance_access_details().instance_name(instance);
        let answer = request.protocol(InstanceAccessProtocol::Ssh).send().await.map_err(|e| classify(action(), e))?;
        let details =
            answer.access_details.unwrap_or_else(|| aws_sdk_lightsail::types::InstanceAccessDetails::builder().build());
        let host_keys: Vec<String> =
            details.host_keys().iter().filter_map(|key| host_key(key.algorithm()?, key.public_key()?)).collect();
        if !host_keys.is_empty() {
            let missing = |reason| Error::NoAccess { instance: instance.to_owned(), reason };
            return Ok(Access {
                host: address.to_owned(),
                port: SSH,
                user: details.username.ok_or_else(|| missing("Lightsail named no user"))?,
                private_key: details
                    .private_key
                    .map(SecretString::from)
                    .ok_or_else(|| missing("Lightsail gave no key"))?,
                certificate: details.cert_key.ok_or_else(|| missing("Lightsail gave no certificate"))?,
                host_keys,
            });
        }
        if Instant::now() + POLL >= ends {
            let reason = "Lightsail lists no host key for it, and an unknown machine is not trusted";
            return Err(Error::NoAccess { instance: instance.to_owned(), reason });
        }
        tokio::time::sleep(POLL).await;
    }
}

/// A line of `known_hosts` without the host; `None` for algorithms nobody should accept any more.
fn host_key(algorithm: &str, key: &str) -> Option<String> {
    let known = ["ssh-ed25519", "ssh-rsa"].contains(&algorithm) || algorithm.starts_with("ecdsa-sha2-nistp");
    // Lightsail gives the key's body alone.
    let body = key.split_whitespace().find(|word| word.starts_with("AAAA"))?;
    known.then(|| format!("{algorithm} {body}"))
}

/// Port 22 of an instance, open for one address.
#[derive(Debug)]
struct Door {
    lightsail: Client,
    instance: String,
    open: bool,
}

impl Door {
    async fn open(lightsail: Client, instance: String, caller: IpAddr) -> Result<Self, Error> {
        // Made before the call: when the answer is lost the door may be open all the same.
        let door = Self { lightsail, instance, open: true };
        door.put(Some(caller)).await?;
        Ok(door)
    }

    async fn close(mut self) -> Result<(), Error> {
        self.open = false;
        self.put(None).await?;
        Ok(())
    }

    /// Replaces the rule for SSH and leaves all others as they are: the call sets all of them at once. Gives whether it
    /// was another one.
    async fn put(&self, caller: Option<IpAddr>) -> Result<bool, Failure> {
        let instance = &self.instance;
        let action = format!("read the open ports of instance {instance}");
        let ask = self.lightsail.get_instance_port_states().instance_name(instance);
        let answer = ask.send().await.map_err(|error| classify(action, error))?;
        let states = answer.port_states.unwrap_or_default();
        let wanted = port_infos(&states, caller);
        if is_as_wanted(&states, caller) {
            return Ok(false);
        }
        let action = format!("{} port 22 of instance {instance}", if caller.is_some() { "open" } else { "close" });
        let put = self.lightsail.put_instance_public_ports().instance_name(instance).set_port_infos(Some(wanted));
        put.send().await.map_err(|error| classify(action, error))?;
        Ok(true)
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        if !self.open {
            return;
        }
        // Given up half-way. There may be no time left for this, in which case the next command does it.
        let door = Self { lightsail: self.lightsail.clone(), instance: self.instance.clone(), open: false };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { door.put(None).await });
        }
    }
}

fn is_ssh(state: &InstancePortState) -> bool {
    state.from_port == i32::from(SSH)
        && state.to_port == i32::from(SSH)
        && matches!(state.protocol, Some(NetworkProtocol::Tcp))
}

fn is_open(state: &InstancePortState) -> bool {
    !matches!(state.state, Some(PortState::Closed))
}

fn cidr(caller: IpAddr) -> String {
    match caller {
        IpAddr::V4(address) => format!("{address}/32"),
        IpAddr::V6(address) => format!("{address}/128"),
    }
}

fn is_as_wanted(states: &[InstancePortState], caller: Option<IpAddr>) -> bool {
    let ssh: Vec<_> = states.iter().filter(|state| is_open(state) && is_ssh(state)).collect();
    match (ssh.as_slice(), caller) {
        ([], None) => true,
        ([state], Some(caller)) => {
            let cidrs = state.cidrs().iter().chain(state.ipv6_cidrs());
            state.cidr_list_aliases().is_empty() && cidrs.eq(&[cidr(caller)])
        }
        _ => false,
    }
}

fn port_infos(states: &[InstancePortState], caller: Option<IpAddr>) -> Vec<PortInfo> {
    let kept = states.iter().filter(|state| is_open(state) && !is_ssh(state)).map(|state| {
        PortInfo::builder()
            .from_port(state.from_port)
            .to_port(state.to_port)
            .set_protocol(state.protocol.clone())
            .set_cidrs(state.cidrs.clone())
            .set_ipv6_cidrs(state.ipv6_cidrs.clone())
            .set_cidr_list_aliases(state.cidr_list_aliases.clone())
            .build()
    });
    let door = caller.map(|caller| {
        let rule = PortInfo::builder().from_port(SSH.into()).to_port(SSH.into()).protocol(NetworkProtocol::Tcp);
        match caller {
            IpAddr::V4(_) => rule.cidrs(cidr(caller)).build(),
            IpAddr::V6(_) => rule.ipv6_cidrs(cidr(caller)).build(),
        }
    });
    kept.chain(door).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(port: i32, cidr: &str) -> InstancePortState {
        InstancePortState::builder()
            .from_port(port)
            .to_port(port)
            .protocol(NetworkProtocol::Tcp)
            .state(PortState::Open)
            .cidrs(cidr)
            .build()
    }

    #[test]
    fn the_door_opens_for_one_address_and_leaves_other_ports_alone() {
        let caller = "203.0.113.7".parse().unwrap();
        let states = [state(80, "0.0.0.0/0"), state(22, "198.51.100.1/32")];
        let open = port_infos(&states, Some(caller));
        assert_eq!(open.len(), 2);
        assert_eq!((open[0].from_port, open[0].cidrs()), (80, &["0.0.0.0/0".to_owned()][..]));
        assert_eq!((open[1].from_port, open[1].cidrs()), (22, &["203.0.113.7/32".to_owned()][..]));
        let closed = port_infos(&states, None);
        assert_eq!(closed.iter().map(|info| info.from_port).collect::<Vec<_>>(), [80]);
    }

    #[test]
    fn nothing_is_written_when_the_door_is_as_it_should_be() {
        let caller: IpAddr = "203.0.113.7".parse().unwrap();
        let (web, ours, all) = (state(80, "0.0.0.0/0"), state(22, "203.0.113.7/32"), state(22, "0.0.0.0/0"));
        assert!(is_as_wanted(&[web.clone(), ours.clone()], Some(caller)));
        assert!(!is_as_wanted(&[web.clone(), all], Some(caller)));
        assert!(!is_as_wanted(&[web.clone(), ours], None));
        assert!(is_as_wanted(&[web], None));
    }

    #[test]
    fn only_host_keys_worth_comparing_are_taken() {
        assert_eq!(host_key("ssh-ed25519", "AAAAC3Nz").as_deref(), Some("ssh-ed25519 AAAAC3Nz"));
        assert_eq!(host_key("ssh-rsa", "ssh-rsa AAAAB3Nz root@host").as_deref(), Some("ssh-rsa AAAAB3Nz"));
        assert_eq!(host_key("ssh-dss", "AAAAB3Nz"), None);
    }
}
