//! Each rule, broken and kept.

use super::*;
use crate::embedded;

const BEFORE: &str =
    "CREATE TABLE t (id INT NOT NULL, name VARCHAR(80) NOT NULL DEFAULT '', note TEXT NULL, n INT NULL,
    PRIMARY KEY (id), KEY t_name (name)); CREATE TABLE u (id INT PRIMARY KEY);";

fn found(sql: &str) -> Vec<Finding> {
    let before = Migration { version: 1, name: "before".into(), sql: BEFORE.into() };
    let after = Migration { version: 2, name: "after".into(), sql: sql.to_owned().into() };
    lint(&[before, after], Some(1)).unwrap()
}

fn rules(sql: &str) -> Vec<Rule> {
    found(sql).into_iter().map(|finding| finding.rule).collect()
}

#[test]
fn what_breaks_the_old_release_is_refused() {
    for (sql, rule) in [
        ("DROP TABLE t", Rule::DropTable),
        ("TRUNCATE t", Rule::DropTable),
        ("ALTER TABLE t DROP PARTITION p", Rule::DropTable),
        ("CREATE OR REPLACE TABLE t (id INT)", Rule::DropTable),
        ("ALTER TABLE t DROP COLUMN name", Rule::DropColumn),
        ("ALTER TABLE t DROP note", Rule::DropColumn),
        ("ALTER TABLE t DROP KEY t_name", Rule::DropIndex),
        ("DROP INDEX t_name ON t", Rule::DropIndex),
        ("DROP VIEW v", Rule::DropObject),
        ("CREATE OR REPLACE VIEW v AS SELECT 1", Rule::DropObject),
        ("RENAME TABLE u TO x, x TO y", Rule::RenameTable),
        ("ALTER TABLE t RENAME TO x", Rule::RenameTable),
        ("ALTER TABLE t RENAME COLUMN name TO title", Rule::RenameColumn),
        ("ALTER TABLE t CHANGE name title VARCHAR(80) NOT NULL DEFAULT ''", Rule::RenameColumn),
        ("ALTER TABLE t ADD COLUMN a INT NOT NULL", Rule::NotNullWithoutDefault),
        ("ALTER TABLE t ADD (a INT, b INT NOT NULL)", Rule::NotNullWithoutDefault),
        ("ALTER TABLE t MODIFY n INT NOT NULL DEFAULT 0", Rule::Stricter),
        ("ALTER TABLE t MODIFY name VARCHAR(80) NOT NULL", Rule::Stricter),
        ("ALTER TABLE t ALTER COLUMN name DROP DEFAULT", Rule::Stricter),
        ("ALTER TABLE t MODIFY name VARCHAR(40) NOT NULL DEFAULT ''", Rule::NarrowType),
        ("ALTER TABLE t MODIFY n SMALLINT", Rule::NarrowType),
        ("ALTER TABLE t MODIFY unheard INT", Rule::NarrowType),
        ("ALTER TABLE t DROP PRIMARY KEY, ADD PRIMARY KEY (id, n)", Rule::PrimaryKey),
        ("ALTER TABLE t ADD UNIQUE KEY (n)", Rule::NewConstraint),
        ("CREATE UNIQUE INDEX i ON t (n)", Rule::NewConstraint),
        ("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (n) REFERENCES u (id)", Rule::NewConstraint),
        ("ALTER TABLE t ADD CONSTRAINT CHECK (n > 0)", Rule::NewConstraint),
        ("CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET NEW.n = 1", Rule::Trigger),
        ("ALTER TABLE t MODIFY n BIGINT", Rule::TableCopy),
        ("ALTER TABLE t ADD FULLTEXT KEY (note)", Rule::TableCopy),
        ("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4", Rule::TableCopy),
        ("ALTER TABLE t ENGINE = InnoDB", Rule::TableCopy),
        ("UPDATE t SET n = 1", Rule::WholeTable),
        ("DELETE FROM t", Rule::WholeTable),
        ("ALTER TABLE t ADD COLUMN a INT /*!80023 INVISIBLE */", Rule::Unknown),
        ("CALL something()", Rule::Unknown),
        ("ALTER TABLE t FROBNICATE", Rule::Unknown),
        ("CREATE INDEX i ON other.t (n)", Rule::OtherSchema),
        ("-- jewel: safe\nDROP TABLE t", Rule::NoReason),
    ] {
        let found = rules(sql);
        assert!(found.contains(&rule), "{sql}: {found:?}");
        let excused = format!("-- jewel: safe because the table is empty\n{sql}");
        if rule != Rule::NoReason {
            assert_eq!(rules(&excused), [], "{sql} is not excused");
        }
    }
}

#[test]
fn what_the_old_release_does_not_notice_passes() {
    for sql in [
        "CREATE TABLE v (id INT PRIMARY KEY, a INT NOT NULL)",
        "ALTER TABLE t ADD COLUMN a INT NOT NULL DEFAULT 0, ADD KEY t_a (a)",
        "ALTER TABLE t ADD a INT NULL AFTER id, ALGORITHM=INSTANT",
        "ALTER TABLE t ADD a INT GENERATED ALWAYS AS (n + 1) VIRTUAL",
        "ALTER TABLE t MODIFY name VARCHAR(200) NOT NULL DEFAULT ''",
        "ALTER TABLE t MODIFY name VARCHAR(80) NULL DEFAULT ''",
        "ALTER TABLE t ALTER n SET DEFAULT 5",
        "ALTER TABLE t RENAME INDEX t_name TO t_title",
        "ALTER TABLE t DROP FOREIGN KEY f",
        "CREATE INDEX i ON t (n)",
        "INSERT INTO t (id) SELECT id FROM u",
        "UPDATE t SET n = 1 WHERE id BETWEEN 1 AND 1000",
        "CREATE VIEW v AS SELECT id FROM t",
        "CREATE TABLE v (id INT); ALTER TABLE v DROP COLUMN id; ALTER TABLE v RENAME w; DROP TABLE w",
    ] {
        assert_eq!(found(sql), [], "{sql}");
    }
}

#[test]
fn a_finding_names_its_place_and_the_way_around() {
    let finding = &found("ALTER TABLE t ADD a INT;\n\nALTER TABLE t\n  DROP note;")[0];
    assert_eq!((finding.file.as_str(), finding.line), ("0002_after.sql", 3));
    let words = "0002_after.sql:3: drop-column: drops t.note; the old release still reads and writes it";
    assert_eq!(finding.to_string(), words);
    assert!(finding.instead.contains("release after"), "{}", finding.instead);
}

#[test]
fn our_own_files_pass() {
    let findings: Vec<String> = lint(embedded(), None).unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(findings, [] as [String; 0]);
}
