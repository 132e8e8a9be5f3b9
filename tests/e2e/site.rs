//! The site's releases: what is sent, what goes, what is put back.

use std::path::PathBuf;

use serde_json::Value;

use crate::Shop;

/// Only what changed is sent, pages that are gone go, and the release before is put back from the bucket alone.
pub fn releases_of_the_site(shop: &Shop) {
    let page = |path: &str| shop.get(path);
    let shipped = page("/").text;
    // The one that `up` published is all there is.
    shop.cloud.run(&["rollback", "--site"]).expect(7);
    let first = publish(shop, &[("index.html", "<p>one</p>"), ("about.html", "<p>us</p>"), ("app-1a2b3c4d.js", "1")]);
    assert_eq!((&first["sent"], page("/").text.as_str()), (&Value::from(3), "<p>one</p>"));
    let again = publish(shop, &[("index.html", "<p>one</p>"), ("about.html", "<p>us</p>"), ("app-1a2b3c4d.js", "1")]);
    assert_eq!((&again["sent"], &again["release"]), (&Value::from(0), &first["release"]));

    let second = publish(shop, &[("index.html", "<p>two</p>"), ("app-5e6f7a8b.js", "2")]);
    assert_eq!((&second["sent"], &second["removed"]), (&Value::from(2), &Value::from(1)));
    assert_eq!((page("/about.html").status, page("/app-1a2b3c4d.js").text.as_str()), (403, "1"), "old assets stay");
    let listed = run(shop, &["releases", "--site"]);
    assert_eq!(
        (&listed["releases"][0]["id"], &listed["releases"][0]["state"]),
        (&second["release"], &"current".into())
    );

    assert_eq!(run(shop, &["rollback", "--site", "--dry-run"])["would_put_back"], first["release"]);
    assert_eq!(page("/").text, "<p>two</p>");
    let back = run(shop, &["rollback", "--site"]);
    assert_eq!((&back["release"], &back["sent"]), (&first["release"], &Value::from(2)));
    assert_eq!((page("/").text.as_str(), page("/about.html").text.as_str()), ("<p>one</p>", "<p>us</p>"));
    let about = page("/about.html");
    assert!(about.header("content-type").starts_with("text/html"), "{about:?}");
    let forward = run(shop, &["rollback", "--site", second["release"].as_str().expect("an id")]);
    assert_eq!((&forward["release"], page("/").text.as_str()), (&second["release"], "<p>two</p>"));
    shop.cloud.run(&["rollback", "--site", "none"]).expect(2);
    shop.cloud.run(&["plan", "--exit-code"]).expect(0);

    shop.cloud.run(&["deploy", "site"]).expect(0);
    assert_eq!(page("/").text, shipped);
}

fn publish(shop: &Shop, files: &[(&str, &str)]) -> Value {
    let folder: PathBuf = shop.cloud.folder().join("another-site");
    // Whatever an earlier call left.
    let _ = fs_err::remove_dir_all(&folder);
    fs_err::create_dir_all(&folder).expect("a folder");
    for (name, content) in files {
        fs_err::write(folder.join(name), content).expect("a file");
    }
    run(shop, &["deploy", "site", "--dir", &folder.to_string_lossy()])
}

fn run(shop: &Shop, arguments: &[&str]) -> Value {
    shop.cloud.run(&[arguments, &["--json"]].concat()).expect(0).json()
}
