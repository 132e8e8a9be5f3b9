//! The distribution's configuration: built from what we want, and rendered to the fields we manage.
//!
//! Both directions go through the same rendering, so what is wanted and what is read can only differ where they differ.

use aws_sdk_cloudfront::{
    error::BuildError,
    types::{
        Aliases, DistributionConfig, HttpVersion, MinimumProtocolVersion, PriceClass, SslSupportMethod,
        ViewerCertificate,
    },
};
use jewel_engine::Attributes;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::{behaviors, origins};

/// The outputs of other resources the configuration is made of.
pub(super) struct Parts<'a> {
    pub(super) comment: &'a str,
    pub(super) caller_reference: &'a str,
    pub(super) site_domain: &'a str,
    pub(super) media_domain: &'a str,
    pub(super) access_control: &'a str,
    pub(super) function_arn: &'a str,
    pub(super) api_endpoint: &'a str,
    pub(super) origin_secret: &'a SecretString,
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
    DistributionConfig::builder()
        .caller_reference(parts.caller_reference)
        .comment(parts.comment)
        .enabled(true)
        .default_root_object("index.html")
        .origins(origins::build(parts)?)
        .default_cache_behavior(behaviors::pages(parts.function_arn)?)
        .cache_behaviors(behaviors::others(parts.function_arn)?)
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

/// The fields we manage. Of the origin secret only whether it is `secret`.
pub(super) fn render(config: &DistributionConfig, secret: Option<&SecretString>) -> Attributes {
    let origins = config.origins().map(|all| origins::render(all, secret));
    let certificate = config.viewer_certificate();
    let aliases = config.aliases().map(Aliases::items).unwrap_or_default();
    Attributes::from([
        ("aliases".to_owned(), json!(aliases)),
        ("behaviors".to_owned(), config.cache_behaviors().map(behaviors::render).into()),
        ("certificate".to_owned(), certificate.map_or(Json::Null, render_certificate)),
        ("comment".to_owned(), config.comment().into()),
        ("default_behavior".to_owned(), config.default_cache_behavior().map(behaviors::render_default).into()),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parts<'a>(api_endpoint: &'a str, origin_secret: &'a SecretString) -> Parts<'a> {
        Parts {
            comment: "shop-prod",
            caller_reference: "shop-prod-1",
            site_domain: "shop-prod-site-123456789012.s3.ap-southeast-1.amazonaws.com",
            media_domain: "shop-prod-media-123456789012.s3.ap-southeast-1.amazonaws.com",
            access_control: "E1",
            function_arn: "arn:aws:cloudfront::123456789012:function/shop-prod-site",
            api_endpoint,
            origin_secret,
            web_acl: "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop-prod-firewall/1",
            own: None,
        }
    }

    #[test]
    fn the_whole_configuration() {
        let secret = SecretString::from("the-origin-secret");
        let config = build(&parts("https://a1.execute-api.ap-southeast-1.amazonaws.com", &secret)).unwrap();
        let rendered = render(&config, Some(&secret));
        assert!(!serde_json::to_string(&rendered).unwrap().contains("the-origin-secret"));
        insta::assert_json_snapshot!(rendered);
    }

    #[test]
    fn another_secret_or_none_is_seen() {
        let (ours, theirs) = (SecretString::from("ours"), SecretString::from("theirs"));
        let config = build(&parts("https://a1.example", &theirs)).unwrap();
        assert_ne!(render(&config, Some(&ours)), render(&config, Some(&theirs)));
        assert_ne!(render(&config, None), render(&config, Some(&theirs)));
    }

    #[test]
    fn a_domain_of_its_own() {
        let secret = SecretString::from("secret");
        let own = Some(Own { domain: "permata.example", certificate: "arn:aws:acm:us-east-1:1:certificate/1" });
        let config = build(&Parts { own, ..parts("https://a1.example", &secret) }).unwrap();
        let rendered = render(&config, Some(&secret));
        assert_eq!(rendered["aliases"], json!(["permata.example"]));
        assert_eq!(rendered["certificate"]["protocol"], "TLSv1.2_2021");
    }

    #[test]
    fn what_others_set_survives_a_merge() {
        let secret = SecretString::from("secret");
        let mut current = build(&parts("https://a1.example", &secret)).unwrap();
        current.staging = Some(true);
        current.enabled = false;
        let wanted = build(&parts("https://a2.example", &secret)).unwrap();
        let merged = merge(current, wanted.clone());
        assert_eq!(merged.staging(), Some(true));
        assert!(merged.enabled());
        assert_eq!(render(&merged, Some(&secret)), render(&wanted, Some(&secret)));
    }
}
