//! A day in the life of the shop: every change that the API documents, made once by whoever may make it, and every read.
//!
//! Each change is kept with the events that were in the journal when it was answered.
#![allow(dead_code, reason = "each test file uses its own part")]

mod catalogue;
mod people;
mod trade;

use std::collections::BTreeSet;

use jewel_journal::{Actor, Event};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    support::{Shop, journal::events},
    till::Till,
};

/// Lists with each way of narrowing them down, as an administrator.
const FILTERED: [&str; 7] = [
    "/admin/inventory?low_stock=true",
    "/admin/orders?status=delivered",
    "/admin/products?status=active",
    "/admin/audit?kind=product.changed",
    "/admin/audit?actor=admin-1",
    "/admin/audit?actor=admin-1&kind=product.changed",
    "/orders?limit=2",
];

/// A change that was acknowledged.
pub(crate) struct Deed {
    /// Method and path, as in the document but without `/api/v1`.
    pub(crate) route: &'static str,
    /// The kinds of the events that came into the journal meanwhile.
    pub(crate) events: Vec<String>,
}

/// The day, as far as it went.
pub(crate) struct Day<'a> {
    till: &'a Till,
    pub(crate) deeds: Vec<Deed>,
    /// Ids and slugs of what was made, to look at.
    names: BTreeSet<String>,
}

impl<'a> Day<'a> {
    /// From the first change to the last, and then a look at everything.
    pub(crate) async fn of(till: &'a Till) -> Self {
        let mut day = Self { till, deeds: Vec::new(), names: BTreeSet::new() };
        day.catalogue().await;
        day.trade().await;
        day.people().await;
        day.look().await;
        day
    }

    fn shop(&self) -> &'a Shop {
        &self.till.shop
    }

    /// A request by `admin`, by the customer of another name, or by nobody.
    fn request(&self, who: &str, method: Method, path: &str) -> RequestBuilder {
        let issuer = &self.shop().issuer;
        let request = self.shop().api.request(method, path);
        match who {
            "" => request,
            "admin" => request.bearer_auth(issuer.admin()),
            customer => request.bearer_auth(issuer.token("first", json!({"sub": customer, "cognito:groups": null}))),
        }
    }

    /// Makes a change, which has to succeed: the answer's body.
    async fn change(
        &mut self,
        who: &str,
        route: &'static str,
        names: &[&Value],
        headers: &[(&'static str, String)],
        body: Value,
    ) -> Value {
        let (method, path) = route.split_once(' ').unwrap();
        let mut names = names.iter().map(|name| name.as_str().unwrap());
        let parts = path.split('/').map(|part| if part.starts_with('{') { names.next().unwrap() } else { part });
        let path = format!("/api/v1{}", parts.collect::<Vec<_>>().join("/"));
        let mut request = self.request(who, method.parse().unwrap(), &path);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if !body.is_null() {
            request = request.json(&body);
        }
        let before: BTreeSet<Uuid> = self.journal().iter().map(|event| event.id).collect();
        let response = request.send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert!(status.is_success(), "{who} {route}: {status} {text}");
        let new = self.journal().into_iter().filter(|event| !before.contains(&event.id) && !is_timers(event));
        self.deeds.push(Deed { route, events: new.map(|event| event.kind).collect() });
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        for name in ["id", "slug"] {
            self.names.extend(answer[name].as_str().map(str::to_owned));
        }
        answer
    }

    /// The body of a good answer.
    async fn read(&self, who: &str, path: &str) -> Value {
        let response = self.request(who, Method::GET, &format!("/api/v1{path}")).send().await.unwrap();
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Reads everything that can be read, by every name that it could have.
    async fn look(&self) {
        let document = self.shop().api.read("/api/openapi.json").await;
        let (mut found, mut templates) = (BTreeSet::new(), 0);
        for (template, methods) in document["paths"].as_object().unwrap() {
            if methods.get("get").is_none() || !template.starts_with("/api/") {
                continue;
            }
            templates += 1;
            for name in &self.names {
                let parts = template.split('/').map(|part| if part.starts_with('{') { name } else { part });
                let path = parts.collect::<Vec<_>>().join("/");
                for who in ["admin", "mei"] {
                    let status = self.request(who, Method::GET, &path).send().await.unwrap().status();
                    assert!(!status.is_server_error(), "{path}: {status}");
                    if status.is_success() {
                        found.insert(template.clone());
                    }
                }
                if path == *template {
                    break;
                }
            }
        }
        assert_eq!(found.len(), templates, "only {found:?} could be read");
        for path in FILTERED {
            self.read("admin", path).await;
        }
    }

    fn journal(&self) -> Vec<Event> {
        events(&self.shop().s3)
    }
}

/// What happens without being asked for, at any time.
fn is_timers(event: &Event) -> bool {
    matches!(&event.by, Actor::System(what) if ["documents", "expiry"].contains(&what.as_str()))
}

/// The header for a change of what was read in this version.
fn version_of(read: &Value) -> [(&'static str, String); 1] {
    [("if-match", format!("\"{}\"", read["version"]))]
}

/// The header for an intent of its own.
fn new_key() -> (&'static str, String) {
    ("idempotency-key", Uuid::new_v4().to_string())
}
