//! Requests held against AWS's service model before any operation sees them.
//!
//! `model/operations.json` is derived from the model (`model/derive.py`). The words of the refusals are those of AWS's
//! JSON services. This file knows shapes, not what they mean; rules the model does not state (how long a window must
//! be, which names are taken) are with the operations.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::Deserialize;
use serde_json::Value;

use super::fault::Fault;

/// The part of the model this service answers by.
pub(crate) static MODEL: LazyLock<Model> = LazyLock::new(|| {
    serde_json::from_str(include_str!("model/operations.json")).expect("the checked-in model is well-formed")
});

#[derive(Deserialize)]
pub(crate) struct Model {
    /// All operations AWS has; with shapes where they are built here.
    pub(crate) operations: BTreeMap<String, Option<Shapes>>,
    shapes: BTreeMap<String, Shape>,
}

#[derive(Deserialize)]
pub(crate) struct Shapes {
    pub(crate) input: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests hold the answers against it"))]
    pub(crate) output: String,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Shape {
    Structure {
        members: BTreeMap<String, String>,
        #[serde(default)]
        required: Vec<String>,
    },
    List {
        member: String,
    },
    String {
        #[serde(default, rename = "enum")]
        allowed: Vec<String>,
        pattern: Option<String>,
        min: Option<usize>,
        max: Option<usize>,
    },
    Map {
        key: String,
        value: String,
    },
    Integer {
        min: Option<i64>,
        max: Option<i64>,
    },
    #[serde(alias = "double")]
    Float,
    Boolean,
    Timestamp,
}

impl Model {
    /// Holds `value` against the shape `name`. Nulls are taken as absent, as AWS's own parsers do, and are removed.
    ///
    /// # Errors
    /// `SerializationException` for what has the wrong type or no place in the shape, `InvalidInputException` for what is
    /// missing or outside the model's constraints.
    pub(crate) fn check(&self, name: &str, value: &mut Value) -> Result<(), Fault> {
        self.check_at("", name, value)
    }

    fn check_at(&self, path: &str, name: &str, value: &mut Value) -> Result<(), Fault> {
        let shape = self.shapes.get(name).expect("the derived model is closed");
        match (shape, value) {
            (Shape::Structure { members, required }, Value::Object(fields)) => {
                fields.retain(|_, value| !value.is_null());
                for (field, value) in fields.iter_mut() {
                    let Some(target) = members.get(field) else {
                        let inside = if path.is_empty() { name } else { path };
                        return Err(Fault::serialization(format!("Unexpected field '{field}' in {inside}")));
                    };
                    self.check_at(&join(path, field), target, value)?;
                }
                match required.iter().find(|field| !fields.contains_key(*field)) {
                    Some(field) => Err(constraint("null", &join(path, field), "Member must not be null")),
                    None => Ok(()),
                }
            }
            (Shape::List { member }, Value::Array(items)) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.check_at(&format!("{path}.{}.member", index + 1), member, item)?;
                }
                Ok(())
            }
            (Shape::Map { key, value: target }, Value::Object(entries)) => {
                for (name, value) in entries.iter_mut() {
                    self.check_at(path, key, &mut Value::from(name.as_str()))?;
                    self.check_at(&join(path, name), target, value)?;
                }
                Ok(())
            }
            (Shape::String { allowed, pattern, min, max }, Value::String(text)) => {
                let length = text.chars().count();
                if min.is_some_and(|min| length < min) || max.is_some_and(|max| length > max) {
                    let (min, max) = (min.unwrap_or(0), max.unwrap_or(usize::MAX));
                    let rule = format!("Member must have length between {min} and {max}");
                    return Err(constraint(&format!("'{text}'"), path, &rule));
                }
                if !allowed.is_empty() && !allowed.contains(text) {
                    let set = allowed.join(", ");
                    let rule = format!("Member must satisfy enum value set: [{set}]");
                    return Err(constraint(&format!("'{text}'"), path, &rule));
                }
                match pattern {
                    Some(pattern) if !matches(pattern, text) => {
                        let rule = format!("Member must satisfy regular expression pattern: {pattern}");
                        Err(constraint(&format!("'{text}'"), path, &rule))
                    }
                    _ => Ok(()),
                }
            }
            (Shape::Integer { min, max }, Value::Number(number)) => {
                let Some(number) = number.as_i64() else {
                    return Err(wrong_type(path, "an integer"));
                };
                if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                    let (min, max) = (min.unwrap_or(i64::MIN), max.unwrap_or(i64::MAX));
                    let rule = format!("Member must have value between {min} and {max}");
                    return Err(constraint(&format!("'{number}'"), path, &rule));
                }
                Ok(())
            }
            (Shape::Float | Shape::Timestamp, Value::Number(_)) | (Shape::Boolean, Value::Bool(_)) => Ok(()),
            (Shape::Structure { .. } | Shape::Map { .. }, _) => Err(wrong_type(path, "a structure")),
            (Shape::List { .. }, _) => Err(wrong_type(path, "a list")),
            (Shape::String { .. }, _) => Err(wrong_type(path, "a string")),
            (Shape::Integer { .. }, _) => Err(wrong_type(path, "an integer")),
            (Shape::Float, _) => Err(wrong_type(path, "a number")),
            (Shape::Timestamp, _) => Err(wrong_type(path, "a timestamp")),
            (Shape::Boolean, _) => Err(wrong_type(path, "a boolean")),
        }
    }
}

fn join(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

fn constraint(value: &str, path: &str, rule: &str) -> Fault {
    Fault::invalid(format!(
        "1 validation error detected: Value {value} at '{path}' failed to satisfy constraint: {rule}"
    ))
}

/// The value itself is not repeated: it may be a password.
fn wrong_type(path: &str, wanted: &str) -> Fault {
    let path = if path.is_empty() { "the request" } else { path };
    Fault::serialization(format!("Expected {wanted} at '{path}'"))
}

/// The patterns of the model, each written out: they are seven, and a regular expression engine is a large dependency.
fn matches(pattern: &str, text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match pattern {
        r"\w[\w\-]*\w" => {
            text.chars().count() >= 2
                && text.starts_with(word)
                && text.ends_with(word)
                && text.chars().all(|c| word(c) || c == '-')
        }
        r".*\S.*" => text.chars().any(|c| !c.is_whitespace()),
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" => is_date(text),
        r"^(0[0-9]|1[0-9]|2[0-3]):[0-5][0-9]$" => clock(text).is_some(),
        r"^arn:(aws[^:]*):([a-zA-Z0-9-]+):([a-z0-9-]+):([0-9]+):([a-zA-Z]+)/([a-zA-Z0-9-]+)$" => arn(text),
        r"([0-9]{1,3}\.){3}[0-9]{1,3}" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        r"([A-F0-9]{1,4}:){7}[A-F0-9]{1,4}" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        _ => false,
    }
}

/// Minutes since midnight of an `HH:MM` time.
pub(crate) fn clock(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
    if !two_digits(hours) || !two_digits(minutes) {
        return None;
    }
    let (hours, minutes): (u32, u32) = (hours.parse().ok()?, minutes.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

/// Whether it is written as a date is; not whether there is such a day.
pub(crate) fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| text.as_bytes()[range].iter().all(u8::is_ascii_digit);
    let bytes = text.as_bytes();
    bytes.len() == 10 && bytes[4] == b'-' && bytes[7] == b'-' && digits(0..4) && digits(5..7) && digits(8..10)
}

fn arn(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let named = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    let [scheme, partition, service, region, account, resource] = parts[..] else {
        return false;
    };
    scheme == "arn"
        && partition.starts_with("aws")
        && named(service)
        && named(region)
        && !account.is_empty()
        && account.bytes().all(|b| b.is_ascii_digit())
        && resource
            .split_once('/')
            .is_some_and(|(kind, id)| !kind.is_empty() && kind.chars().all(|c| c.is_ascii_alphabetic()) && named(id))
}

#[cfg(test)]
impl Model {
    /// Holds an answer against the output shape of `operation`; panics with what is wrong.
    pub(crate) fn assert_answer(&self, operation: &str, answer: &Value) {
        let shapes = self.operations[operation].as_ref().expect("built");
        if let Err(fault) = self.check(&shapes.output, &mut answer.clone()) {
            panic!("{operation} answered against the model: {fault}\n{answer:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(operation: &str, mut request: Value) -> Result<(), Fault> {
        let shapes = MODEL.operations[operation].as_ref().expect("built");
        MODEL.check(&shapes.input, &mut request)
    }

    #[test]
    fn every_pattern_of_the_model_is_written_out() {
        let examples =
            ["ab", "x", "06:00", "2026-11-23", "arn:aws:lightsail:eu-west-1:1:Instance/a-1", "10.0.0.1", "::1"];
        for (name, shape) in &MODEL.shapes {
            if let Shape::String { pattern: Some(pattern), .. } = shape {
                assert!(examples.iter().any(|text| matches(pattern, text)), "{name}: {pattern}");
            }
        }
    }

    #[test]
    fn requests_are_held_against_the_model() {
        let refusal = |operation, request| {
            let fault = check(operation, request).unwrap_err();
            (fault.kind, fault.message)
        };
        insta::assert_debug_snapshot!([
            refusal("GetInstance", json!({})),
            refusal("GetInstance", json!({"instanceName": null})),
            refusal("GetInstance", json!({"instanceName": 7})),
            refusal("GetInstance", json!({"instanceName": "-a"})),
            refusal("GetInstance", json!({"instanceName": "ab", "colour": "red"})),
            refusal("GetInstance", json!([])),
            refusal("PutInstancePublicPorts", json!({"instanceName": "ab", "portInfos": [{"fromPort": 70000}]})),
            refusal("PutInstancePublicPorts", json!({"instanceName": "ab", "portInfos": [{"protocol": "sctp"}]})),
            refusal("PutInstancePublicPorts", json!({"instanceName": "ab", "portInfos": [{"fromPort": 1.5}]})),
            refusal("CreateRelationalDatabase", json!({"masterUserPassword": ["geheim"]})),
        ]);
    }

    #[test]
    fn what_the_model_allows_passes() {
        check("GetInstance", json!({"instanceName": "web_1-a"})).unwrap();
        check("GetInstances", json!({})).unwrap();
        check("TagResource", json!({"resourceName": "web", "tags": [{"key": "k", "value": "v"}, {"key": "l"}]}))
            .unwrap();
    }

    #[test]
    fn names_follow_the_models_pattern() {
        for good in ["ab", "a-b", "a_1", "1a", "__"] {
            assert!(matches(r"\w[\w\-]*\w", good), "{good}");
        }
        for bad in ["", "a", "-ab", "ab-", "a b", "a.b", "ä1b"] {
            assert!(!matches(r"\w[\w\-]*\w", bad), "{bad}");
        }
    }
}
