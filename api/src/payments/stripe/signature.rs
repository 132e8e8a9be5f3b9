//! Whether a message is Stripe's: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>]` over `<seconds>.<body>`, with
//! HMAC-SHA256 and a secret that only Stripe and we know.

use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::payments::provider::NotGenuine;

/// How far the time of a signature may be from now, in seconds: older ones may be replays.
const TOLERANCE: i64 = 5 * 60;

/// Headers with more signatures are not looked at. Stripe sends one for each secret, of which there are two at most.
const MOST_SIGNATURES: usize = 8;

/// The secrets that messages may be signed with.
pub(super) struct Signatures(Vec<SecretString>);

impl Signatures {
    pub(super) fn new(secrets: &[SecretString]) -> Self {
        Self(secrets.to_vec())
    }

    /// Checks the header's signatures of a body.
    pub(super) fn check(&self, header: &str, body: &[u8], now: i64) -> Result<(), NotGenuine> {
        let (seconds, signatures) = parse(header).ok_or(NotGenuine)?;
        let mut genuine = false;
        for secret in &self.0 {
            let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) else { continue };
            mac.update(seconds.as_bytes());
            mac.update(b".");
            mac.update(body);
            for signature in &signatures {
                // Compared in constant time, and all of them: the time taken does not say which one fits.
                genuine |= mac.clone().verify_slice(signature).is_ok();
            }
        }
        let at: i64 = seconds.parse().map_err(|_| NotGenuine)?;
        if genuine && now.abs_diff(at) <= TOLERANCE.unsigned_abs() { Ok(()) } else { Err(NotGenuine) }
    }
}

/// The time as it was written, for it is signed so, and the signatures of the scheme we know.
fn parse(header: &str) -> Option<(&str, Vec<Vec<u8>>)> {
    let mut seconds = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=')? {
            ("t", value) if seconds.is_none() => seconds = Some(value),
            // Two times: which one was signed?
            ("t", _) => return None,
            ("v1", value) if signatures.len() < MOST_SIGNATURES => signatures.push(hex::decode(value).ok()?),
            ("v1", _) => return None,
            // Older and newer schemes.
            _ => {}
        }
    }
    Some((seconds?, signatures))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "whsec_0123456789abcdef";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;
    const AT: i64 = 1_700_000_000;
    /// Made by Python's `hmac` module.
    const GOOD: &str = "dea1657bd5053cb0f8a75ebf0bd3d22e0cdeb79563b44db6b88864e522fb8bc4";

    fn check(header: &str, now: i64) -> bool {
        Signatures::new(&["whsec_another-secret".into(), SECRET.into()]).check(header, BODY, now).is_ok()
    }

    #[test]
    fn a_good_signature_among_others_is_enough() {
        assert!(check(&format!("t={AT},v1={GOOD}"), AT));
        assert!(check(&format!("t={AT}, v1={}, v1={GOOD}, v0=abc", "00".repeat(32)), AT));
        assert!(check(&format!("v1={GOOD},t={AT}"), AT + TOLERANCE));
        assert!(check(&format!("t={AT},v1={GOOD}"), AT - TOLERANCE));
    }

    #[test]
    fn everything_else_is_refused() {
        let good = format!("t={AT},v1={GOOD}");
        assert!(!check(&good, AT + TOLERANCE + 1), "old");
        assert!(!check(&good, AT - TOLERANCE - 1), "from the future");
        for header in [
            String::new(),
            "t=".into(),
            format!("t={AT}"),
            format!("v1={GOOD}"),
            format!("t={AT},v0={GOOD}"),
            format!("t={AT},v1="),
            format!("t={AT},v1={}", &GOOD[..62]),
            format!("t={AT},v1={GOOD}00"),
            format!("t={AT},v1=zz"),
            format!("t={},v1={GOOD}", AT + 1),
            format!("t=+{AT},v1={GOOD}"),
            format!("t={AT},t={AT},v1={GOOD}"),
            format!("t={AT}{}", format!(",v1={GOOD}").repeat(MOST_SIGNATURES + 1)),
        ] {
            assert!(!check(&header, AT), "{header}");
        }
        let other = Signatures::new(&[SECRET.into()]);
        assert!(other.check(&good, br#"{"id":"evt_2"}"#, AT).is_err(), "another body");
        assert!(Signatures::new(&["whsec_another-secret".into()]).check(&good, BODY, AT).is_err(), "another secret");
    }
}
