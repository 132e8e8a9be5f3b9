//! The distribution's configuration: built from what we want, and rendered to the fields we manage.
//!
//! Both directions go through the same rendering, so what is wanted and what is read can only differ where they differ.

use aws_sdk_cloudfront::{
    error::BuildError,
    types::{
        Aliases, AllowedMethods, CacheBehavior, CacheBehaviors, CachedMethods, CustomOriginConfig,
        DefaultCacheBehavior, DistributionConfig, EventType, FunctionAssociation, FunctionAssociations, HttpVersion,
        Method, MinimumProtocolVersion, Origin, OriginProtocolPolicy, OriginSslProtocols, Origins, PriceClass,
        S3OriginConfig, SslProtocol, SslSupportMethod, ViewerCertificate, ViewerProtocolPolicy,
    },
};
use jewel_engine::Attributes;
use serde_json::{Value as Json, json};

// AWS's managed policies: the same ids in every account, and allowed in every pricing plan.
const CACHING_OPTIMIZED: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";
const CACHING_DISABLED: &str = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad";
const ALL_VIEWER_EXCEPT_HOST: &str = "b689b0a8-53d0-40ab-baf2-68738e2966ac";
const SECURITY_HEADERS: &str = "67f7725c-6f97-4210-82d7-5512b31e9d03";

const SITE: &str = "site";
const MEDIA: &str = "media";
const API: &str = "api";

/// The outputs of other resources the configuration is made of.
pub(super) struct Parts<'a> {
    pub(super) comment: &'a str,
    pub(super) caller_reference: &'a str,
    pub(super) site_domain: &'a str,
    pub(super) media_domain: &'a str,
    pub(super) access_control: &'a str,
    pub(super) function_arn: &'a str,
    pub(super) api_endpoint: &'a str,
    pub(super) web_acl: &'a str,
    pub(super) own: Option<Own<'a>>,
}

/// The shop's own domain.
pub(super) struct Own<'a> {
    pub(super) domain: &'a str,
    pub(super) certificate: &'a str,
}

/// The whole configuration as it is wanted.
pub(super) fn build(parts: &Parts<'_>) -> Result<DistributionConfig, BuildError> {
    let origins = Origins::builder()
        .quantity(3)
        .items(bucket_origin(SITE, parts.site_domain, parts.access_control)?)
        .items(bucket_origin(MEDIA, parts.media_domain, parts.access_control)?)
        .items(api_origin(parts.api_endpoint)?)
        .build()?;
    let function =
        FunctionAssociation::builder().event_type(EventType::ViewerRequest).function_arn(parts.function_arn).build()?;
    let pages = DefaultCacheBehavior::builder()
        .target_origin_id(SITE)
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .allowed_methods(methods(&READ)?)
        .compress(true)
        .cache_policy_id(CACHING_OPTIMIZED)
        .response_headers_policy_id(SECURITY_HEADERS)
        .function_associations(FunctionAssociations::builder().quantity(1).items(function).build()?)
        .build()?;
    let pictures = CacheBehavior::builder()
        .path_pattern("/media/*")
        .target_origin_id(MEDIA)
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .allowed_methods(methods(&READ)?)
        .compress(true)
        .cache_policy_id(CACHING_OPTIMIZED)
        .response_headers_policy_id(SECURITY_HEADERS)
        .build()?;
    let api = CacheBehavior::builder()
        .path_pattern("/api/*")
        .target_origin_id(API)
        .viewer_protocol_policy(ViewerProtocolPolicy::RedirectToHttps)
        .allowed_methods(methods(&ALL)?)
        .compress(true)
        .cache_policy_id(CACHING_DISABLED)
        // The gateway is told apart by its own host name and must not see the shop's.
        .origin_request_policy_id(ALL_VIEWER_EXCEPT_HOST)
        .build()?;
    DistributionConfig::builder()
        .caller_reference(parts.caller_reference)
        .comment(parts.comment)
        .enabled(true)
        .default_root_object("index.html")
        .origins(origins)
        .default_cache_behavior(pages)
        .cache_behaviors(CacheBehaviors::builder().quantity(2).items(pictures).items(api).build()?)
        .web_acl_id(parts.web_acl)
        // The flat-rate plans refuse every other class.
        .price_class(PriceClass::PriceClassAll)
        .http_version(HttpVersion::Http2and3)
        .is_ipv6_enabled(true)
        .aliases(aliases(parts.own.as_ref())?)
        .viewer_certificate(certificate(parts.own.as_ref()))
        .build()
}

/// Puts our part of `wanted` into `current`, leaving what others set.
pub(super) fn merge(current: DistributionConfig, wanted: DistributionConfig) -> DistributionConfig {
    let mut merged = current;
    merged.comment = wanted.comment;
    merged.enabled = wanted.enabled;
    merged.default_root_object = wanted.default_root_object;
    merged.origins = wanted.origins;
    merged.default_cache_behavior = wanted.default_cache_behavior;
    merged.cache_behaviors = wanted.cache_behaviors;
    merged.price_class = wanted.price_class;
    merged.web_acl_id = wanted.web_acl_id;
    merged.http_version = wanted.http_version;
    merged.is_ipv6_enabled = wanted.is_ipv6_enabled;
    merged.aliases = wanted.aliases;
    merged.viewer_certificate = wanted.viewer_certificate;
    merged
}

/// The fields we manage.
pub(super) fn render(config: &DistributionConfig) -> Attributes {
    let mut origins: Vec<Json> =
        config.origins().map(|origins| origins.items().iter().map(render_origin).collect()).unwrap_or_default();
    origins.sort_by_key(|origin| origin["id"].to_string());
    let behaviors: Vec<Json> =
        config.cache_behaviors().map(|all| all.items().iter().map(render_behavior).collect()).unwrap_or_default();
    let certificate = config.viewer_certificate();
    let aliases = config.aliases().map(Aliases::items).unwrap_or_default();
    Attributes::from([
        ("aliases".to_owned(), json!(aliases)),
        ("behaviors".to_owned(), behaviors.into()),
        ("certificate".to_owned(), certificate.map_or(Json::Null, render_certificate)),
        ("comment".to_owned(), config.comment().into()),
        ("default_behavior".to_owned(), config.default_cache_behavior().map(render_default).into()),
        ("default_root_object".to_owned(), config.default_root_object().into()),
        ("enabled".to_owned(), config.enabled().into()),
        ("http_version".to_owned(), config.http_version().map(|version| version.as_str().to_lowercase()).into()),
        ("ipv6".to_owned(), config.is_ipv6_enabled().into()),
        ("origins".to_owned(), origins.into()),
        ("price_class".to_owned(), config.price_class().map(PriceClass::as_str).into()),
        ("web_acl".to_owned(), config.web_acl_id().into()),
    ])
}

fn aliases(own: Option<&Own<'_>>) -> Result<Aliases, BuildError> {
    match own {
        Some(own) => Aliases::builder().quantity(1).items(own.domain).build(),
        None => Aliases::builder().quantity(0).build(),
    }
}

fn certificate(own: Option<&Own<'_>>) -> ViewerCertificate {
    match own {
        Some(own) => ViewerCertificate::builder()
            .acm_certificate_arn(own.certificate)
            .ssl_support_method(SslSupportMethod::SniOnly)
            // Older than this, no browser that can show the shop needs.
            .minimum_protocol_version(MinimumProtocolVersion::TlSv122021)
            .build(),
        None => ViewerCertificate::builder().cloud_front_default_certificate(true).build(),
    }
}

/// The default certificate's protocol is AWS's to choose.
fn render_certificate(certificate: &ViewerCertificate) -> Json {
    match certificate.acm_certificate_arn().filter(|arn| !arn.is_empty()) {
        Some(arn) => json!({
            "arn": arn,
            "protocol": certificate.minimum_protocol_version().map(MinimumProtocolVersion::as_str),
            "support": certificate.ssl_support_method().map(SslSupportMethod::as_str),
        }),
        None if certificate.iam_certificate_id().is_some_and(|id| !id.is_empty()) => "another".into(),
        None => "CloudFront's own".into(),
    }
}

const READ: [Method; 3] = [Method::Get, Method::Head, Method::Options];
const ALL: [Method; 7] =
    [Method::Delete, Method::Get, Method::Head, Method::Options, Method::Patch, Method::Post, Method::Put];

fn methods(allowed: &[Method]) -> Result<AllowedMethods, BuildError> {
    let cached = CachedMethods::builder().quantity(2).items(Method::Get).items(Method::Head).build()?;
    let quantity = i32::try_from(allowed.len()).unwrap_or(i32::MAX);
    AllowedMethods::builder().quantity(quantity).set_items(Some(allowed.to_vec())).cached_methods(cached).build()
}

fn bucket_origin(id: &str, domain: &str, access_control: &str) -> Result<Origin, BuildError> {
    Origin::builder()
        .id(id)
        .domain_name(domain)
        .origin_access_control_id(access_control)
        // With an origin access control the element must be there, and empty.
        .s3_origin_config(S3OriginConfig::builder().origin_access_identity("").build())
        .build()
}

/// The API's address as an origin. AWS's is `https://<id>.execute-api.<region>.amazonaws.com`; another cloud's may be
/// plain HTTP on a port of its own.
fn api_origin(endpoint: &str) -> Result<Origin, BuildError> {
    let (scheme, rest) = endpoint.split_once("://").unwrap_or(("https", endpoint));
    let authority = rest.split('/').next().unwrap_or(rest);
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().ok()),
        None => (authority, None),
    };
    let plain = scheme == "http";
    let custom = CustomOriginConfig::builder()
        .http_port(port.filter(|_| plain).unwrap_or(80))
        .https_port(port.filter(|_| !plain).unwrap_or(443))
        .origin_protocol_policy(if plain { OriginProtocolPolicy::HttpOnly } else { OriginProtocolPolicy::HttpsOnly })
        .origin_ssl_protocols(OriginSslProtocols::builder().quantity(1).items(SslProtocol::TlSv12).build()?)
        .origin_read_timeout(30)
        .origin_keepalive_timeout(5)
        .build()?;
    Origin::builder().id(API).domain_name(host).custom_origin_config(custom).build()
}

fn render_origin(origin: &Origin) -> Json {
    let mut json = json!({ "id": origin.id(), "domain": origin.domain_name() });
    if let Some(control) = origin.origin_access_control_id().filter(|id| !id.is_empty()) {
        json["access_control"] = control.into();
    }
    if let Some(custom) = origin.custom_origin_config() {
        json["protocol"] = custom.origin_protocol_policy().as_str().into();
        let plain = *custom.origin_protocol_policy() == OriginProtocolPolicy::HttpOnly;
        json["port"] = if plain { custom.http_port() } else { custom.https_port() }.into();
    }
    json
}

fn render_behavior(behavior: &CacheBehavior) -> Json {
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

fn render_default(behavior: &DefaultCacheBehavior) -> Json {
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

    fn parts(api_endpoint: &str) -> Parts<'_> {
        Parts {
            comment: "shop-prod",
            caller_reference: "shop-prod-1",
            site_domain: "shop-prod-site-123456789012.s3.ap-southeast-1.amazonaws.com",
            media_domain: "shop-prod-media-123456789012.s3.ap-southeast-1.amazonaws.com",
            access_control: "E1",
            function_arn: "arn:aws:cloudfront::123456789012:function/shop-prod-site",
            api_endpoint,
            web_acl: "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop-prod-firewall/1",
            own: None,
        }
    }

    #[test]
    fn the_whole_configuration() {
        insta::assert_json_snapshot!(render(
            &build(&parts("https://a1.execute-api.ap-southeast-1.amazonaws.com")).unwrap()
        ));
    }

    #[test]
    fn another_clouds_api_is_reached_by_plain_http_on_its_port() {
        let origin = render_origin(&api_origin("http://a1.execute-api.localhost:4566").unwrap());
        let expected =
            json!({ "id": "api", "domain": "a1.execute-api.localhost", "protocol": "http-only", "port": 4566 });
        assert_eq!(origin, expected);
    }

    #[test]
    fn what_others_set_survives_a_merge() {
        let mut current = build(&parts("https://a1.example")).unwrap();
        current.staging = Some(true);
        current.enabled = false;
        let merged = merge(current, build(&parts("https://a2.example")).unwrap());
        assert_eq!(merged.staging(), Some(true));
        assert!(merged.enabled());
        assert_eq!(render(&merged), render(&build(&parts("https://a2.example")).unwrap()));
    }
}
