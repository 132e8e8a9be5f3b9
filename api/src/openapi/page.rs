//! The document as a page for people: plain HTML made once at the start, without a script, a font or a picture from
//! anywhere, so that nothing on it can run.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use sha2::{Digest, Sha256};

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}\
h2{margin-top:3rem;border-bottom:1px solid #ccc}summary{cursor:pointer;padding:.4rem 0}\
code{font-family:ui-monospace,monospace;font-size:.9em}.method{display:inline-block;min-width:4.5rem;font-weight:700}\
table{border-collapse:collapse;margin:.5rem 0 1rem}td,th{border:1px solid #ddd;padding:.25rem .6rem;text-align:left;vertical-align:top}";

/// A page and the policy under which it may be shown.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) html: String,
    /// Allows its own style, by its hash, and nothing else.
    pub(crate) policy: String,
}

/// The page of an OpenAPI document.
pub(crate) fn page(document: &Value) -> Page {
    let title = text(&document["info"]["title"]);
    let mut html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body><h1>{title}</h1>\
         <p>{}</p><p><a href=\"/api/openapi.json\">The document itself</a>, OpenAPI {}.</p>",
        text(&document["info"]["description"]),
        text(&document["openapi"]),
    );
    for tag in list(&document["tags"]) {
        html += &format!("<h2>{}</h2><p>{}</p>", text(&tag["name"]), text(&tag["description"]));
        for (path, methods) in entries(&document["paths"]) {
            for (method, operation) in entries(methods) {
                if list(&operation["tags"]).first() == Some(&tag["name"]) {
                    html += &operation_html(path, method, operation);
                }
            }
        }
    }
    html += "<h2>Schemas</h2>";
    for (name, schema) in entries(&document["components"]["schemas"]) {
        html += &schema_html(name, schema);
    }
    html += "</body></html>\n";
    let digest = BASE64_STANDARD.encode(Sha256::digest(STYLE));
    Page { html, policy: format!("default-src 'none'; style-src 'sha256-{digest}'; frame-ancestors 'none'") }
}

fn operation_html(path: &str, method: &str, operation: &Value) -> String {
    let lock = if list(&operation["security"]).is_empty() { "" } else { " &#128274;" };
    let mut html = format!(
        "<details><summary><span class=\"method\">{}</span> <code>{}</code> {}{lock}</summary><p>{}</p>",
        escaped(&method.to_uppercase()),
        escaped(path),
        text(&operation["summary"]),
        text(&operation["description"]),
    );
    let parameters = list(&operation["parameters"]).iter().map(|it| {
        let is_required = if it["required"] == true { ", required" } else { "" };
        let place = format!("{}{is_required}", text(&it["in"]));
        [code(&text(&it["name"])), place, kind(&it["schema"]), text(&it["description"])]
    });
    html += &table(["Parameter", "In", "Type", ""], parameters);
    let bodies = entries(&operation["requestBody"]["content"]);
    html += &table(["Body", "Type"], bodies.map(|(media, content)| [code(&escaped(media)), kind(&content["schema"])]));
    let answers = entries(&operation["responses"]).map(|(status, answer)| {
        let kinds: Vec<String> = entries(&answer["content"]).map(|(_, content)| kind(&content["schema"])).collect();
        [code(&escaped(status)), kinds.join(" or "), text(&answer["description"])]
    });
    html + &table(["Status", "Type", ""], answers) + "</details>"
}

fn schema_html(name: &str, schema: &Value) -> String {
    let name = escaped(name);
    let mut html = format!("<h3 id=\"{name}\">{name}</h3><p>{}</p>", text(&schema["description"]));
    let parts = list(&schema["allOf"]).iter().chain(std::iter::once(schema));
    let properties = parts.flat_map(|part| {
        let required = list(&part["required"]);
        entries(&part["properties"]).map(move |(field, it)| {
            let mark = if required.iter().any(|name| name == field) { "" } else { "?" };
            [code(&format!("{}{mark}", escaped(field))), kind(it), text(&it["description"])]
        })
    });
    html += &table(["Field", "Type", ""], properties);
    let values: Vec<String> = list(&schema["enum"]).iter().map(|value| code(&text(value))).collect();
    if !values.is_empty() {
        html += &format!("<p>One of {}.</p>", values.join(", "));
    }
    html
}

/// What a value may be, in words, with links.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
        let name = escaped(name);
        return format!("<a href=\"#{name}\">{name}</a>");
    }
    for several in ["oneOf", "anyOf", "allOf"] {
        if !list(&schema[several]).is_empty() {
            let kinds: Vec<String> = list(&schema[several]).iter().map(kind).collect();
            return kinds.join(if several == "allOf" { " and " } else { " or " });
        }
    }
    let named = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect::<Vec<_>>().join(" or "),
        one => text(one),
    };
    if schema["items"].is_object() { format!("{named} of {}", kind(&schema["items"])) } else { named }
}

/// Nothing for a table without rows.
fn table<const N: usize>(head: [&str; N], rows: impl Iterator<Item = [String; N]>) -> String {
    let rows: String = rows.map(|row| format!("<tr><td>{}</td></tr>", row.join("</td><td>"))).collect();
    if rows.is_empty() {
        return rows;
    }
    format!("<table><tr><th>{}</th></tr>{rows}</table>", head.join("</th><th>"))
}

fn code(html: &str) -> String {
    format!("<code>{html}</code>")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_schema_is_on_it_and_no_script() {
        let document: Value = serde_json::from_str(&super::super::document()).unwrap();
        let page = page(&document);
        for (path, methods) in entries(&document["paths"]) {
            let count = page.html.matches(&format!("<code>{}</code> ", escaped(path))).count();
            assert_eq!(count, methods.as_object().unwrap().len(), "{path}");
        }
        for (name, _) in entries(&document["components"]["schemas"]) {
            assert!(page.html.contains(&format!("<h3 id=\"{name}\">")), "{name}");
        }
        for forbidden in ["<script", "http://", "https://", "javascript:", " style=\"", "onclick"] {
            assert!(!page.html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn words_cannot_become_markup() {
        assert_eq!(escaped("<b a=\"&\">"), "&lt;b a=&quot;&amp;&quot;&gt;");
    }
}
