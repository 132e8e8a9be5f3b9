//! The OpenAPI document: made of the routes themselves, so that it cannot drift from them.

pub(crate) mod page;

use utoipa::{
    Modify, OpenApi,
    openapi::{
        Content, PathItem, Ref, RefOr, ResponseBuilder, Schema,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::error::{PROBLEM_JSON, Problem};

/// The document as JSON text, ending in a newline.
pub fn document() -> String {
    let (_, document) = crate::router::routes();
    let mut text = document.to_pretty_json().unwrap_or_default();
    text.push('\n');
    text
}

/// What is said about the API as a whole; the paths come from the routes.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Jewel shop API",
        description = "The catalogue of a jewelry shop. Prices are in minor units of their currency. \
                       Every error is a problem document (RFC 9457) with a stable type.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(Problem)),
    modifiers(&BearerToken),
    tags(
        (name = "catalogue", description = "What the shop sells"),
        (name = "payments", description = "Paying for orders; no card data ever comes here"),
        (name = "people", description = "What the shop knows of who is signed in"),
        (name = "cart", description = "What somebody means to buy"),
        (name = "orders", description = "Buying it"),
        (name = "orders: administration", description = "Moving orders on; members of the group admins only"),
        (name = "inventory", description = "What there is; members of the group admins only"),
        (name = "admin", description = "Changing the catalogue; members of the group admins only"),
        (name = "operation", description = "Running the server"),
    ),
)]
pub(crate) struct Document;

/// What the layers around every route below `/api` may answer, and routes need not say.
const EVERYWHERE: [(&str, &str); 3] = [
    ("403", "The request did not come through the shop's address, or the caller may not do this"),
    ("429", "The caller asked too often; `Retry-After` says when to come back"),
    ("503", "Busy, or something the server needs is away; `Retry-After` says when to come back"),
];

/// Adds those answers where a route does not document them itself.
pub(crate) fn complete(document: &mut utoipa::openapi::OpenApi) {
    for (path, item) in &mut document.paths.paths {
        if path.starts_with("/api/") {
            operations(item).for_each(add_missing);
        }
    }
    open_parts(document);
}

/// What is a part of something larger cannot say that there is nothing else, though requests made of it alone have to
/// keep to that.
fn open_parts(document: &mut utoipa::openapi::OpenApi) {
    let Some(components) = &mut document.components else { return };
    let wholes = components.schemas.values().filter_map(|schema| match schema {
        RefOr::T(Schema::AllOf(whole)) => Some(whole),
        _ => None,
    });
    let parts: Vec<String> = wholes
        .flat_map(|whole| &whole.items)
        .filter_map(|item| match item {
            RefOr::Ref(part) => part.ref_location.rsplit('/').next().map(str::to_owned),
            RefOr::T(_) => None,
        })
        .collect();
    for part in parts {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&part) {
            object.additional_properties = None;
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

fn add_missing(operation: &mut Operation) {
    for (status, description) in EVERYWHERE {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| {
            let problem = Content::new(Some(Ref::from_schema_name("Problem")));
            ResponseBuilder::new().description(description).content(PROBLEM_JSON, problem).build().into()
        });
    }
}

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, fs, path::Path};

    /// Types of one name would share one schema, and all but one of them be documented wrongly.
    #[test]
    fn every_schema_has_a_name_of_its_own() {
        let mut names = BTreeMap::new();
        collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        assert!(names.len() > 50, "only {names:?}");
        let shared: Vec<_> = names.iter().filter(|(_, count)| **count > 1).collect();
        assert!(shared.is_empty(), "give all but one of each another name, by #[schema(as = ...)]: {shared:?}");
    }

    /// Counts the names of what derives `ToSchema`.
    fn collect(folder: &Path, names: &mut BTreeMap<String, usize>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, names);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap_or_default();
            let mut lines = text.lines();
            while lines.by_ref().any(|line| line.starts_with("#[derive(") && line.contains("ToSchema")) {
                let named = |line: &str| {
                    let (_, given) = line.split_once("#[schema(as = ").or_else(|| {
                        line.split_once("struct ")
                            .or_else(|| line.split_once("enum "))
                            .filter(|_| line.starts_with("pub"))
                    })?;
                    given.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned)
                };
                *names.entry(lines.by_ref().find_map(named).unwrap()).or_default() += 1;
            }
        }
    }

    #[test]
    fn the_document_is_the_checked_in_one() {
        insta::assert_snapshot!("openapi", super::document());
    }
}
