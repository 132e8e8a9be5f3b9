//! A release build says which revision of the source it is of, unless it is told. Other builds do not: each commit would
//! make them compile anew.

use std::{env, process::Command};

const TOLD: &str = "JEWEL_BUILD_REVISION";

fn main() {
    println!("cargo:rerun-if-env-changed={TOLD}");
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os(TOLD).is_some() || env::var("PROFILE").is_ok_and(|profile| profile != "release") {
        return;
    }
    // Written with every commit and every change of branch.
    if let (Some(revision), Some(log)) =
        (git(&["rev-parse", "--short=12", "HEAD"]), git(&["rev-parse", "--git-path", "logs/HEAD"]))
    {
        println!("cargo:rerun-if-changed={log}");
        println!("cargo:rustc-env={TOLD}={revision}");
    }
}

/// What git says; nothing where there is no git or no repository.
fn git(arguments: &[&str]) -> Option<String> {
    let done = Command::new("git").args(arguments).output().ok().filter(|done| done.status.success())?;
    Some(String::from_utf8(done.stdout).ok()?.trim().to_owned())
}
