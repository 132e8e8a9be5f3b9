//! The shop's API server: a catalogue to read, one route to add to it, and what an operator needs to run it.
//!
//! It knows MySQL, Cognito's tokens and its own environment variables (read in `config.rs` only), and the version of the
//! schema it was written for. It must not know AWS resources, deployment, or how it is reached from outside.
//!
//! The way of a request: `router` (limits, request id, origin check) -> `auth` where a route asks for it -> an area's
//! `routes` (input and answer) -> its `store` (all SQL of the area). Adding an area adds a folder and one line in the router.

mod admin;
pub mod app;
mod auth;
pub mod build;
mod capability;
mod cart;
mod catalogue;
pub mod check;
pub mod config;
mod connections;
mod database;
mod error;
mod health;
mod http;
mod idempotency;
mod ids;
mod inventory;
mod journal;
mod media;
mod metrics;
pub mod openapi;
mod orders;
mod payments;
mod people;
mod router;
pub mod server;
mod storage;
pub mod telemetry;
mod timers;
mod work;

pub use app::App;
pub use config::Config;
pub use http::journaled::EXEMPT;
pub use router::router;
pub use server::serve;
