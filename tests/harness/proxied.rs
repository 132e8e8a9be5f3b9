//! A cloud seen through the proxy: commands go the way they go to AWS, by endpoints in their environment.

use std::process::Child;

use crate::proxy::{Proxy, Rules};
use crate::{Answer, Cloud, Jewelctl};

/// A running local cloud and a proxy in front of it.
#[derive(Debug)]
pub struct Proxied<'a> {
    /// What stands between.
    pub proxy: Proxy,
    cloud: &'a Cloud,
    variables: Vec<(String, String)>,
}

impl<'a> Proxied<'a> {
    /// Puts a proxy in front of a cloud that runs.
    pub fn new(cloud: &'a Cloud) -> Self {
        let variables = cloud.variables();
        let upstream = |name| variables.iter().find(|(key, _)| key == name).map(|(_, url)| url.as_str()).expect(name);
        let proxy = Proxy::new(upstream("AWS_ENDPOINT_URL"), upstream("AWS_ENDPOINT_URL_LIGHTSAIL"));
        Self { proxy, cloud, variables }
    }

    /// A command through the proxy, to its end. Each begins a new record.
    pub fn run(&self, rules: Rules, args: &[&str]) -> Answer {
        self.proxy.begin(rules);
        self.command(args).run()
    }

    /// A command through the proxy, started. The proxy's record goes on.
    pub fn spawn(&self, args: &[&str]) -> Child {
        let child = self.command(args).spawn();
        self.proxy.victim(child.id());
        child
    }

    fn command(&self, args: &[&str]) -> Jewelctl {
        let mut command = self.cloud.command(args).env("JEWEL_TARGET", "aws");
        for (name, value) in &self.variables {
            command = command.env(name, value);
        }
        command.env("AWS_ENDPOINT_URL", &self.proxy.gateway).env("AWS_ENDPOINT_URL_LIGHTSAIL", &self.proxy.lightsail)
    }
}
