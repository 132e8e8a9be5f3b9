//! Which path comes from where, and how long it is kept at the edge.
//!
//! | path | kept | why |
//! |---|---|---|
//! | everything else | as the object says: names with a hash for ever, others for an hour | a deploy tells the edge what changed |
//! | `/media/*` | as the object says | pictures never change under a name |
//! | `/api/v1/products*`, `/api/v1/categories*` | as the API says: a minute | the same for everyone |
//! | `/api/*` | never | people's own data, and writes |
//!
//! What is kept is asked for without cookies and without `Authorization`, so nothing in it can be one person's.
//!
//! CloudFront's Free plan decides the rest: at most five behaviours, policies of AWS's own only, no `ForwardedValues`.
//! Of those policies, all that tell queries apart send the shop's host name to the origin, and API Gateway answers 403 to
//! a name that is not its own. So the catalogue uses the one that looks at nothing but the path, and the function at the
//! edge (`edge.js`) folds the query into the path, in order; the API unfolds it.

use aws_sdk_cloudfront::{
    error::BuildError,
    types::{
        AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, DefaultCacheBehavior, EventType,
        FunctionAssociation, FunctionAssociations, Method, ViewerProtocolPolicy,
    },
};
use serde_json::{Value as Json, json};

use super::origins::{API, MEDIA, SITE};

// AWS's managed policies: the same ids in every account, and allowed in every pricing plan.
const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
const SECURITY_HEADERS: &str = "67f7725c-6f97-4210-82d7-5512b31e9d03";

/// The part of the API that is the same for everyone. `edge.js` knows them too.
const CATALOGUE: [&str; 2] = ["/api/v1/products*", "/api/v1/categories*"];

/// Pages and assets: what no other behaviour is for.
pub(super) fn pages(function: &str) -> Result<DefaultCacheBehavior, BuildError> {
    DefaultCacheBehavior::builder()
        .target_origin_id(SITE)
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .allowed_methods(methods(&READ)?)
        .compress(true)
        .cache_policy_id(CACHING_OPTIMIZED)
        .response_headers_policy_id(SECURITY_HEADERS)
        .function_associations(functions(function, &[EventType::ViewerRequest, EventType::ViewerResponse])?)
        .build()
}

/// The others, in the order they are tried.
pub(super) fn others(function: &str) -> Result<CacheBehaviors, BuildError> {
    let behavior = |path: &str, origin: &str, allowed: &[Method]| {
        let common = CacheBehavior::builder()
            .path_pattern(path)
            .target_origin_id(origin)
            .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
            .compress(true)
            .response_headers_policy_id(SECURITY_HEADERS);
        Ok::<_, BuildError>(common.allowed_methods(methods(allowed)?))
    };
    let mut all = vec![behavior("/media/*", MEDIA, &READ)?.cache_policy_id(CACHING_OPTIMIZED).build()?];
    let asked = functions(function, &[EventType::ViewerRequest])?;
    for path in CATALOGUE {
        let catalogue = behavior(path, API, &READ)?.cache_policy_id(CACHING_OPTIMIZED);
        all.push(catalogue.function_associations(asked.clone()).build()?);
    }
    let api = behavior("/api/*", API, &ALL)?
        .cache_policy_id(CACHING_DISABLED)
        // The gateway is told apart by its own host name and must not see the shop's.
        .origin_request_policy_id(ALL_VIEWER_EXCEPT_HOST)
        .function_associations(asked);
    all.push(api.build()?);
    let quantity = i32::try_from(all.len()).unwrap_or(i32::MAX);
    CacheBehaviors::builder().quantity(quantity).set_items(Some(all)).build()
}

/// What is compared of all but the default one, in their order, which counts.
pub(super) fn render(behaviors: &CacheBehaviors) -> Json {
    behaviors.items().iter().map(render_one).collect()
}

fn functions(arn: &str, events: &[EventType]) -> Result<FunctionAssociations, BuildError> {
    let one = |event: &EventType| FunctionAssociation::builder().event_type(event.clone()).function_arn(arn).build();
    let all: Vec<FunctionAssociation> = events.iter().map(one).collect::<Result<_, _>>()?;
    let quantity = i32::try_from(all.len()).unwrap_or(i32::MAX);
    FunctionAssociations::builder().quantity(quantity).set_items(Some(all)).build()
}

const READ: [Method; 3] = [Method::Get, Method::Head, Method::Options];
const ALL: [Method; 7] =
    [Method::Delete, Method::Get, Method::Head, Method::Options, Method::Patch, Method::Post, Method::Put];

fn methods(allowed: &[Method]) -> Result<AllowedMethods, BuildError> {
    let cached = CachedMethods::builder().quantity(2).items(Method::Get).items(Method::Head).build()?;
    let quantity = i32::try_from(allowed.len()).unwrap_or(i32::MAX);
    AllowedMethods::builder().quantity(quantity).set_items(Some(allowed.to_vec())).cached_methods(cached).build()
}

fn render_one(behavior: &CacheBehavior) -> Json {
    json!({
        "path": behavior.path_pattern(),
        "origin": behavior.target_origin_id(),
        "viewer_protocol": behavior.viewer_protocol_policy().as_str(),
        "methods": render_methods(behavior.allowed_methods()),
        "compress": behavior.compress(),
        "cache_policy": behavior.cache_policy_id(),
        "origin_request_policy": behavior.origin_request_policy_id().filter(|id| !id.is_empty()),
        "response_headers_policy": behavior.response_headers_policy_id().filter(|id| !id.is_empty()),
        "functions": render_functions(behavior.function_associations()),
    })
}

/// What is compared of the default one.
pub(super) fn render_default(behavior: &DefaultCacheBehavior) -> Json {
    json!({
        "origin": behavior.target_origin_id(),
        "viewer_protocol": behavior.viewer_protocol_policy().as_str(),
        "methods": render_methods(behavior.allowed_methods()),
        "compress": behavior.compress(),
        "cache_policy": behavior.cache_policy_id(),
        "origin_request_policy": behavior.origin_request_policy_id().filter(|id| !id.is_empty()),
        "response_headers_policy": behavior.response_headers_policy_id().filter(|id| !id.is_empty()),
        "functions": render_functions(behavior.function_associations()),
    })
}

fn render_methods(methods: Option<&AllowedMethods>) -> Json {
    let mut names: Vec<_> = methods.map(|all| all.items().iter().map(Method::as_str).collect()).unwrap_or_default();
    names.sort_unstable();
    json!(names)
}

fn render_functions(functions: Option<&FunctionAssociations>) -> Json {
    let functions = functions.map(|all| all.items()).unwrap_or_default();
    functions.iter().map(|one| json!({ "event": one.event_type().as_str(), "arn": one.function_arn() })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_plan_takes_them() {
        let others = others("arn").unwrap();
        assert!(others.items().len() < 5, "the default one counts too");
        let managed = [CACHING_OPTIMIZED, CACHING_DISABLED];
        assert!(others.items().iter().all(|one| one.cache_policy_id().is_some_and(|id| managed.contains(&id))));
        // What is kept must not be asked for with anything of one person.
        let kept = others.items().iter().filter(|one| one.cache_policy_id() == Some(CACHING_OPTIMIZED));
        assert!(kept.clone().count() == 3 && kept.clone().all(|one| one.origin_request_policy_id().is_none()));
    }
}
