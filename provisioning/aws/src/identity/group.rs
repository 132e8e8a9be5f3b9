//! A group of the user pool; tokens carry the groups of their user.

use async_trait::async_trait;
use aws_sdk_cognitoidentityprovider::Client;
use jewel_engine::{Address, Context, Desired, Failure, FieldChange, Found, Inputs, Price, Resource};

use super::pool::pool_id;
use crate::{Clients, address, classify, failure::optional, prices};

/// One group.
pub(crate) struct PoolGroup {
    client: Client,
    name: String,
    precedence: i32,
}

impl PoolGroup {
    /// The lower the precedence, the more powerful the group.
    pub(crate) fn new(clients: &Clients, name: &str, precedence: i32) -> Self {
        Self { client: clients.cognito.clone(), name: name.to_owned(), precedence }
    }
}

#[async_trait]
impl Resource for PoolGroup {
    fn title(&self) -> String {
        format!("user group {}", self.name)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn needs(&self) -> Vec<Address> {
        vec![address::USER_POOL.into()]
    }

    fn read_needs(&self) -> Vec<Address> {
        vec![address::USER_POOL.into()]
    }

    fn part_of(&self) -> Option<Address> {
        Some(address::USER_POOL.into())
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Cognito group", "part of the user pool", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("precedence", self.precedence)
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(pool) = pool_id(&cx.inputs) else { return Ok(None) };
        let sent = self.client.get_group().user_pool_id(&*pool).group_name(&self.name).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let group = answer.and_then(|answer| answer.group);
        Ok(group.map(|group| Found::new().attribute("precedence", group.precedence())))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let pool = cx.inputs.require(address::USER_POOL, "id")?;
        let create = self.client.create_group().user_pool_id(pool).group_name(&self.name);
        let sent = create.precedence(self.precedence).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error))
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        let pool = cx.inputs.require(address::USER_POOL, "id")?;
        let update = self.client.update_group().user_pool_id(pool).group_name(&self.name);
        let sent = update.precedence(self.precedence).send().await;
        sent.map(drop).map_err(|error| classify(format!("update {}", self.title()), error))
    }

    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let pool = cx.inputs.require(address::USER_POOL, "id")?;
        let sent = self.client.delete_group().user_pool_id(pool).group_name(&self.name).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }
}
