//! Has the SDK try again after HTTP 429 whatever the answer's body is.
//!
//! It knows throttling by error codes only, and a proxy on the way answers without one.

use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    retries::classifiers::{ClassifyRetry, RetryAction},
};

/// Counts every HTTP 429 as throttling.
#[derive(Debug)]
pub(crate) struct Overload;

impl ClassifyRetry for Overload {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        match context.response() {
            Some(response) if response.status().as_u16() == 429 => RetryAction::throttling_error(),
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Overload"
    }
}
