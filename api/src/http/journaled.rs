//! No route acknowledges a change that the journal does not know: one that answers well without having gone through
//! [`transact`](crate::work::transact) is a mistake in the program, and its answer becomes a 500.
//!
//! So forgetting it cannot be acknowledged by accident, and the first test of a new route meets it.

use std::cell::Cell;

use axum::{
    extract::{MatchedPath, Request},
    middleware::Next,
    response::Response,
};

use crate::error::ApiError;

/// Routes that change nothing which must survive the database: method, path, and why. None of them does, so far. A test
/// makes every documented change and demands its event of all others.
pub const EXEMPT: &[(&str, &str, &str)] = &[];

tokio::task_local! {
    static DONE: Cell<bool>;
}

/// Says that what the request at hand changed is in the journal, or that it changed nothing.
pub(crate) fn done() {
    // Outside a request, timers do as requests do, and nobody asks.
    let _ = DONE.try_with(|done| done.set(true));
}

/// Lets no change be acknowledged that is not in the journal.
pub(crate) async fn demand(request: Request, next: Next) -> Result<Response, ApiError> {
    if request.method().is_safe() {
        return Ok(next.run(request).await);
    }
    let method = request.method().clone();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map_or("", MatchedPath::as_str);
    let answered = DONE.scope(Cell::new(false), async {
        let response = next.run(request).await;
        (response, DONE.with(Cell::get))
    });
    let (response, done) = answered.await;
    let exempt = || EXEMPT.iter().any(|(its_method, its_path, _)| method == *its_method && path == *its_path);
    if response.status().is_success() && !done && !exempt() {
        return Err(ApiError::Internal(format!("{method} {path} was done without the journal").into()));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        Router,
        body::Body,
        http::{Method, StatusCode},
        middleware::from_fn,
        routing::get,
    };
    use tower::ServiceExt;

    #[tokio::test]
    async fn what_is_not_in_the_journal_is_not_acknowledged() {
        let told = async || {
            done();
            StatusCode::CREATED
        };
        let router = Router::new()
            .route("/forgot", get(async || "read").post(async || StatusCode::CREATED))
            .route("/told", get(async || "read").put(told))
            .route("/refused", get(async || "read").delete(async || StatusCode::CONFLICT))
            .layer(from_fn(demand));
        let ask = async |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            router.clone().oneshot(request).await.unwrap().status().as_u16()
        };
        assert_eq!(ask(Method::GET, "/forgot").await, 200);
        assert_eq!(ask(Method::POST, "/forgot").await, 500);
        assert_eq!(ask(Method::PUT, "/told").await, 201);
        assert_eq!(ask(Method::DELETE, "/refused").await, 409);
    }

    #[test]
    fn every_exempt_route_is_there() {
        let (_, document) = crate::router::routes();
        let document = serde_json::to_value(document).unwrap();
        for (method, path, reason) in EXEMPT {
            let operation = &document["paths"][*path][method.to_lowercase()];
            assert!(operation.is_object() && !reason.is_empty(), "{method} {path}");
        }
    }
}
