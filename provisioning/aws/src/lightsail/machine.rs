//! Which machine a resource belongs to, where there are several.

use jewel_engine::Address;

/// Static IPs a Region allows by default are five, and each machine has one; the fifth stays free for a replacement.
pub const MOST_INSTANCES: u32 = 4;

/// One of the machines the API runs on. The first plays the role `api`, the others `api-2`, `api-3` and so on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    role: String,
}

impl Machine {
    /// The machine of this number, counted from one.
    pub fn numbered(number: u32) -> Self {
        Self { role: if number <= 1 { "api".to_owned() } else { format!("api-{number}") } }
    }

    /// All there may be, the first one first.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..=MOST_INSTANCES).map(Self::numbered)
    }

    /// The middle part of its names.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// Where the instance is found.
    pub fn instance(&self) -> Address {
        Address::new("instance", &self.role)
    }

    /// Where its address is found.
    pub fn static_ip(&self) -> Address {
        Address::new("static-ip", &self.role)
    }

    /// Where its place behind the load balancer is found.
    pub(crate) fn place(&self) -> Address {
        Address::new("load-balancer-attachment", &self.role)
    }

    /// Where another part of it is found.
    pub(crate) fn part(&self, kind: &str) -> Address {
        Address::new(kind, &self.role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Names, StackSpec, address};

    #[test]
    fn the_first_machine_is_where_it_always_was() {
        let first = Machine::numbered(1);
        assert_eq!(first.instance().as_str(), address::INSTANCE);
        assert_eq!(first.static_ip().as_str(), address::STATIC_IP);
        assert_eq!(first.part("ports").as_str(), address::PORTS);
        assert_eq!(first.part("auto-snapshots").as_str(), address::AUTO_SNAPSHOTS);
        assert_eq!(first.part("static-ip-attachment").as_str(), address::ATTACHMENT);
    }

    #[test]
    fn generations_of_one_are_not_those_of_another() {
        let names = Names::new(&StackSpec::new("shop", "prod", "ap-southeast-1", "123456789012"));
        for one in Machine::all() {
            for other in Machine::all() {
                let name = names.generation(other.role(), 2);
                assert_eq!(names.number(one.role(), &name).is_some(), one == other, "{name}");
            }
        }
    }
}
