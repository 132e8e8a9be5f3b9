//! What ARCHITECTURE.md promises about the tree, checked: who may know whom, who may print, what lies where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Every crate and the crates of this workspace it may depend on. An edge that is not here is forbidden.
const ALLOWED: &[(&str, &[&str])] = &[
    ("jewel-engine", &[]),
    ("jewel-aws", &["jewel-engine"]),
    ("jewel-localcloud", &[]),
    ("jewel-host", &[]),
    ("jewel-migrations", &[]),
    ("jewel-journal", &[]),
    ("jewel-backup", &[]),
    ("jewel-api", &["jewel-journal", "jewel-migrations"]),
    (
        "jewel-runbooks",
        &["jewel-engine", "jewel-aws", "jewel-backup", "jewel-host", "jewel-journal", "jewel-migrations"],
    ),
    (
        "jewelctl",
        &[
            "jewel-engine",
            "jewel-aws",
            "jewel-backup",
            "jewel-localcloud",
            "jewel-host",
            "jewel-migrations",
            "jewel-runbooks",
        ],
    ),
    ("jewel-tests", &[]),
];

const TOP_LEVEL: &[&str] = &[
    "ARCHITECTURE.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "api",
    "cli",
    "migrations",
    "provisioning",
    "runbooks",
    "tests",
];

/// Files with one idea are short; this is the ceiling, tests beside the code included.
const LONGEST_FILE: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// The files git knows, so that build output and editors' leftovers do not count.
fn files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter(|file| root().join(file).exists()).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    fs_err::read_to_string(root().join(file)).unwrap()
}

/// The crates' own sources: not build scripts, not tests.
fn sources() -> Vec<String> {
    files().into_iter().filter(|file| file.ends_with(".rs") && file.contains("/src/")).collect()
}

#[test]
fn crates_know_only_whom_they_may() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut seen = BTreeSet::new();
    for file in files().iter().filter(|file| file.ends_with("/Cargo.toml")) {
        let manifest: toml::Table = toml::from_str(&read(file)).unwrap();
        let name = manifest["package"]["name"].as_str().unwrap().to_owned();
        let may = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the table of crates"));
        for table in ["dependencies", "build-dependencies", "dev-dependencies"] {
            let Some(dependencies) = manifest.get(table).and_then(toml::Value::as_table) else { continue };
            for dependency in dependencies.keys().filter(|key| key.starts_with("jewel")) {
                assert!(may.contains(&dependency.as_str()), "{file}: {name} may not know {dependency}");
            }
        }
        seen.insert(name);
    }
    assert_eq!(seen, allowed.keys().map(|name| (*name).to_owned()).collect());
}

#[test]
fn only_the_card_s_folders_are_visible() {
    let visible: BTreeSet<String> = files()
        .iter()
        .filter_map(|file| file.split('/').next())
        .filter(|name| !name.starts_with('.'))
        .map(str::to_owned)
        .collect();
    assert_eq!(visible, TOP_LEVEL.iter().map(|name| (*name).to_owned()).collect());
}

#[test]
fn only_the_command_line_prints_and_reads_the_environment() {
    // The API is a program of its own: its configuration is its environment, and its subcommands print.
    let may = |file: &str| file.starts_with("cli/src/") || ["api/src/main.rs", "api/src/config.rs"].contains(&file);
    for file in sources().iter().filter(|file| !may(file)) {
        for (number, line) in non_test_lines(&read(file)) {
            for forbidden in
                ["println!", "eprintln!", "print!(", "std::env::var", "env::vars", "std::io::stdout", "clap::"]
            {
                assert!(!line.contains(forbidden), "{file}:{number}: `{forbidden}` belongs to cli");
            }
        }
    }
}

#[test]
fn the_environment_is_read_in_one_file() {
    for file in sources().iter().filter(|file| file.starts_with("cli/src/") && !file.ends_with("/environment.rs")) {
        for (number, line) in non_test_lines(&read(file)) {
            assert!(!line.contains("env::var"), "{file}:{number}: declare the variable in environment.rs");
        }
    }
}

#[test]
fn files_are_short() {
    for file in files().iter().filter(|file| file.ends_with(".rs")) {
        let lines = read(file).lines().count();
        assert!(lines <= LONGEST_FILE, "{file} has {lines} lines: more than one idea?");
    }
}

#[test]
fn modules_say_why_they_exist() {
    for file in sources() {
        assert!(read(&file).starts_with("//!"), "{file} does not open with why it exists");
    }
}

fn non_test_lines(text: &str) -> Vec<(usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line))
        .collect()
}
