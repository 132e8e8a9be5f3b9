//! Addresses that are signed for one request: the signature is reckoned again, as S3 does (AWS Signature Version 4).

use axum::http::{HeaderMap, Method, Uri};
use sha2::{Digest, Sha256};

/// The key that the API is given in tests.
pub(crate) const SECRET: &str = "a-secret-key-for-tests";

/// `None` when the address carries no signature, else whether this request is the one that it was signed for.
pub(crate) fn is_good(method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<bool> {
    let query = uri.query()?;
    let mut pairs: Vec<(&str, &str)> = query.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let value = |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.replace("%2F", "/"));
    let signature = value("X-Amz-Signature")?;
    let signed = value("X-Amz-SignedHeaders")?.replace("%3B", ";");
    let (credential, time) = (value("X-Amz-Credential")?, value("X-Amz-Date")?);
    let scope = credential.split_once('/')?.1;
    pairs.retain(|(key, _)| *key != "X-Amz-Signature");
    pairs.sort_unstable();
    let query: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let mut lines = vec![method.to_string(), uri.path().to_owned(), query.join("&")];
    for name in signed.split(';') {
        let value = headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        lines.push(format!("{name}:{}", value.trim()));
    }
    lines.extend([String::new(), signed, "UNSIGNED-PAYLOAD".to_owned()]);
    let request = hex::encode(Sha256::digest(lines.join("\n")));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{request}");
    let key = scope.split('/').fold(format!("AWS4{SECRET}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    Some(hex::encode(hmac(&key, text.as_bytes())) == signature)
}

fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::digest([&block.map(|byte| byte ^ 0x36)[..], message].concat());
    Sha256::digest([&block.map(|byte| byte ^ 0x5c)[..], &inner[..]].concat()).to_vec()
}
