//! Cognito: who may log in to the shop.
//!
//! All of it is kept with the pool: users cannot be made again, and a pool without its client, groups and login address
//! would keep them out.

mod client;
mod domain;
mod group;
mod pool;

pub(crate) use client::PoolClient;
pub(crate) use domain::PoolDomain;
pub(crate) use group::PoolGroup;
pub(crate) use pool::Pool;
