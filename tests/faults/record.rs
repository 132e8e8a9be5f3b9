//! An undisturbed run: what it calls, and what it leaves.

use std::collections::{BTreeMap, BTreeSet};

use jewel_tests::proxy::{Proxy, Rules, Seen};

use crate::Ground;
use crate::case::Shop;

/// What every disturbed run is held against.
#[derive(Debug)]
pub(crate) struct Record {
    /// The changing calls of a provision from nothing, as labels and which of that label.
    pub(crate) provision: Vec<(String, usize)>,
    /// Those of a destroy with its data.
    pub(crate) destroy: Vec<(String, usize)>,
    /// What there is after a provision.
    pub(crate) inventory: BTreeMap<String, usize>,
}

impl Record {
    /// Provisions and destroys a shop without any disturbance.
    pub(crate) fn make(ground: &Ground) -> Self {
        let shop = Shop::new(ground, "calm");
        shop.provision(Rules::default(), &[]).expect(0);
        let provision = changing(&shop.proxy);
        let inventory = ground.inventory.of("calm");
        assert!(inventory.len() > 20, "the inventory sees only {inventory:?}");
        shop.unchanged();
        shop.destroy(Rules::default()).expect(0);
        let destroy = changing(&shop.proxy);
        shop.gone();
        println!("{} changing calls of a provision, {} of a destroy", provision.len(), destroy.len());
        if std::env::var_os("JEWEL_FAULTS_SHOW").is_some() {
            provision.iter().for_each(|(label, nth)| println!("  provision {label} #{nth}"));
            destroy.iter().for_each(|(label, nth)| println!("  destroy {label} #{nth}"));
        }
        Self { provision, destroy, inventory }
    }
}

impl Record {
    /// Asserts that what there is, is what an undisturbed run leaves: nothing missing, nothing twice.
    #[track_caller]
    pub(crate) fn compare(&self, found: &BTreeMap<String, usize>) {
        let names: BTreeSet<&String> = self.inventory.keys().chain(found.keys()).collect();
        let count = |of: &BTreeMap<String, usize>, name| of.get(name).copied().unwrap_or_default();
        let wrong: Vec<String> = names
            .into_iter()
            .map(|name| (name, count(found, name), count(&self.inventory, name)))
            .filter(|(_, found, wanted)| found != wanted)
            .map(|(name, found, wanted)| format!("{name}: {found} instead of {wanted}"))
            .collect();
        assert!(wrong.is_empty(), "not what an undisturbed run leaves:\n{}", wrong.join("\n"));
    }
}

/// In the order of their names: that of arrival is another in each run, and slices would not add up to all.
fn changing(proxy: &Proxy) -> Vec<(String, usize)> {
    let changing = |seen: &Seen| seen.call.mutates.then(|| (seen.call.label.clone(), seen.call.occurrence));
    let mut calls: Vec<_> = proxy.calls().iter().filter_map(changing).collect();
    calls.sort();
    calls
}
