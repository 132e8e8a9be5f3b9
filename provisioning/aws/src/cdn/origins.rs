//! Where the distribution fetches from: two buckets, which it signs for, and the API, which it shows a secret to.

use aws_sdk_cloudfront::{
    error::BuildError,
    types::{
        CustomHeaders, CustomOriginConfig, Origin, OriginCustomHeader, OriginProtocolPolicy, OriginSslProtocols,
        Origins, S3OriginConfig, SslProtocol,
    },
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};

use super::config::Parts;

/// Pages and their assets.
pub(super) const SITE: &str = "site";
/// Pictures.
pub(super) const MEDIA: &str = "media";
/// The gateway before the machine.
pub(super) const API: &str = "api";

/// What the machine asks for.
const HEADER: &str = "x-origin-verify";

/// All three, as they are wanted.
pub(super) fn build(parts: &Parts<'_>) -> Result<Origins, BuildError> {
    Origins::builder()
        .quantity(3)
        .items(bucket(SITE, parts.site_domain, parts.access_control)?)
        .items(bucket(MEDIA, parts.media_domain, parts.access_control)?)
        .items(api(parts.api_endpoint, parts.origin_secret)?)
        .build()
}

/// What is compared of them, in the order of their names.
pub(super) fn render(origins: &Origins, secret: Option<&SecretString>) -> Json {
    let mut all: Vec<Json> = origins.items().iter().map(|origin| render_one(origin, secret)).collect();
    all.sort_by_key(|origin| origin["id"].to_string());
    all.into()
}

fn bucket(id: &str, domain: &str, access_control: &str) -> Result<Origin, BuildError> {
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
fn api(endpoint: &str, secret: &SecretString) -> Result<Origin, BuildError> {
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
    // Replaces what a visitor sends under the same name.
    let header = OriginCustomHeader::builder().header_name(HEADER).header_value(secret.expose_secret()).build()?;
    let headers = CustomHeaders::builder().quantity(1).items(header).build()?;
    Origin::builder().id(API).domain_name(host).custom_headers(headers).custom_origin_config(custom).build()
}

fn render_one(origin: &Origin, secret: Option<&SecretString>) -> Json {
    let mut json = json!({ "id": origin.id(), "domain": origin.domain_name() });
    if let Some(control) = origin.origin_access_control_id().filter(|id| !id.is_empty()) {
        json["access_control"] = control.into();
    }
    if let Some(custom) = origin.custom_origin_config() {
        json["protocol"] = custom.origin_protocol_policy().as_str().into();
        let plain = *custom.origin_protocol_policy() == OriginProtocolPolicy::HttpOnly;
        json["secret"] = verify(origin, secret).into();
        json["port"] = if plain { custom.http_port() } else { custom.https_port() }.into();
    }
    json
}

/// Says whether the header is right without saying what it is.
fn verify(origin: &Origin, secret: Option<&SecretString>) -> &'static str {
    let sent: Vec<&str> = shown(origin).collect();
    match (secret, sent.as_slice()) {
        (_, []) => "none",
        (Some(secret), [sent]) if secret.expose_secret() == *sent => "the current one",
        (_, _) => "another one",
    }
}

/// The proofs that are shown to an origin.
pub(super) fn shown(origin: &Origin) -> impl Iterator<Item = &str> {
    let headers = origin.custom_headers().map(|headers| headers.items()).unwrap_or_default();
    headers
        .iter()
        .filter(|header| header.header_name().eq_ignore_ascii_case(HEADER))
        .map(OriginCustomHeader::header_value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_clouds_api_is_reached_by_plain_http_on_its_port() {
        let secret = SecretString::from("secret");
        let origin = render_one(&api("http://a1.execute-api.localhost:4566", &secret).unwrap(), Some(&secret));
        let expected = json!({
            "id": "api",
            "domain": "a1.execute-api.localhost",
            "protocol": "http-only",
            "port": 4566,
            "secret": "the current one",
        });
        assert_eq!(origin, expected);
    }
}
