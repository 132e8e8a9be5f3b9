//! API Gateway: the HTTP API between the distribution and the machine.

mod api;
mod authorizer;
mod integration;
mod route;
mod stage;

pub(crate) use api::Api;
pub(crate) use authorizer::Authorizer;
pub(crate) use integration::Integration;
pub(crate) use route::Route;
pub(crate) use stage::Stage;
