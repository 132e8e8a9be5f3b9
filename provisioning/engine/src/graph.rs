//! Order: what must come before what.

use std::collections::{BTreeMap, BTreeSet};

use crate::Address;

/// Sorts so that everything comes after what it needs, ties broken by address.
///
/// # Errors
/// The addresses of one cycle, in order.
pub(crate) fn topological(needs: &BTreeMap<Address, Vec<Address>>) -> Result<Vec<Address>, Vec<Address>> {
    let mut sorted = Vec::with_capacity(needs.len());
    let mut done = BTreeSet::new();
    while sorted.len() < needs.len() {
        // The smallest address that is ready: deterministic, and quadratic only in a few dozen resources.
        let ready =
            needs.iter().find(|(address, its)| !done.contains(*address) && its.iter().all(|n| done.contains(n)));
        let Some((address, _)) = ready else { return Err(find_cycle(needs, &done)) };
        done.insert(address.clone());
        sorted.push(address.clone());
    }
    Ok(sorted)
}

/// Follows unmet needs until an address repeats.
fn find_cycle(needs: &BTreeMap<Address, Vec<Address>>, done: &BTreeSet<Address>) -> Vec<Address> {
    let mut path: Vec<Address> = Vec::new();
    let mut current = needs.keys().find(|address| !done.contains(*address)).cloned();
    while let Some(address) = current {
        if let Some(start) = path.iter().position(|seen| *seen == address) {
            path.drain(..start);
            return path;
        }
        current = needs.get(&address).and_then(|its| its.iter().find(|n| !done.contains(*n)).cloned());
        path.push(address);
    }
    path
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn edges(pairs: &[(&str, &[&str])]) -> BTreeMap<Address, Vec<Address>> {
        pairs.iter().map(|(a, its)| (Address::from(*a), its.iter().map(|n| Address::from(*n)).collect())).collect()
    }

    #[test]
    fn a_cycle_is_named() {
        let cycle = topological(&edges(&[("a", &[]), ("b", &["a", "d"]), ("c", &["b"]), ("d", &["c"])])).unwrap_err();
        assert_eq!(cycle.iter().map(Address::as_str).collect::<Vec<_>>(), ["b", "d", "c"]);
    }

    proptest! {
        #[test]
        fn order_respects_edges(seed in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..20)) {
            // Edges only to lower numbers, names shuffled by reversing digits, so that no cycle can arise.
            let name = |i: usize| Address::from(format!("{:03}", (i * 37) % 101).as_str());
            let needs: BTreeMap<_, Vec<_>> = seed.iter().enumerate()
                .map(|(i, picks)| (name(i), if i == 0 { vec![] } else { picks.iter().map(|p| name(p.index(i))).collect() }))
                .collect();
            let sorted = topological(&needs).unwrap();
            let place = |a: &Address| sorted.iter().position(|s| s == a).unwrap();
            for (address, its) in &needs {
                for need in its {
                    prop_assert!(place(need) < place(address));
                }
            }
        }
    }
}
