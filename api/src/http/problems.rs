//! The problems that whole families of routes share, for the OpenAPI document: said once and not at every route.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses, ToSchema,
    openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder},
};

use crate::error::{PROBLEM_JSON, Problem};

/// What every administrators' route can answer.
pub(crate) enum AdminProblems {}

/// What an administrators' route that takes a body can answer as well.
pub(crate) enum BodyProblems {}

/// What a change to a version can answer as well.
pub(crate) enum VersionProblems {}

/// That there is no such thing.
pub(crate) enum MissingProblem {}

/// That it meets what there is already, or is not possible in the state it is in.
pub(crate) enum ConflictProblem {}

impl IntoResponses for AdminProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (400, "The query or the body cannot be read"),
            (401, "There is no valid token"),
            (403, "The token is not an administrator's"),
            (503, "Try again: the shop is busy, or something it needs is away"),
        ])
    }
}

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[
            (413, "The body is too large"),
            (415, "The body is not JSON"),
            (422, "The body breaks rules; all of them are named"),
        ])
    }
}

impl IntoResponses for VersionProblems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(412, "Somebody else changed it since the version of `If-Match`"), (428, "`If-Match` is missing")])
    }
}

impl IntoResponses for MissingProblem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(404, "There is no such thing")])
    }
}

impl IntoResponses for ConflictProblem {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        problems(&[(409, "It meets what there is already, or is not possible now")])
    }
}

fn problems(all: &[(u16, &str)]) -> BTreeMap<String, RefOr<Response>> {
    all.iter().map(|(status, words)| (status.to_string(), RefOr::T(problem(words)))).collect()
}

fn problem(words: &str) -> Response {
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(RefOr::Ref(schema))).build();
    ResponseBuilder::new().description(words).content(PROBLEM_JSON, content).build()
}
