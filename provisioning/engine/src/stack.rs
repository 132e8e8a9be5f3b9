//! The wanted resources and their edges, checked once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{Address, Found, Price, Resource, graph};

/// A validated graph of wanted resources.
#[derive(Clone)]
pub struct Stack {
    name: String,
    nodes: BTreeMap<Address, Node>,
    order: Vec<Address>,
}

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) resource: Arc<dyn Resource>,
    pub(crate) needs: Vec<Address>,
    pub(crate) read_needs: Vec<Address>,
    /// It was wanted once, and is not any more.
    pub(crate) retired: bool,
}

impl Node {
    /// The fixed price and those of its use.
    pub(crate) fn prices(&self) -> impl Iterator<Item = Price> {
        self.resource.price().into_iter().chain(self.resource.usage())
    }

    /// The same of the one that is there.
    pub(crate) fn prices_found(&self, found: &Found) -> impl Iterator<Item = Price> {
        self.resource.price_found(found).into_iter().chain(self.resource.usage())
    }
}

impl Stack {
    /// Starts a stack; `name` says which one it is, for people.
    pub fn builder(name: impl Into<String>) -> StackBuilder {
        StackBuilder { name: name.into(), entries: Vec::new(), retired: BTreeSet::new() }
    }

    /// Which stack it is, such as `shop-prod`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every address, each after what it needs.
    pub fn addresses(&self) -> &[Address] {
        &self.order
    }

    /// The resource at `address`.
    pub fn resource(&self, address: &str) -> Option<&dyn Resource> {
        self.nodes.get(address).map(|node| &*node.resource)
    }

    /// Whether the resource at `address` is to exist; one that is [retired](StackBuilder::retire) is not.
    pub fn wants(&self, address: &str) -> bool {
        self.nodes.get(address).is_some_and(|node| !node.retired)
    }

    /// The same stack without all that is not `wanted` and not needed by it: for reading a part.
    pub fn only(&self, wanted: impl Fn(&Address) -> bool) -> Self {
        let mut keep: Vec<&Address> = self.order.iter().filter(|a| wanted(a)).collect();
        let mut next = 0;
        while let Some(address) = keep.get(next).copied() {
            for need in self.nodes[address].read_needs.iter() {
                if !keep.contains(&need) {
                    keep.push(need);
                }
            }
            next += 1;
        }
        let nodes: BTreeMap<_, _> = keep
            .iter()
            .map(|address| {
                let node = &self.nodes[*address];
                let needs = node.needs.iter().filter(|n| keep.contains(n)).cloned().collect();
                ((*address).clone(), Node { needs, ..node.clone() })
            })
            .collect();
        let order = self.order.iter().filter(|a| nodes.contains_key(*a)).cloned().collect();
        Self { name: self.name.clone(), nodes, order }
    }

    /// In order, with its node.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Address, &Node)> {
        self.order.iter().map(|address| (address, &self.nodes[address]))
    }

    pub(crate) fn node(&self, address: &Address) -> Option<&Node> {
        self.nodes.get(address)
    }
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack").field("name", &self.name).field("order", &self.order).finish_non_exhaustive()
    }
}

/// Collects resources; edges are checked by [`StackBuilder::build`].
pub struct StackBuilder {
    name: String,
    entries: Vec<(Address, Arc<dyn Resource>)>,
    retired: BTreeSet<Address>,
}

impl StackBuilder {
    /// Adds a resource under an address of its own.
    #[must_use]
    pub fn add(mut self, address: impl Into<Address>, resource: impl Resource) -> Self {
        self.entries.push((address.into(), Arc::new(resource)));
        self
    }

    /// Adds a resource that other settings would want and these do not: where it is found, and is ours, a plan deletes
    /// it after everything else, or keeps and names it when it holds data.
    #[must_use]
    pub fn retire(mut self, address: impl Into<Address>, resource: impl Resource) -> Self {
        let address = address.into();
        self.retired.insert(address.clone());
        self.add(address, resource)
    }

    /// [`StackBuilder::add`] or [`StackBuilder::retire`].
    #[must_use]
    pub fn add_if(self, wanted: bool, address: impl Into<Address>, resource: impl Resource) -> Self {
        if wanted { self.add(address, resource) } else { self.retire(address, resource) }
    }

    /// Checks the graph.
    ///
    /// # Errors
    /// When two resources share an address, a need is not in the stack, or needs form a cycle.
    pub fn build(self) -> Result<Stack, StackError> {
        let mut nodes = BTreeMap::new();
        for (address, resource) in self.entries {
            let retired = self.retired.contains(&address);
            let read_needs = resource.read_needs();
            let mut needs = resource.needs();
            needs.extend(read_needs.iter().cloned());
            needs.sort();
            needs.dedup();
            if nodes.insert(address.clone(), Node { resource, needs, read_needs, retired }).is_some() {
                return Err(StackError::Duplicate { address });
            }
        }
        let edges: BTreeMap<_, _> =
            nodes.iter().map(|(a, n): (&Address, &Node)| (a.clone(), n.needs.clone())).collect();
        for (address, needs) in &edges {
            if let Some(need) = needs.iter().find(|need| !edges.contains_key(*need)) {
                return Err(StackError::Missing { address: address.clone(), need: need.clone() });
            }
        }
        let order = graph::topological(&edges).map_err(|cycle| StackError::Cycle {
            path: cycle.iter().map(Address::as_str).collect::<Vec<_>>().join(" -> "),
        })?;
        Ok(Stack { name: self.name, nodes, order })
    }
}

/// A stack that makes no sense. Always a mistake in the program, never in the settings.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// Two resources, one address.
    #[error("two resources have the address {address}")]
    Duplicate {
        /// The address.
        address: Address,
    },
    /// An edge into nothing.
    #[error("{address} needs {need}, which is not in the stack")]
    Missing {
        /// Who needs it.
        address: Address,
        /// What is needed.
        need: Address,
    },
    /// Needs that go round in a circle.
    #[error("resources need each other in a circle: {path}")]
    Cycle {
        /// The circle.
        path: String,
    },
}
