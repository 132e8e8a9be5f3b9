//! Tags: pairs of words on instances, databases, snapshots, alarms, contact methods and load balancers.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{
    contacts,
    fault::Fault,
    load_balancers,
    operations::{self, About, Operation, Status},
    service::Service,
    state::{Common, State, Tag},
};

/// AWS's limits, by the documentation of `TagResource`.
const AT_MOST: usize = 50;
const KEY_AT_MOST: usize = 128;
const VALUE_AT_MOST: usize = 256;

/// # Errors
/// When there are too many, one is too long, or one has characters AWS does not take.
pub(crate) fn checked(tags: Vec<Tag>) -> Result<Vec<Tag>, Fault> {
    let mut all = Vec::new();
    merge(&mut all, tags)?;
    Ok(all)
}

fn merge(present: &mut Vec<Tag>, added: Vec<Tag>) -> Result<(), Fault> {
    for tag in added {
        let value = tag.value.as_deref().unwrap_or_default();
        if tag.key.is_empty() || tag.key.chars().count() > KEY_AT_MOST || value.chars().count() > VALUE_AT_MOST {
            return Err(Fault::invalid(format!(
                "A tag key must have 1 to {KEY_AT_MOST} characters and a value at most {VALUE_AT_MOST}: {}",
                tag.key.chars().take(KEY_AT_MOST).collect::<String>()
            )));
        }
        let allowed = |c: char| c.is_alphanumeric() || c == ' ' || "+-=._:/@".contains(c);
        if !tag.key.chars().chain(value.chars()).all(allowed) || tag.key.starts_with("aws:") {
            return Err(Fault::invalid(format!("The tag is not valid: {}", tag.key)));
        }
        match present.iter_mut().find(|present| present.key == tag.key) {
            Some(present) => *present = tag,
            None => present.push(tag),
        }
    }
    if present.len() > AT_MOST {
        return Err(Fault::invalid(format!("A resource can have at most {AT_MOST} tags.")));
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TagResource {
    resource_name: String,
    resource_arn: Option<String>,
    tags: Vec<Tag>,
}

pub(crate) async fn tag(service: &Arc<Service>, request: TagResource) -> Result<Value, Fault> {
    let TagResource { resource_name, resource_arn, tags } = request;
    change(service, &resource_name, resource_arn.as_deref(), |present| merge(present, tags)).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UntagResource {
    resource_name: String,
    resource_arn: Option<String>,
    tag_keys: Vec<String>,
}

pub(crate) async fn untag(service: &Arc<Service>, request: UntagResource) -> Result<Value, Fault> {
    let UntagResource { resource_name, resource_arn, tag_keys } = request;
    let untag = |present: &mut Vec<Tag>| {
        present.retain(|tag| !tag_keys.contains(&tag.key));
        Ok(())
    };
    change(service, &resource_name, resource_arn.as_deref(), untag).await
}

async fn change(
    service: &Arc<Service>,
    name: &str,
    arn: Option<&str>,
    change: impl FnOnce(&mut Vec<Tag>) -> Result<(), Fault>,
) -> Result<Value, Fault> {
    let operation: Operation = service
        .store
        .change(|state| {
            let (resource_type, common) = taggable(state, name)?;
            if arn.is_some_and(|arn| arn != common.arn) {
                return Err(Fault::invalid(format!("The resource ARN is not that of {name}")));
            }
            change(&mut common.tags)?;
            let common = common.clone();
            // The model's operation types have no word for tagging.
            Ok(operations::begin(state, &About::new(name, resource_type, &common), None, Status::Succeeded))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

fn taggable<'a>(state: &'a mut State, name: &str) -> Result<(&'static str, &'a mut Common), Fault> {
    if state.static_ips.contains_key(name) {
        return Err(Fault::invalid(format!("Static IPs cannot be tagged: {name}")));
    }
    if let Some(instance) = state.instances.get_mut(name) {
        return Ok(("Instance", &mut instance.common));
    }
    if let Some(alarm) = state.alarms.get_mut(name) {
        return Ok(("Alarm", &mut alarm.common));
    }
    let contact = state.contact_methods.iter_mut().find(|(protocol, _)| contacts::name(protocol) == name);
    if let Some((_, contact)) = contact {
        return Ok((contacts::TYPE, &mut contact.common));
    }
    if let Some(balancer) = state.load_balancers.get_mut(name) {
        return Ok((load_balancers::TYPE, &mut balancer.common));
    }
    if let Some(snapshot) = state.snapshots.get_mut(name) {
        return Ok((snapshot.resource_type(), &mut snapshot.common));
    }
    let database = state.databases.get_mut(name).ok_or_else(|| Fault::no_such("Resource", name))?;
    Ok(("RelationalDatabase", &mut database.common))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(key: &str, value: &str) -> Tag {
        Tag { key: key.to_owned(), value: Some(value.to_owned()) }
    }

    #[test]
    fn a_key_given_again_takes_the_new_value() {
        let tags = checked(vec![tag("jewel:env", "a"), tag("b", "c"), tag("jewel:env", "d")]).unwrap();
        assert_eq!(tags, [tag("jewel:env", "d"), tag("b", "c")]);
    }

    #[test]
    fn awss_limits_hold() {
        let long = "x".repeat(129);
        for bad in [tag("", "v"), tag(&long, "v"), tag("k", &"x".repeat(257)), tag("k<", "v"), tag("aws:k", "v")] {
            assert!(checked(vec![bad]).is_err());
        }
        let many: Vec<Tag> = (0..51).map(|n| tag(&format!("k{n}"), "")).collect();
        assert!(checked(many).is_err());
    }
}
