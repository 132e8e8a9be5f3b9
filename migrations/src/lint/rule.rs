//! The rules by name: what each protects the old release from, and the way around.

use serde::Serialize;

/// Why a statement is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A table is dropped, or emptied, or loses rows with a partition.
    DropTable,
    /// A column is dropped.
    DropColumn,
    /// An index is dropped.
    DropIndex,
    /// A view, trigger, routine or schema is dropped or replaced.
    DropObject,
    /// A table is renamed.
    RenameTable,
    /// A column is renamed.
    RenameColumn,
    /// A column is added that every INSERT would have to name.
    NotNullWithoutDefault,
    /// A column loses its default, or may no longer be NULL.
    Stricter,
    /// A column's type no longer holds all that it held, or it is not known what it held.
    NarrowType,
    /// The primary key changes.
    PrimaryKey,
    /// A unique key, a foreign key or a check comes to a table that is in use.
    NewConstraint,
    /// A trigger comes to a table that is in use.
    Trigger,
    /// Every row is copied, and writes wait meanwhile.
    TableCopy,
    /// A write without WHERE: every row is locked.
    WholeTable,
    /// The statement names a schema.
    OtherSchema,
    /// The statement, or a part of it, is not known here.
    Unknown,
    /// A `-- jewel:` comment that gives no reason.
    NoReason,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DropTable => "drop-table",
            Self::DropColumn => "drop-column",
            Self::DropIndex => "drop-index",
            Self::DropObject => "drop-object",
            Self::RenameTable => "rename-table",
            Self::RenameColumn => "rename-column",
            Self::NotNullWithoutDefault => "not-null-without-default",
            Self::Stricter => "stricter",
            Self::NarrowType => "narrow-type",
            Self::PrimaryKey => "primary-key",
            Self::NewConstraint => "new-constraint",
            Self::Trigger => "trigger",
            Self::TableCopy => "table-copy",
            Self::WholeTable => "whole-table",
            Self::OtherSchema => "other-schema",
            Self::Unknown => "unknown",
            Self::NoReason => "no-reason",
        })
    }
}

impl Rule {
    /// What the statement does to the release that still runs.
    pub const fn why(self) -> &'static str {
        match self {
            Self::DropTable | Self::DropColumn => "the old release still reads and writes it",
            Self::DropIndex => "the old release's queries and upserts may rest on it",
            Self::DropObject => "the old release may still use it",
            Self::RenameTable | Self::RenameColumn => "the old release knows only the old name",
            Self::NotNullWithoutDefault => "the old release's INSERTs do not name it and are refused",
            Self::Stricter => "the old release's writes may leave it out or NULL and are refused",
            Self::NarrowType => "what is there, or what the old release writes, may not fit",
            Self::PrimaryKey => {
                "every row is copied while writes wait, and the old release's upserts rest on the old key"
            }
            Self::NewConstraint => "the old release may write what it forbids, and rows that are there may too",
            Self::Trigger => "the old release's writes run it as well",
            Self::TableCopy => "writes of the old release wait until every row is copied",
            Self::WholeTable => "every row is locked until it ends, and the old release waits",
            Self::OtherSchema => {
                "which schema is the shop's is not the file's to say, and what is elsewhere is not rehearsed"
            }
            Self::Unknown => "what it does to the old release cannot be told",
            Self::NoReason => "who reads the file later has to know why it was safe",
        }
    }

    /// The way around: expand, migrate, contract.
    pub const fn instead(self) -> &'static str {
        match self {
            Self::DropTable | Self::DropColumn | Self::DropIndex | Self::DropObject => {
                "ship a release that no longer uses it first; drop it in the release after that, and say so"
            }
            Self::RenameTable => {
                "make the new table, write to both, move the reads, and drop the old one a release later"
            }
            Self::RenameColumn => {
                "add the new column, write to both, fill it, move the reads, and drop the old one a release later"
            }
            Self::NotNullWithoutDefault => "give it a DEFAULT, or let it be NULL until a later release",
            Self::Stricter => {
                "fill the rows, ship a release that always writes it, and tighten it in the release after that"
            }
            Self::NarrowType => "add a column of the new type, write to both, fill it, and move the reads",
            Self::PrimaryKey => "make a new table with the new key, write to both, fill it, and move the reads",
            Self::NewConstraint => {
                "ship a release that keeps the rule, mend the rows, and add the constraint in the release after that"
            }
            Self::Trigger => "let the release write it; or say why the old one's writes may run it",
            Self::TableCopy => "add a column or a table and fill it in pieces; or say that the table is small",
            Self::WholeTable => "change a range of keys at a time; or say that the table is small",
            Self::OtherSchema => "name the table alone",
            Self::Unknown => "use a plainer statement, or say why it is safe",
            Self::NoReason => "write `-- jewel: safe because …` with the reason",
        }
    }
}
