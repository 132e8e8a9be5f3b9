//! Queries that came as a part of the path.
//!
//! The content network keeps answers by path alone (the policies that look at queries do not fit before an API gateway),
//! so the function at the edge folds `/products?limit=9` into `/products/~6c696d69743d39`: a tilde and the query's bytes
//! in hexadecimal. Here it becomes what it was, before any route is looked for.

use axum::{
    extract::Request,
    http::{Uri, uri::PathAndQuery},
    middleware::Next,
    response::Response,
};

const MARK: &str = "/~";

/// Unfolds the query of a request that has one folded.
pub(crate) async fn unfold(mut request: Request, next: Next) -> Response {
    if let Some(uri) = unfolded(request.uri()) {
        *request.uri_mut() = uri;
    }
    next.run(request).await
}

/// `None` for a path without a folded query, or with one that nobody folded: it leads nowhere then.
fn unfolded(uri: &Uri) -> Option<Uri> {
    let (path, digits) = uri.path().rsplit_once(MARK)?;
    let query = String::from_utf8(hex::decode(digits).ok()?).ok()?;
    let mut parts = uri.clone().into_parts();
    // Refuses whatever may not stand in a query.
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}?{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Option<String> {
        unfolded(&text.parse().unwrap()).map(|uri| uri.to_string())
    }

    #[test]
    fn what_was_folded_is_unfolded() {
        let folded = format!("/api/v1/products/~{}", hex::encode("limit=9&q=rose%20gold"));
        assert_eq!(case(&folded), Some("/api/v1/products?limit=9&q=rose%20gold".to_owned()));
    }

    #[test]
    fn everything_else_stays() {
        for path in ["/api/v1/products", "/api/v1/products/a~b", "/api/v1/products/~xyz", "/api/v1/products?a=/~61"] {
            assert_eq!(case(path), None, "{path}");
        }
        let smuggled = format!("/api/v1/products/~{}", hex::encode("a=1 HTTP/1.1\r\nx: y"));
        assert_eq!(case(&smuggled), None);
    }
}
