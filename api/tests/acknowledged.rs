//! Every documented route that changes something has its event in the journal when it answers, or is on the list of those
//! that need none: held against the OpenAPI document, so that no route can be forgotten here.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod life;
mod support;
mod till;

use std::collections::BTreeSet;

use jewel_api::EXEMPT;
use life::Day;
use support::{
    journal::{assert_recovered, copy},
    shops,
};
use till::Till;

#[tokio::test]
async fn every_change_is_in_the_journal_when_it_is_acknowledged() {
    for shop in shops().await {
        let till = Till::new(shop).await;
        let mut early = copy(&till.shop.database, "early").await;
        let day = Day::of(&till).await;

        let documented = documented(&till).await;
        let done: BTreeSet<String> = day.deeds.iter().map(|deed| deed.route.to_owned()).collect();
        assert_eq!(done, documented, "what is done here is not what is documented");
        for route in &documented {
            // Of what is sent again, the event is there already.
            let is_told = day.deeds.iter().any(|deed| deed.route == route && !deed.events.is_empty());
            let is_exempt = EXEMPT.iter().any(|(method, path, _)| format!("{method} {path}") == with_root(route));
            assert!(is_told != is_exempt, "{route} on {}: an event is {is_told}", till.shop.database.name);
        }
        for (method, path, _) in EXEMPT {
            let is_there = documented.iter().any(|route| with_root(route) == format!("{method} {path}"));
            assert!(is_there, "{method} {path} is exempt and not there");
        }
        assert_recovered(&mut early, &till.shop.s3).await;
    }
}

fn with_root(route: &str) -> String {
    route.replacen(' ', " /api/v1", 1)
}

/// The routes of the document that are no reads, as [`life::Deed`] names them.
async fn documented(till: &Till) -> BTreeSet<String> {
    let document = till.shop.api.read("/api/openapi.json").await;
    let mut routes = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            if ["post", "put", "patch", "delete"].contains(&method.as_str()) {
                routes.insert(format!("{} {}", method.to_uppercase(), path.strip_prefix("/api/v1").unwrap()));
            }
        }
    }
    routes
}
