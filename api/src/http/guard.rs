//! Limits on what one process takes on: how many requests at once, how long each, and what happens when code panics.

use std::{any::Any, sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tokio::sync::Semaphore;

use crate::error::ApiError;

/// The largest body that is read, in bytes.
pub(crate) const BODY_LIMIT: usize = 1024 * 1024;

/// How long a request may take, in all.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// How many requests are worked on at once. Beyond it the answer is 503 at once: waiting in line would only make every
/// caller slow.
pub(crate) const CONCURRENCY: usize = 256;

/// The places there are.
#[derive(Clone)]
pub(crate) struct Places(Arc<Semaphore>);

impl Places {
    pub(crate) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count)))
    }
}

/// Answers 503 when all places are taken.
pub(crate) async fn limit_concurrency(
    State(places): State<Places>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let _place = places.0.try_acquire().map_err(|_| ApiError::Overloaded)?;
    Ok(next.run(request).await)
}

/// Answers 503 when a request takes too long; its work is dropped.
pub(crate) async fn limit_time(
    State(limit): State<Duration>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    tokio::time::timeout(limit, next.run(request)).await.map_err(|_| ApiError::Timeout)
}

/// Answers 500 for a panic, and logs its words.
pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response {
    let words = panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref::<&str>().map(|words| (*words).to_owned()))
        .unwrap_or_else(|| "a panic without words".to_owned());
    ApiError::Internal(format!("panic: {words}").into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Router,
        body::Body,
        http::StatusCode,
        middleware::{from_fn, from_fn_with_state},
        routing::get,
    };
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use crate::http::observe;

    async fn ask(router: &Router) -> Response {
        router.clone().oneshot(Request::new(Body::empty())).await.unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn more_than_there_are_places_for_is_refused_at_once_and_places_come_back() {
        let (release, released) = tokio::sync::watch::channel(false);
        let (arrived, mut arrivals) = tokio::sync::mpsc::channel(2);
        let handler = async move || {
            arrived.send(()).await.unwrap();
            released.clone().wait_for(|released| *released).await.unwrap();
        };
        let router =
            Router::new().route("/", get(handler)).layer(from_fn_with_state(Places::new(2), limit_concurrency));
        let held: Vec<_> = (0..2)
            .map(|_| {
                let router = router.clone();
                tokio::spawn(async move { ask(&router).await })
            })
            .collect();
        arrivals.recv().await.unwrap();
        arrivals.recv().await.unwrap();

        let refused = ask(&router).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(refused.headers().contains_key("retry-after"));
        release.send(true).unwrap();
        for request in held {
            assert_eq!(request.await.unwrap().status(), StatusCode::OK);
        }
        assert_eq!(ask(&router).await.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn what_takes_too_long_ends_in_a_problem() {
        let router = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(from_fn_with_state(Duration::from_millis(10), limit_time));
        let response = ask(&router).await;
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert!(text(response).await.contains("/problems/timeout"));
    }

    #[tokio::test]
    async fn a_panic_ends_in_a_problem_without_its_words() {
        async fn panics() {
            panic!("card number 4242");
        }
        let router = Router::new()
            .route("/", get(panics))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(observe::observe));
        let response = ask(&router).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(response.headers().contains_key("x-request-id"));
        let text = text(response).await;
        assert!(text.contains("/problems/internal") && !text.contains("4242"), "{text}");
    }
}
