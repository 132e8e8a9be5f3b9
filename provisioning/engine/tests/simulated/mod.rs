//! A cloud in memory with one kind of resource, eventual consistency and faults at chosen calls.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use jewel_engine::{
    Address, Attributes, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Ownership, Readiness,
    Resource, Rule, Stack,
};

/// What happens at a chosen call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// The caller dies before the call arrives; no later call works until healed.
    DiesBefore,
    /// The caller dies after the call had its effect.
    DiesAfter,
    /// The call has its effect, the answer does not arrive.
    LosesAnswer,
    /// The call is refused once.
    Throttles,
}

#[derive(Default)]
pub(crate) struct Cloud {
    state: Arc<Mutex<BTreeMap<String, Item>>>,
    log: Arc<Mutex<Vec<(&'static str, String)>>>,
    fault: Arc<Mutex<Option<(u64, Fault)>>>,
    refused: Arc<Mutex<Option<String>>>,
    dead: Arc<AtomicBool>,
    pub(crate) calls: Arc<AtomicU64>,
    ids: Arc<AtomicU64>,
}

#[derive(Clone)]
struct Item {
    attributes: Attributes,
    owner: Ownership,
    /// How many reads it still reads as being made.
    settling: u8,
}

impl Cloud {
    pub(crate) fn stack(&self, shape: &[Vec<usize>]) -> Stack {
        self.stack_of(shape, |_| Holds::Nothing)
    }

    pub(crate) fn stack_of(&self, shape: &[Vec<usize>], holds: impl Fn(usize) -> Holds) -> Stack {
        self.stack_without(shape, &[], holds)
    }

    pub(crate) fn stack_without(
        &self,
        shape: &[Vec<usize>],
        retired: &[usize],
        holds: impl Fn(usize) -> Holds,
    ) -> Stack {
        let mut stack = Stack::builder("simulated");
        for (i, needs) in shape.iter().enumerate() {
            let needs = needs.iter().map(|need| Thing::name(*need)).collect();
            let thing = Thing { cloud: self.share(), name: Thing::name(i), needs, holds: holds(i) };
            stack = stack.add_if(!retired.contains(&i), Thing::name(i).as_str(), thing);
        }
        stack.build().unwrap()
    }

    /// Sets a fault for the `at`th call from now.
    pub(crate) fn fault(&self, at: u64, fault: Fault) {
        *self.fault.lock().unwrap() = Some((self.calls.load(Ordering::SeqCst) + at, fault));
    }

    pub(crate) fn refuse(&self, name: &str) {
        *self.refused.lock().unwrap() = Some(name.to_owned());
    }

    pub(crate) fn heal(&self) {
        *self.fault.lock().unwrap() = None;
        self.dead.store(false, Ordering::SeqCst);
    }

    pub(crate) fn set(&self, name: &str, field: &str, value: &str) {
        self.state.lock().unwrap().get_mut(name).unwrap().attributes.insert(field.to_owned(), value.into());
    }

    pub(crate) fn plant(&self, name: &str) {
        self.plant_of(name, Ownership::Foreign("it is somebody's".to_owned()));
    }

    pub(crate) fn plant_shared(&self, name: &str) {
        self.plant_of(name, Ownership::Shared("it is somebody's".to_owned()));
    }

    fn plant_of(&self, name: &str, owner: Ownership) {
        let attributes = Attributes::from([("kind".into(), "thing".into()), ("id".into(), "x".into())]);
        let item = Item { attributes, owner, settling: 0 };
        self.state.lock().unwrap().insert(name.to_owned(), item);
    }

    /// Everything there is, without ids, which differ from run to run.
    pub(crate) fn state(&self) -> BTreeMap<String, Vec<String>> {
        let state = self.state.lock().unwrap();
        state.iter().map(|(name, item)| (name.clone(), item.attributes.keys().cloned().collect())).collect()
    }

    pub(crate) fn history(&self, what: &str) -> Vec<String> {
        self.log.lock().unwrap().iter().filter(|(verb, _)| *verb == what).map(|(_, name)| name.clone()).collect()
    }

    pub(crate) fn writes(&self) -> usize {
        self.log.lock().unwrap().len()
    }

    pub(crate) fn duplicates(&self) -> usize {
        let mut made = self.history("create");
        let all = made.len();
        made.sort();
        made.dedup();
        all - made.len()
    }

    fn share(&self) -> Self {
        Self {
            state: Arc::clone(&self.state),
            log: Arc::clone(&self.log),
            fault: Arc::clone(&self.fault),
            refused: Arc::clone(&self.refused),
            dead: Arc::clone(&self.dead),
            calls: Arc::clone(&self.calls),
            ids: Arc::clone(&self.ids),
        }
    }

    fn call<T>(&self, name: &str, effect: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let gone = || Failure::permanent("call", "the caller is dead");
        if self.dead.load(Ordering::SeqCst) {
            return Err(gone());
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let due = self.fault.lock().unwrap().filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        let transient = |kind| Err(Failure::new(kind, format!("call about {name}"), "try again"));
        match due {
            None => effect(),
            Some(Fault::Throttles) => transient(FailureKind::Throttled),
            Some(Fault::LosesAnswer) => {
                let _ = effect();
                transient(FailureKind::Transient)
            }
            Some(Fault::DiesBefore) => {
                self.dead.store(true, Ordering::SeqCst);
                Err(gone())
            }
            Some(Fault::DiesAfter) => {
                let _ = effect();
                self.dead.store(true, Ordering::SeqCst);
                Err(gone())
            }
        }
    }
}

/// A resource that is created with its kind alone and gets the rest by an update, as many are.
pub(crate) struct Thing {
    cloud: Cloud,
    name: String,
    needs: Vec<String>,
    holds: Holds,
}

/// What is lost with a thing.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Holds {
    Nothing,
    Memories,
    Data,
    /// It is a part of the first thing it needs.
    Part,
}

impl Thing {
    pub(crate) fn name(i: usize) -> String {
        format!("thing.{i}")
    }
}

#[async_trait]
impl Resource for Thing {
    fn title(&self) -> String {
        self.name.clone()
    }

    fn needs(&self) -> Vec<Address> {
        self.needs.iter().map(|need| need.as_str().into()).collect()
    }

    fn holds_data(&self) -> bool {
        self.holds == Holds::Data
    }

    fn part_of(&self) -> Option<Address> {
        (self.holds == Holds::Part).then(|| self.needs[0].as_str().into())
    }

    fn loss_by_replacement(&self) -> Option<&'static str> {
        (self.holds == Holds::Memories).then_some("its memories")
    }

    fn rule(&self, field: &str) -> Rule {
        if field == "kind" { Rule::Replace } else { Rule::Update }
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        let wanted = Desired::new().set("kind", "thing").set("size", 7);
        self.needs.iter().fold(wanted, |wanted, need| wanted.set(&format!("of {need}"), inputs.value(need, "id")))
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        self.cloud.call(&self.name, || {
            let mut state = self.cloud.state.lock().unwrap();
            let Some(item) = state.get_mut(&self.name) else { return Ok(None) };
            let waiting = item.settling > 0;
            item.settling = item.settling.saturating_sub(1);
            let mut found = Found::new().output("id", item.attributes.get("id").cloned());
            found.attributes = item.attributes.clone();
            found = found.owned(item.owner.clone());
            Ok(Some(if waiting { found.ready(Readiness::Waiting("being made".to_owned())) } else { found }))
        })
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        self.cloud.call(&self.name, || {
            if self.cloud.refused.lock().unwrap().as_deref() == Some(&self.name) {
                return Err(Failure::new(FailureKind::Denied, format!("create {}", self.name), "you may not"));
            }
            let mut state = self.cloud.state.lock().unwrap();
            if state.contains_key(&self.name) {
                return Err(Failure::new(FailureKind::Conflict, format!("create {}", self.name), "it exists"));
            }
            let id = self.cloud.ids.fetch_add(1, Ordering::SeqCst);
            let attributes = Attributes::from([("kind".into(), "thing".into()), ("id".into(), id.into())]);
            state.insert(self.name.clone(), Item { attributes, owner: Ownership::Ours, settling: 2 });
            self.cloud.log.lock().unwrap().push(("create", self.name.clone()));
            Ok(())
        })
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        self.cloud.call(&self.name, || {
            let mut state = self.cloud.state.lock().unwrap();
            let Some(item) = state.get_mut(&self.name) else {
                return Err(Failure::new(FailureKind::NotFound, format!("update {}", self.name), "it is gone"));
            };
            for change in changes {
                item.attributes.insert(change.field.clone(), change.after.clone().unwrap());
            }
            self.cloud.log.lock().unwrap().push(("update", self.name.clone()));
            Ok(())
        })
    }

    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.cloud.call(&self.name, || {
            let mut state = self.cloud.state.lock().unwrap();
            let item = state.get_mut(&self.name).unwrap();
            item.owner = Ownership::Ours;
            self.cloud.log.lock().unwrap().push(("adopt", self.name.clone()));
            Ok(())
        })
    }

    async fn delete(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.cloud.call(&self.name, || {
            self.cloud.state.lock().unwrap().remove(&self.name);
            self.cloud.log.lock().unwrap().push(("delete", self.name.clone()));
            Ok(())
        })
    }
}
