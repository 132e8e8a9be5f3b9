//! Whether a release can live with the schema as it is now: asked before one is put into service, and before one is put
//! back.

use jewel_host::Release;
use jewel_migrations::State;

use crate::{Error, Reach, migrate};

/// The schema as it is, and what releases may be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaNow {
    /// The newest migration that was begun.
    pub version: u32,
    /// The oldest schema a release may be written for.
    pub oldest_release: u32,
    /// The first migration there that this program does not know: what it took away, only a later one can say.
    pub unknown: Option<u32>,
}

impl SchemaNow {
    /// Asks the database.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub async fn read(reach: &Reach<'_>) -> Result<Self, Error> {
        let status = migrate::status(reach, jewel_migrations::embedded()).await?;
        let begun = status.migrations.iter().filter(|migration| !matches!(migration.state, State::Pending { .. }));
        let version = begun.map(|migration| migration.version).max().unwrap_or(0);
        let unknown = status.migrations.iter().find(|migration| matches!(migration.state, State::Unknown));
        let unknown = unknown.map(|migration| migration.version);
        Ok(Self { version, oldest_release: jewel_migrations::oldest_release(version), unknown })
    }

    /// Whether this release may be put back. One that never said what it was written for is asked when it is tried.
    ///
    /// # Errors
    /// [`Error::SchemaTooNew`], and [`Error::SchemaUnknown`] when nobody here can tell.
    pub fn allows(&self, release: &Release) -> Result<(), Error> {
        if let Some(version) = self.unknown {
            return Err(Error::SchemaUnknown { version });
        }
        match &release.about {
            Some(about) if about.schema_version < self.oldest_release => Err(Error::SchemaTooNew {
                release: release.id.clone(),
                written_for: about.schema_version,
                version: self.version,
                oldest: self.oldest_release,
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_refused_only_for_a_schema_that_lost_what_it_uses() {
        let release = |about: Option<u32>| Release {
            id: "1.0-a".to_owned(),
            current: false,
            served: true,
            at: jiff::Timestamp::UNIX_EPOCH,
            about: about.map(|schema_version| jewel_host::About {
                version: "1.0".to_owned(),
                revision: None,
                schema_version,
            }),
        };
        let now = SchemaNow { version: 9, oldest_release: 6, unknown: None };
        assert!(now.allows(&release(Some(6))).is_ok() && now.allows(&release(None)).is_ok());
        assert!(SchemaNow { unknown: Some(9), ..now }.allows(&release(Some(9))).is_err());
        let refused = now.allows(&release(Some(5))).expect_err("must be refused").to_string();
        assert!(refused.contains("1.0-a") && refused.contains("schema 5") && refused.contains("schema 9"), "{refused}");
    }
}
