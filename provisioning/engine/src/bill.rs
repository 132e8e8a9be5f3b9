//! What all of a stack costs by the month: the prices of its resources, put together by what they are paid for.

use serde::Serialize;

use crate::{Address, Covered, Price, Stack, Usd};

/// A month's bill.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Bill {
    /// One line for each item, in the order in which the stack is made.
    pub lines: Vec<Line>,
}

/// One item, of all resources together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The price, with the quantity of all of them.
    #[serde(flatten)]
    pub price: Price,
    /// Who has it.
    pub resources: Vec<Address>,
    /// What it costs a month.
    pub usd: Usd,
    /// What it costs while the subscription pays its part.
    pub subscribed_usd: Usd,
}

impl Line {
    fn new(address: &Address, price: Price) -> Self {
        let mut line =
            Self { price, resources: vec![address.clone()], usd: Usd::default(), subscribed_usd: Usd::default() };
        line.settle();
        line
    }

    fn settle(&mut self) {
        let price = &self.price;
        let paid = (price.quantity - price.free).max(0.0);
        let subscribed = match price.covered {
            Covered::Nothing => paid,
            Covered::Units(units) => (paid - units).max(0.0),
            Covered::Everything => 0.0,
        };
        self.usd = price.unit_usd.times(paid);
        self.subscribed_usd = price.unit_usd.times(subscribed);
    }
}

impl Bill {
    /// The bill for these prices. Those of one item become one line: what is free of it is free only once.
    pub fn of<'a>(prices: impl IntoIterator<Item = (&'a Address, Price)>) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        for (address, price) in prices {
            let same = |line: &&mut Line| line.price.item == price.item && line.price.unit_usd == price.unit_usd;
            match lines.iter_mut().find(same) {
                Some(line) => {
                    line.price.quantity += price.quantity;
                    line.price.confirmed &= price.confirmed;
                    if line.resources.last() != Some(address) {
                        line.resources.push(address.clone());
                    }
                    line.settle();
                }
                None => lines.push(Line::new(address, price)),
            }
        }
        Self { lines }
    }

    /// What all of it costs, without a subscription.
    pub fn total(&self) -> Usd {
        self.lines.iter().map(|line| line.usd).sum()
    }

    /// What all of it costs while a subscription pays its part.
    pub fn subscribed_total(&self) -> Usd {
        self.lines.iter().map(|line| line.subscribed_usd).sum()
    }

    /// What of the one total or the other rests on an assumption about use.
    pub fn expected(&self, subscribed: bool) -> Usd {
        let lines = self.lines.iter().filter(|line| line.price.assumption.is_some());
        lines.map(|line| if subscribed { line.subscribed_usd } else { line.usd }).sum()
    }
}

impl Stack {
    /// What all of it costs by the month. Nothing is read: it is what the stack as wanted costs.
    pub fn bill(&self) -> Bill {
        let wanted = self.iter().filter(|(_, node)| !node.retired);
        Bill::of(wanted.flat_map(|(address, node)| node.prices().map(move |price| (address, price))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarms(quantity: f64) -> Price {
        Price {
            item: "alarm".into(),
            quantity,
            unit: "alarm".into(),
            unit_usd: Usd::cents(10),
            free: 10.0,
            covered: Covered::Nothing,
            assumption: None,
            region: "global".into(),
            source: "a test".into(),
            as_of: "2026-01-01".into(),
            confirmed: true,
        }
    }

    #[test]
    fn what_is_free_is_free_once() {
        let addresses: Vec<Address> = (0..12).map(|n| Address::new("alarm", &n.to_string())).collect();
        let bill = Bill::of(addresses.iter().map(|address| (address, alarms(1.0))));
        assert_eq!((bill.lines.len(), bill.total()), (1, Usd::cents(20)));
        assert_eq!(bill.lines[0].resources.len(), 12);
    }

    #[test]
    fn a_subscription_pays_its_part() {
        let address = Address::new("a", "b");
        let of = |covered| {
            let bill = Bill::of([(&address, Price { covered, assumption: Some("use".into()), ..alarms(20.0) })]);
            (bill.total(), bill.subscribed_total(), bill.expected(false))
        };
        let usd = Usd::cents;
        assert_eq!(of(Covered::Nothing), (usd(100), usd(100), usd(100)));
        assert_eq!(of(Covered::Units(4.0)), (usd(100), usd(60), usd(100)));
        assert_eq!(of(Covered::Everything), (usd(100), usd(0), usd(100)));
    }
}
