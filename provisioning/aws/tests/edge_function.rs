//! The function at the edge is JavaScript, and is tested in it.

use std::{path::Path, process::Command};

#[test]
fn the_function_at_the_edge() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("node")
        .args(["--test", "tests/edge.test.js"])
        .current_dir(here)
        .env("EDGE_FUNCTION", here.join("src/cdn/edge.js"))
        .output()
        .expect("node runs; it is a Debian package of that name");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
