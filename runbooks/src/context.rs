//! What every operation works on.

use std::net::IpAddr;

use jewel_aws::{Clients, Outputs};

/// A shop that exists, and who is asking.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The AWS clients.
    pub clients: &'a Clients,
    /// Names and addresses of the shop.
    pub outputs: &'a Outputs,
    /// The address this machine is seen under by the instance's firewall.
    pub caller: IpAddr,
}
