//! The master user's passwords: what may be one, how one is made, and which versions there are.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{databases, fault::Fault, operations::epoch, service::Service, state::Password};

/// MySQL's limits on Lightsail, by the documentation of `CreateRelationalDatabase`.
const LENGTH: std::ops::RangeInclusive<usize> = 8..=41;

/// How long the ones made here are.
const MADE_LENGTH: usize = 32;

/// Letters, digits and marks that need no quoting in shells, URLs or SQL: 64, so that a byte's low bits pick one evenly.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A strong new one.
pub(crate) fn made() -> Password {
    let random: [u8; MADE_LENGTH] = rand::random();
    let text: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 64)])).collect();
    Password { value: text.into(), created_at: Timestamp::now() }
}

/// One the user has chosen.
///
/// # Errors
/// When AWS would not take it. The refusal does not repeat it.
pub(crate) fn given(password: SecretString) -> Result<Password, Fault> {
    let text = password.expose_secret();
    let allowed = |c: char| c.is_ascii_graphic() && !"/\"@".contains(c);
    if !LENGTH.contains(&text.len()) || !text.chars().all(allowed) {
        return Err(Fault::invalid(format!(
            "The parameter masterUserPassword is not a valid password. It must have {} to {} printable ASCII characters besides \
             '/', '@', '\"' and ' '.",
            LENGTH.start(),
            LENGTH.end()
        )));
    }
    Ok(Password { value: password, created_at: Timestamp::now() })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetPassword {
    relational_database_name: String,
    password_version: Option<String>,
}

pub(crate) async fn get(service: &Arc<Service>, request: GetPassword) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.relational_database_name;
    let passwords = &databases::found(&state, name)?.passwords;
    let version = request.password_version.as_deref().unwrap_or("CURRENT");
    let password = match version {
        "PREVIOUS" => passwords.previous.as_ref(),
        "PENDING" => passwords.pending.as_ref(),
        _ => Some(&passwords.current),
    };
    let none = || Fault::not_found(format!("The database has no {version} master user password: {name}"));
    let password = password.ok_or_else(none)?;
    Ok(json!({ "masterUserPassword": password.value.expose_secret(), "createdAt": epoch(password.created_at) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_is_strong_and_allowed() {
        let (one, other) = (made(), made());
        assert_ne!(one.value.expose_secret(), other.value.expose_secret());
        given(one.value).unwrap();
    }

    #[test]
    fn what_aws_refuses_is_refused_and_not_repeated() {
        let long = "x".repeat(42);
        for bad in ["short", "with space", "with/slash", "with\"quote", "with@at", "with\nline", "pässword", &long] {
            let fault = given(bad.into()).unwrap_err();
            assert!(!fault.message.contains(bad), "{bad}");
        }
        given("it's;100%\\fine".into()).unwrap();
    }
}
