//! Bad input and help, as the real binary answers it: the message, the exit code, and nothing changed.

use std::path::Path;

use jewel_tests::{Answer, Jewelctl};

fn jewelctl(folder: &Path, args: &[&str]) -> Answer {
    Jewelctl::new(folder, folder, args).run()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs_err::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// With this `jewel.toml`, `plan` answers this on standard error, exit 2, and leaves the folder as it was.
#[track_caller]
fn refused(text: &str) -> String {
    let folder = folder();
    fs_err::write(folder.path().join("jewel.toml"), text).unwrap();
    let answer = jewelctl(folder.path(), &["plan", "--target", "local"]).expect(2);
    assert_eq!(answer.stdout, "");
    assert_eq!(entries(folder.path()), ["jewel.toml"]);
    answer.stderr
}

#[test]
fn no_file() {
    let folder = folder();
    let answer = jewelctl(folder.path(), &["plan", "--target", "local"]).expect(2);
    insta::assert_snapshot!(answer.stderr);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn no_file_for_up_and_nobody_to_ask() {
    let folder = folder();
    let answer = jewelctl(folder.path(), &["up", "--target", "local"]).expect(2);
    insta::assert_snapshot!(answer.stderr);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn a_misspelt_key() {
    insta::assert_snapshot!(refused("project = \"shop\"\n\n[databse]\nname = \"shop\"\n"));
}

#[test]
fn a_wrong_type() {
    insta::assert_snapshot!(refused("project = \"shop\"\n[budget]\nmonthly_usd = \"sixty-five\"\n"));
}

#[test]
fn a_name_aws_would_refuse() {
    insta::assert_snapshot!(refused("project = \"Maison Permata\"\n"));
}

/// Needs no cloud, no credentials, and leaves the folder as it was.
#[test]
fn a_shop_says_what_it_costs_and_what_it_may_not() {
    let folder = folder();
    let file = folder.path().join("jewel.toml");
    fs_err::write(&file, "project = \"shop\"\ndomain = \"permata.example\"\n").unwrap();
    let answer = jewelctl(folder.path(), &["cost"]).expect(0);
    assert!(answer.stdout.lines().all(|line| line.chars().count() <= 80), "{}", answer.stdout);
    for shown in ["Lightsail instance small_3_0", "Route 53 hosted zone", "44.25", "33.63", "65.00"] {
        assert!(answer.stdout.contains(shown), "no {shown}:\n{}", answer.stdout);
    }
    let cost = jewelctl(folder.path(), &["cost", "--json"]).expect(0).json();
    assert_eq!((&cost["total_usd"], &cost["budget_usd"]), (&serde_json::json!(44.25), &serde_json::json!(65.0)));
    let lines = cost["lines"].as_array().unwrap();
    let sum: f64 = lines.iter().map(|line| line["usd"].as_f64().unwrap()).sum();
    assert!((sum - 44.25).abs() < 1e-6, "{sum}");
    assert!(lines.iter().all(|line| line["source"].is_string() && line["as_of"].is_string()));

    fs_err::write(&file, "project = \"shop\"\n[budget]\nmonthly_usd = 40\n").unwrap();
    let answer = jewelctl(folder.path(), &["cost"]).expect(7);
    assert!(answer.stderr.contains("USD 43.35") && answer.stderr.contains("USD 40.00"), "{}", answer.stderr);
    fs_err::write(&file, "project = \"shop\"\n[traffic]\nstorage_gb = -1.0\n").unwrap();
    assert!(jewelctl(folder.path(), &["cost"]).expect(2).stderr.contains("line 3"));
    assert!(jewelctl(folder.path(), &["cost", "--prices"]).expect(0).stdout.contains("0.0004"));
    assert_eq!(entries(folder.path()), ["jewel.toml"]);
}

/// Needs no cloud and no `jewel.toml`, and leaves the folder as it was.
#[test]
fn lint_names_the_place_the_rule_and_the_way_around() {
    let folder = folder();
    jewelctl(folder.path(), &["migrate", "lint"]).expect(0);
    let write = |name: &str, text: &str| fs_err::write(folder.path().join(name), text).unwrap();
    write("0001_first.sql", "CREATE TABLE rings (id INT PRIMARY KEY, size VARCHAR(16) NOT NULL);\n");
    write(
        "0002_second.sql",
        "ALTER TABLE rings ADD COLUMN stone VARCHAR(64) NULL;\n\n\
         ALTER TABLE rings\n    RENAME COLUMN size TO ring_size,\n    ADD COLUMN weight INT NOT NULL;\n\n\
         -- jewel: safe because no release reads it yet\nALTER TABLE rings DROP COLUMN stone;\n",
    );
    let answer = jewelctl(folder.path(), &["migrate", "lint", "--dir", "."]).expect(8);
    insta::assert_snapshot!(answer.stdout);
    let found = jewelctl(folder.path(), &["migrate", "lint", "0002_second.sql", "--json"]).expect(8).json();
    let rules: Vec<&str> = found["findings"].as_array().unwrap().iter().map(|f| f["rule"].as_str().unwrap()).collect();
    assert_eq!((rules, &found["files"]), (vec!["rename-column", "not-null-without-default"], &1.into()));
    jewelctl(folder.path(), &["migrate", "lint", "0001_first.sql"]).expect(0);
    jewelctl(folder.path(), &["migrate", "lint", "missing.sql"]).expect(2);
    write("0003_open.sql", "SELECT 'never closed");
    assert!(jewelctl(folder.path(), &["migrate", "lint", "--dir", "."]).expect(2).stderr.contains("0003_open"));
    assert_eq!(entries(folder.path()).len(), 3);
}

#[test]
fn unknown_command() {
    let folder = folder();
    let answer = jewelctl(folder.path(), &["provison"]).expect(2);
    insta::assert_snapshot!(answer.stderr);
}

#[test]
fn init_writes_once() {
    let folder = folder();
    jewelctl(folder.path(), &["init", "--yes", "--project", "permata"]).expect(0);
    let written = fs_err::read_to_string(folder.path().join("jewel.toml")).unwrap();
    assert!(written.contains("project = \"permata\""));
    let answer = jewelctl(folder.path(), &["init", "--yes"]).expect(7);
    insta::assert_snapshot!(answer.stderr);
    assert_eq!(fs_err::read_to_string(folder.path().join("jewel.toml")).unwrap(), written);
}

#[test]
fn init_refuses_a_bad_name() {
    let folder = folder();
    let answer = jewelctl(folder.path(), &["init", "--yes", "--project", "My Shop"]).expect(2);
    insta::assert_snapshot!(answer.stderr);
    assert!(entries(folder.path()).is_empty());
}

#[test]
fn errors_are_objects_with_json() {
    let folder = folder();
    let answer = jewelctl(folder.path(), &["plan", "--target", "local", "--json"]).expect(2);
    let object = answer.json();
    assert_eq!(object["type"], "error");
    assert_eq!(object["exit_code"], 2);
    assert!(object["hint"].as_str().unwrap().contains("jewelctl init"));
}

#[test]
fn help() {
    let folder = folder();
    insta::assert_snapshot!(jewelctl(folder.path(), &["--help"]).expect(0).stdout);
}

#[test]
fn every_command_that_changes_something_has_a_dry_run() {
    let folder = folder();
    for command in [
        "init",
        "up",
        "provision",
        "destroy",
        "migrate up",
        "migrate repair",
        "deploy api",
        "deploy site",
        "lock release",
        "local down",
        "local reset",
        "secrets set",
        "secrets rotate",
    ] {
        let args: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = jewelctl(folder.path(), &args).expect(0).stdout;
        assert!(help.contains("--dry-run"), "{command} has none");
    }
}

#[test]
fn completions_and_man_page() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish"] {
        assert!(jewelctl(folder.path(), &["completions", shell]).expect(0).stdout.contains("jewelctl"));
    }
    assert!(jewelctl(folder.path(), &["man"]).expect(0).stdout.starts_with(".ie"));
}
