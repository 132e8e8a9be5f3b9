//! The contract between the engine and one kind of resource.

use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{Address, Attributes, Desired, Event, EventKind, Failure, FieldChange, Inputs, Memo, Price, Sink};

/// One thing in a cloud: what is wanted, how it is read, made, changed and deleted.
///
/// Implementations need no loops, waits or "does it exist already?" questions: the engine reads before and after every
/// write, waits while [`Found::readiness`] says so, and repeats what is worth repeating.
#[async_trait]
pub trait Resource: Send + Sync + 'static {
    /// What it is called, for people: kind and real name, such as `bucket shop-prod-site-123456789012`.
    fn title(&self) -> String;

    /// The resources whose outputs it uses, or which must exist before it for another reason.
    fn needs(&self) -> Vec<Address> {
        Vec::new()
    }

    /// Those of [`Resource::needs`] without whose outputs it cannot be read. Reads wait for nothing else.
    fn read_needs(&self) -> Vec<Address> {
        Vec::new()
    }

    /// Whether deleting it loses something that cannot be made again.
    fn holds_data(&self) -> bool {
        false
    }

    /// What a replacement loses that is neither data nor made again, if anything. A plan replaces such a resource only
    /// when it was named.
    fn loss_by_replacement(&self) -> Option<&'static str> {
        None
    }

    /// Where its data is, said when it is kept: `database shop-prod-db-1 in ap-southeast-1`.
    fn whereabouts(&self, _found: &Found) -> String {
        self.title()
    }

    /// How else to get what only a new one could have, said when a plan refuses to replace what holds data.
    fn instead_of_replacing(&self) -> &'static str {
        ""
    }

    /// The resource it is a part of and goes with: a plan that deletes that one has nothing to do here.
    fn part_of(&self) -> Option<Address> {
        None
    }

    /// Whether a destroy deletes it only after everything else.
    fn last_to_go(&self) -> bool {
        false
    }

    /// What it costs by the month however much it is used; nothing said means that nobody has looked.
    fn price(&self) -> Option<Price> {
        None
    }

    /// The same of the one that is there, where that may be another than the one wanted.
    fn price_found(&self, _found: &Found) -> Option<Price> {
        self.price()
    }

    /// What its use costs by the month, as far as that can be expected.
    fn usage(&self) -> Vec<Price> {
        Vec::new()
    }

    /// How long one step may take in all.
    fn deadline(&self) -> Duration {
        Duration::from_secs(5 * 60)
    }

    /// What a difference in `field` asks for.
    fn rule(&self, _field: &str) -> Rule {
        Rule::Update
    }

    /// What is wanted. Pure: called while planning with what is known then, and again while applying.
    fn desired(&self, inputs: &Inputs) -> Desired;

    /// What is there, or `None`. Must not write.
    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure>;

    /// Makes it. May leave attributes for [`Resource::update`], which is called for what still differs.
    ///
    /// A name that is taken must fail with [`crate::FailureKind::Conflict`]; the engine then reads again.
    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure>;

    /// Mends exactly the fields that differ.
    async fn update(&self, cx: &Context<'_>, found: &Found, changes: &[FieldChange]) -> Result<(), Failure>;

    /// Marks a foreign resource as ours.
    async fn adopt(&self, _cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        Err(Failure::permanent(format!("adopt {}", self.title()), "this kind of resource cannot be taken over"))
    }

    /// Deletes it, or does the next thing that leads there. Called again until [`Resource::read`] finds nothing.
    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure>;
}

/// What a difference in a field asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// It can be changed in place.
    Update,
    /// Only a new resource can have the wanted value.
    Replace,
    /// It counts only at creation, and a difference later means nothing.
    CreateOnly,
}

/// What a read found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// Whether it is ours.
    pub ownership: Ownership,
    /// Whether it can be used.
    pub readiness: Readiness,
    /// Its managed attributes, named as in [`Resource::desired`].
    pub attributes: Attributes,
    /// What it offers to other resources and to people.
    pub outputs: Attributes,
}

impl Default for Found {
    fn default() -> Self {
        Self {
            ownership: Ownership::Ours,
            readiness: Readiness::Ready,
            attributes: Attributes::new(),
            outputs: Attributes::new(),
        }
    }
}

impl Found {
    /// A resource of ours that is ready.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute that was read.
    #[must_use]
    pub fn attribute(mut self, field: &str, value: impl Into<Json>) -> Self {
        self.attributes.insert(field.to_owned(), value.into());
        self
    }

    /// Adds an output.
    #[must_use]
    pub fn output(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.outputs.insert(name.to_owned(), value.into());
        self
    }

    /// Says whose it is.
    #[must_use]
    pub fn owned(mut self, ownership: Ownership) -> Self {
        self.ownership = ownership;
        self
    }

    /// Says whether it can be used.
    #[must_use]
    pub fn ready(mut self, readiness: Readiness) -> Self {
        self.readiness = readiness;
        self
    }

    /// An output as text.
    ///
    /// # Errors
    /// When the read did not give it; that is a mistake in the resource.
    pub fn text(&self, output: &str) -> Result<&str, Failure> {
        self.outputs
            .get(output)
            .and_then(Json::as_str)
            .ok_or_else(|| Failure::permanent(format!("use output `{output}`"), "the read did not give it"))
    }
}

/// Whose resource it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ownership {
    /// It carries our marks, or its kind can carry none.
    Ours,
    /// It has our name but not our marks; the text says what it carries instead.
    Foreign(String),
    /// It is somebody else's and used as it is: nobody changes, takes over or deletes it. The text says whose it is.
    Shared(String),
}

/// Whether a resource can be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// Yes.
    Ready,
    /// Not yet; the text is the cloud's word for its state.
    Waiting(String),
    /// Never, without help; the text says why.
    Failed(String),
}

/// What a resource may use while it works.
pub struct Context<'a> {
    /// The outputs of the resources it needs.
    pub inputs: Inputs,
    /// Answers of this pass.
    pub memo: &'a Memo,
    pub(crate) address: &'a Address,
    pub(crate) sink: Sink<'a>,
    pub(crate) started: Instant,
}

impl Context<'_> {
    /// Says what is being done or waited for.
    pub fn progress(&self, status: impl Into<String>) {
        let elapsed_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        (self.sink)(Event::new(self.address, EventKind::Waiting { status: status.into(), elapsed_ms }));
    }
}
