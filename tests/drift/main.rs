//! Every field that the tool manages, changed by hand: `drift` finds exactly that, `provision` mends it, nothing is left.
//!
//! The table of changes is `changes.py`. A field that the plan of an empty account names and the table does not fails the
//! test, so a resource cannot be added without it. One field of every resource is changed at a time, all of them at once.

mod changes;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use jewel_tests::Cloud;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

use changes::{Changes, Field};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = || {
        std::panic::catch_unwind(every_field).map_err(|cause| {
            let text = cause.downcast_ref::<String>().cloned();
            Failed::from(text.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
        })
    };
    libtest_mimic::run(&arguments, vec![Trial::test("every_managed_field_changed_by_hand_is_found_and_mended", trial)])
        .exit_code()
}

fn every_field() {
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    let file = cloud.folder().join("jewel.toml");
    let text = fs_err::read_to_string(&file).unwrap();
    // Everything that a shop can have, what is not there cannot be changed; and no plan that forbids changes.
    let text = text.replace("emails = []", "emails = [\"owner@example.com\"]");
    let text = text.replace("# domain = \"permata.example\"", "domain = \"permata.example\"");
    let text = text.replace("plan = \"free\"", "plan = \"pay-as-you-go\"");
    fs_err::write(&file, format!("{text}\n[ci]\nrepository = 'maison/permata'\n")).unwrap();
    cloud.run(&["local", "up"]).expect(0);
    // Before anything is there: of what an account has once, a second shop would manage nothing.
    let managed = managed_fields(&cloud);
    cloud.run(&["provision", "--yes"]).expect(0);
    let fresh = cloud.run(&["drift", "--exit-code"]).expect(0);
    assert!(fresh.stdout.contains("no drift"), "{}", fresh.stdout);

    let mut changes = Changes::start(&cloud, "shop-prod");
    let known: BTreeSet<&Field> = changes.possible.keys().chain(&changes.impossible).collect();
    let missing: Vec<_> = managed.iter().filter(|field| !known.contains(field)).collect();
    assert!(missing.is_empty(), "nobody changes these fields by hand in tests/drift/changes.py: {missing:?}");
    let unmanaged: Vec<_> = known.iter().filter(|field| !managed.contains(**field)).collect();
    assert!(unmanaged.is_empty(), "tests/drift/changes.py changes what is not managed: {unmanaged:?}");

    let mut rounds: Vec<Vec<Field>> = Vec::new();
    let mut turn: BTreeMap<&str, usize> = BTreeMap::new();
    for field in changes.possible.keys() {
        let number = turn.entry(&field.0).or_default();
        if rounds.len() == *number {
            rounds.push(Vec::new());
        }
        rounds[*number].push(field.clone());
        *number += 1;
    }
    let mut complaints = Vec::new();
    for round in rounds {
        let also = |field: &Field| changes.possible[field].clone();
        let wanted: BTreeSet<Field> = round.iter().flat_map(also).chain(round.iter().cloned()).collect();
        for (field, refused) in changes.make(&round) {
            complaints.push(format!("{field:?} could not be changed by hand: {refused}"));
        }
        let answer = cloud.run(&["drift", "--exit-code", "--json"]).expect(6).json();
        let found = drifted(&answer);
        complaints.extend(wanted.difference(&found).map(|field| format!("{field:?} was changed and not found")));
        complaints.extend(found.difference(&wanted).map(|field| format!("{field:?} was found and not changed")));
        mend(&cloud, &answer);
        let left = cloud.run(&["drift", "--json"]).expect(0).json();
        complaints.extend(drifted(&left).iter().map(|field| format!("{field:?} was not mended")));
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    }
}

/// All that the plan would set of a shop that has everything and is not there yet.
fn managed_fields(cloud: &Cloud) -> BTreeSet<Field> {
    let text = fs_err::read_to_string(cloud.folder().join("jewel.toml")).unwrap();
    let text = text.replace("project = \"shop\"", "project = \"bare\"").replace("permata.example", "bare.example");
    fs_err::write(cloud.folder().join("bare.toml"), text).unwrap();
    let plan = cloud.run(&["plan", "--config", "bare.toml", "--json"]).expect(0).json();
    let fields = plan["steps"].as_array().unwrap().iter().flat_map(|step| {
        let address = step["address"].as_str().unwrap();
        let fields = step["fields"].as_array().unwrap().iter();
        fields.map(move |field| (address.to_owned(), field["field"].as_str().unwrap().to_owned()))
    });
    fields.collect()
}

/// What drift found. Of a resource that has lost its only field nothing is left: it counts as that field.
fn drifted(answer: &Value) -> BTreeSet<Field> {
    let resources = answer["resources"].as_array().unwrap().iter().flat_map(|resource| {
        let address = resource["address"].as_str().unwrap();
        let fields: Vec<&str> =
            resource["fields"].as_array().unwrap().iter().map(|field| field["field"].as_str().unwrap()).collect();
        let fields = match (resource["state"].as_str().unwrap(), address) {
            ("missing", "static-ip-attachment.api") => vec!["instance"],
            ("missing", _) => vec!["(missing)"],
            _ => fields,
        };
        fields.into_iter().map(move |field| (address.to_owned(), field.to_owned()))
    });
    resources.collect()
}

/// What lost its marks is not ours any more: it is mended only by who says so, and named to them.
fn mend(cloud: &Cloud, drift: &Value) {
    let foreign = |resource: &&Value| resource["state"] == "foreign";
    let lost: Vec<&Value> = drift["resources"].as_array().unwrap().iter().filter(foreign).collect();
    if lost.is_empty() {
        cloud.run(&["provision", "--yes"]).expect(0);
        return;
    }
    let refused = cloud.run(&["provision", "--yes"]).expect(7).stderr;
    for resource in &lost {
        let title = resource["title"].as_str().unwrap();
        assert!(refused.contains(title), "{title} is not named:\n{refused}");
        assert!(resource["not_mended"].as_str().is_some_and(|why| why.contains("--adopt")), "{resource}");
    }
    cloud.run(&["provision", "--yes", "--adopt"]).expect(0);
}
