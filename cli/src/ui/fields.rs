//! What would change in a resource: a field a line, a set entry by entry, a document by what differs in it.

use std::fmt::Write as _;

use jewel_engine::FieldChange;
use serde_json::Value;

/// Longer values are cut: the plan is for reading.
const WIDEST_VALUE: usize = 72;

/// Adds the lines of these fields.
pub(super) fn render_fields(text: &mut String, fields: &[FieldChange]) {
    let width = fields.iter().map(|field| field.field.len()).max().unwrap_or(0);
    for field in fields {
        match (&field.before, &field.after) {
            (Some(Value::Array(before)), Some(Value::Array(after))) => render_sets(text, &field.field, before, after),
            (Some(before @ Value::Object(_)), Some(after @ Value::Object(_))) => {
                let mut leaves = Vec::new();
                differences(&field.field, before, after, &mut leaves);
                for leaf in leaves {
                    let _ = writeln!(text, "    {leaf}");
                }
            }
            _ => {
                let _ = writeln!(text, "    {:width$}  {}", field.field, change(field));
            }
        }
    }
}

/// The whole set before and after, an entry a line, with a mark at what goes and what comes.
fn render_sets(text: &mut String, field: &str, before: &[Value], after: &[Value]) {
    let mut side = |title: &str, entries: &[Value], others: &[Value], mark: &str| {
        let _ = writeln!(text, "    {field} {title}{}", if entries.is_empty() { ": nothing" } else { "" });
        for entry in entries {
            let mark = if others.contains(entry) { " " } else { mark };
            let _ = writeln!(text, "      {mark} {}", words(entry));
        }
    };
    side("before", before, after, "-");
    side("after", after, before, "+");
}

/// One entry of a set: its text, or its fields in their order.
fn words(entry: &Value) -> String {
    let Value::Object(fields) = entry else { return value(entry) };
    let plain = |value: &Value| match value {
        Value::Array(items) => items.iter().map(self::value).collect::<Vec<_>>().join(", "),
        other => self::value(other),
    };
    fields.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>().join("  ")
}

/// The places of two documents that differ, each with both values.
fn differences(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
            for name in names {
                let of = |object: &serde_json::Map<_, _>| object.get(name).cloned().unwrap_or(Value::Null);
                differences(&format!("{path}.{name}"), &of(old), &of(new), found);
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (number, (old, new)) in old.iter().zip(new).enumerate() {
                differences(&format!("{path}[{number}]"), old, new, found);
            }
        }
        (before, after) => found.push(format!("{path}  {} -> {}", value(before), value(after))),
    }
}

fn change(field: &FieldChange) -> String {
    let after = match &field.after {
        Some(after) => value(after),
        None => "(known after apply)".to_owned(),
    };
    let arrow = match &field.before {
        Some(before) => format!("{} -> {after}", value(before)),
        None => after,
    };
    if field.forces_replacement { format!("{arrow}  (needs a new one)") } else { arrow }
}

pub(crate) fn value(value: &Value) -> String {
    let text = match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    if text.chars().count() <= WIDEST_VALUE {
        return text;
    }
    let cut: String = text.chars().take(WIDEST_VALUE - 1).collect();
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(name: &str, before: Value, after: Value) -> String {
        let mut text = String::new();
        let field = FieldChange {
            field: name.to_owned(),
            before: Some(before),
            after: Some(after),
            known_after_apply: false,
            forces_replacement: false,
        };
        render_fields(&mut text, &[field]);
        text
    }

    #[test]
    fn a_firewall_is_shown_as_the_whole_set_before_and_after() {
        let rule = |ports: &str, from: &str| json!({ "protocol": "tcp", "ports": ports, "from": [from] });
        let (ssh, http) = (rule("22", "203.0.113.7/32"), rule("80", "0.0.0.0/0"));
        insta::assert_snapshot!(shown("open", json!([ssh, http]), json!([http])), @"
            open before
              - protocol tcp  ports 22  from 203.0.113.7/32
                protocol tcp  ports 80  from 0.0.0.0/0
            open after
                protocol tcp  ports 80  from 0.0.0.0/0
        ");
        insta::assert_snapshot!(shown("open", json!([]), json!([http])), @"
            open before: nothing
            open after
              + protocol tcp  ports 80  from 0.0.0.0/0
        ");
    }

    #[test]
    fn of_a_document_only_what_differs_is_shown() {
        let policy = |resource: &str| json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "Journal", "Resource": resource, "Effect": "Allow" }] });
        insta::assert_snapshot!(shown("policy", policy("arn:a"), policy("arn:b")), @"    policy.Statement[0].Resource  arn:a -> arn:b");
        insta::assert_snapshot!(shown("tags", json!({"a": "1", "b": "2"}), json!({"a": "1", "c": "3"})), @"
            tags.b  2 -> nothing
            tags.c  nothing -> 3
        ");
    }
}
