//! Which proof the front door shows to the API right now, everywhere.

use jewel_engine::Failure;
use secrecy::{ExposeSecret as _, SecretString};

use super::origins::shown;
use crate::{Clients, classify, failure::incomplete};

/// Whether all of the content network shows this proof, and no other, to the API.
///
/// # Errors
/// When the distribution cannot be read.
pub async fn shows_everywhere(clients: &Clients, distribution: &str, proof: &SecretString) -> Result<bool, Failure> {
    let action = format!("read distribution {distribution}");
    let sent = clients.cloudfront.get_distribution().id(distribution).send().await;
    let answer = sent.map_err(|error| classify(&action, error))?;
    let found = answer.distribution.ok_or_else(|| incomplete(&action, "distribution"))?;
    let config = found.distribution_config.as_ref().ok_or_else(|| incomplete(&action, "configuration"))?;
    let origins = config.origins.as_ref().map(|origins| origins.items()).unwrap_or_default();
    let shown: Vec<&str> = origins.iter().flat_map(shown).collect();
    // Until then some of its places go on as they were.
    Ok(found.status == "Deployed" && shown == [proof.expose_secret()])
}
