//! A real browser: what a page looks like after its scripts have run.

use std::process::Command;

/// The page's document as Chromium shows it, once it has been idle or for ten seconds of its own time.
pub fn document(url: &str) -> String {
    let profile = tempfile::tempdir().expect("a temporary folder");
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"])
        .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
        .args(["--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(url)
        .output()
        .expect("the tests need a browser: apt-get install chromium");
    assert!(output.status.success(), "chromium: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
