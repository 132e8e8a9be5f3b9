//! Keeps the SDK from repeating calls that make something anew where names are not unique.
//!
//! When the answer to such a call is lost, a blind repetition makes a second pool or a second API, which nobody ever
//! finds again. The engine's loop reads before it writes, so a failed creation is left to it: it looks first.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeSerializationInterceptorContextRef, dyn_dispatch_hint},
        orchestrator::Metadata,
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{config_bag::ConfigBag, retry::RetryConfig};

/// Makes every `Create…` call a single attempt.
#[derive(Debug)]
pub(crate) struct LookFirst;

#[dyn_dispatch_hint]
impl Intercept for LookFirst {
    fn name(&self) -> &'static str {
        "LookFirst"
    }

    // Not earlier: a client's interceptors are asked for the first time before the call has a name.
    fn read_before_serialization(
        &self,
        _context: &BeforeSerializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if config.load::<Metadata>().is_some_and(|call| call.name().starts_with("Create")) {
            config.interceptor_state().store_put(RetryConfig::disabled());
        }
        Ok(())
    }
}
