//! What a later release does to the schema of a shop that runs: looked at, tried, applied once, and refused when it must.

use std::path::{Path, PathBuf};

use jewel_tests::{Answer, Cloud};

const LATER: &str = "-- What the buyer wants written on the card.\n\
                     ALTER TABLE orders ADD COLUMN gift_note VARCHAR(500) NULL;\n\
                     CREATE INDEX orders_email ON orders (email);\n";

/// The files of a later release: ours and one more.
struct Release {
    folder: PathBuf,
}

impl Release {
    fn new(cloud: &Cloud) -> Self {
        let folder = cloud.folder().join("later");
        fs_err::create_dir_all(&folder).unwrap();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sql");
        for file in fs_err::read_dir(ours).unwrap().map(|entry| entry.unwrap().path()) {
            fs_err::copy(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
        let release = Self { folder };
        release.write("0010_gift_note.sql", LATER);
        release
    }

    fn write(&self, name: &str, text: &str) {
        fs_err::write(self.folder.join(name), text).unwrap();
    }

    fn remove(&self, name: &str) {
        fs_err::remove_file(self.folder.join(name)).unwrap();
    }

    fn args<'a>(&'a self, args: &[&'a str]) -> Vec<&'a str> {
        [&["migrate"], args, &["--dir", self.folder.to_str().unwrap()]].concat()
    }

    fn migrate(&self, cloud: &Cloud, args: &[&str]) -> Answer {
        cloud.run(&self.args(args))
    }
}

/// On the server of this cloud.
pub fn of_a_later_release(cloud: &Cloud) {
    let release = Release::new(cloud);
    release.migrate(cloud, &["lint"]).expect(0);
    release.migrate(cloud, &["status", "--exit-code"]).expect(6);
    let dry = release.migrate(cloud, &["up", "--dry-run"]).expect(0).stdout;
    for shown in ["ALTER TABLE orders ADD COLUMN gift_note", "ALGORITHM=INSTANT", "ALGORITHM=INPLACE, LOCK=NONE"] {
        assert!(dry.contains(shown), "no {shown}:\n{dry}");
    }
    release.migrate(cloud, &["status", "--exit-code"]).expect(6);

    two_at_once(cloud, &release);
    release.migrate(cloud, &["status", "--exit-code"]).expect(0);

    edited(cloud, &release);
    refused(cloud, &release);
    // The release that runs does not mind.
    cloud.run(&["migrate", "status", "--exit-code"]).expect(0);
    cloud.run(&["status", "--exit-code"]).expect(0);
}

fn two_at_once(cloud: &Cloud, release: &Release) {
    let args = release.args(&["up", "--json"]);
    let runs = [cloud.command(&args).spawn(), cloud.command(&args).spawn()];
    let mut applied = 0;
    for run in runs {
        let output = run.wait_with_output().unwrap();
        let code = output.status.code();
        assert!([Some(0), Some(5)].contains(&code), "{code:?}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        applied += text.lines().filter(|line| line.contains("\"event\":\"migration_finished\"")).count();
    }
    assert_eq!(applied, 1, "it was applied {applied} times");
}

/// Refused with both texts, until somebody says that it changes nothing.
fn edited(cloud: &Cloud, release: &Release) {
    release.write("0010_gift_note.sql", &LATER.replace('\n', "\r\n"));
    release.migrate(cloud, &["up"]).expect(0);
    release.write("0010_gift_note.sql", &LATER.replace("VARCHAR(500) NULL", "VARCHAR(500)"));
    let refused = release.migrate(cloud, &["up"]).expect(7).stderr;
    for shown in ["- ALTER TABLE orders ADD COLUMN gift_note VARCHAR(500) NULL", "gift_note VARCHAR(500)\n", "repair"] {
        assert!(refused.contains(shown), "no {shown}:\n{refused}");
    }
    let shown = release.migrate(cloud, &["repair", "--dry-run"]).expect(0).stdout;
    assert!(shown.contains("statement 1 of 0010_gift_note: the file's text counts as what was applied"), "{shown}");
    assert!(release.migrate(cloud, &["repair"]).expect(7).stderr.contains("--yes"));
    release.migrate(cloud, &["up"]).expect(7);
    release.migrate(cloud, &["repair", "--yes"]).expect(0);
    release.migrate(cloud, &["up"]).expect(0);
}

/// Nothing of these is applied.
fn refused(cloud: &Cloud, release: &Release) {
    release.write("0009_late.sql", "CREATE TABLE late (id INT PRIMARY KEY);");
    let late = release.migrate(cloud, &["up"]).expect(7).stderr;
    assert!(late.contains("rename 0009_late.sql to 0011_late.sql"), "{late}");
    release.migrate(cloud, &["status", "--exit-code"]).expect(8);
    release.remove("0009_late.sql");

    for (text, exit, words) in [
        ("ALTER TABLE orders DROP COLUMN gift_note;", 7, "drop-column: drops orders.gift_note"),
        ("CREATE TABLE cards_2 (id INT); ALTER TABLE orders ADD KEY (missing);", 1, "an empty copy of the schema"),
    ] {
        release.write("0011_bad.sql", text);
        let answer = release.migrate(cloud, &["up"]).expect(exit).stderr;
        assert!(answer.contains(words), "no {words}:\n{answer}");
        let status = release.migrate(cloud, &["status", "--json"]).expect(0).json();
        let last = status["migrations"].as_array().unwrap().last().unwrap();
        assert_eq!((&last["version"], &last["state"]), (&11.into(), &"pending".into()), "{status}");
    }
    release.remove("0011_bad.sql");
}
