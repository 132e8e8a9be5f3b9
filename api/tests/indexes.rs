//! No statement that the API sends reads a table that grows from end to end. They are those that the servers themselves
//! took down on a day when everything was done that can be done: none can be forgotten here.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod growth;
mod life;
mod plans;
mod support;
mod till;

use life::Day;
use plans::{Execution, Step};
use support::{Api, shops};
use till::Till;

/// How many rows each table has that grows.
const ROWS: u32 = 2_000;

/// What is read of a table that a shop has few rows of, however long it trades.
const SMALL: [&str; 4] = ["categories", "collections", "journal_state", "schema_migrations"];

/// More rows than this are too many for one statement with pages of 24 and histories of a few steps.
const MOST: u64 = 600;

/// Lists whose order must come from an index.
const WALKS: [&str; 8] = [
    "",
    "?sort=price_asc",
    "?sort=price_desc",
    "?sort=name",
    "?category=rings",
    "?category=rings&sort=price_asc",
    "?category=rings&sort=price_desc",
    "?category=rings&sort=name",
];

/// Lists that keep only some of what they find, and so may read on.
const SEARCHES: [&str; 6] = [
    "?q=grown",
    "?q=gold&sort=price_asc",
    "?metal=gold_18k&in_stock=true",
    "?min_price=300&max_price=310",
    "?collection=grown-1",
    "?collection=grown-1&sort=name",
];

#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    for shop in shops().await {
        growth::grow(&shop.database, ROWS).await;
        plans::watch(&shop.database).await;
        let till = Till::new(shop).await;
        Day::of(&till).await;
        walk(&till.shop.api).await;
        let executions = plans::executed(&till.shop.database).await;
        let name = till.shop.database.name;
        assert!(executions.len() > 100, "{name}: {}", executions.len());
        for verb in ["SELECT", "UPDATE"] {
            assert!(executions.iter().any(|execution| execution.statement.starts_with(verb)), "no {verb} on {name}");
        }
        let faults: Vec<String> = executions.iter().filter_map(fault).collect();
        assert!(faults.is_empty(), "{name}:\n\n{}", faults.join("\n\n"));
        let stretches = executions.iter().filter(|execution| execution.statement.contains("s.created_at BETWEEN"));
        assert!(stretches.count() > 0, "no page was read as one stretch on {name}");
        let walks = executions.iter().filter(|execution| is_walk(&execution.statement));
        assert!(walks.count() >= WALKS.len(), "{name}");
    }
}

/// Whether it goes along an index that has the list's order.
fn is_walk(statement: &str) -> bool {
    statement.contains("showcase s FORCE INDEX (")
}

/// What is wrong with how a statement was executed.
fn fault(execution: &Execution) -> Option<String> {
    let Execution { statement, steps, examined } = execution;
    // The showcase is compared with all products once a minute, and by no visitor.
    if statement.starts_with("INSERT") || statement.starts_with("DELETE s FROM showcase") {
        return None;
    }
    // By its own name or by that which it has in the statement.
    let is_small = |name: &str| {
        name.is_empty()
            || name.starts_with('<')
            || SMALL.iter().any(|small| *small == name || statement.contains(&format!("{small} {name} ")))
    };
    let grows = |step: &&Step| !is_small(&step.table);
    // How far one goes along an index is better known than foreseen; what looks at each row on its way may go to the end.
    let foreseen =
        |step: &Step| examined.is_none() && (step.extra.contains("Using where") || step.rows >= f64::from(ROWS) / 2.0);
    // The list goes along its order until the page is full; a filter that few meet takes it further.
    let walks = is_walk(statement);
    let reads_all = |step: &Step| step.kind == "ALL" || (step.kind == "index" && !walks && foreseen(step));
    if let Some(step) = steps.iter().filter(grows).find(|step| reads_all(step)) {
        return Some(format!("{statement}\nreads all: {step:?}"));
    }
    let sorts = |step: &Step| step.extra.contains("filesort") || step.extra.contains("temporary");
    if is_walk(statement) && steps.iter().any(sorts) {
        return Some(format!("{statement}\nsorts: {steps:?}"));
    }
    // A search reads what it finds, and a number of products is counted along an index.
    let is_search =
        ["MATCH", "LIMIT ?) = ?", "collection_products", "product_count"].iter().any(|word| statement.contains(word));
    (examined.is_some_and(|rows| rows > MOST) && !is_search)
        .then(|| format!("{statement}\nread {examined:?} rows: {steps:?}"))
}

/// Every order of the list with its second page, searches, and the pages that administrators turn.
async fn walk(api: &Api) {
    for walk in WALKS {
        let path = format!("/api/v1/products{walk}");
        let page = api.read(&path).await;
        // Where it ends is known by now.
        assert_eq!(api.read(&path).await, page);
        let separator = if walk.is_empty() { '?' } else { '&' };
        let cursor = page["next_cursor"].as_str().unwrap();
        let next = api.read(&format!("/api/v1/products{walk}{separator}cursor={cursor}")).await;
        assert_eq!(next["items"].as_array().unwrap().len(), 24, "{walk}");
    }
    for search in SEARCHES {
        assert!(!api.slugs(search).await.is_empty(), "{search}");
    }
}
