//! What can go wrong while operating a shop.

use std::path::PathBuf;

use jewel_engine::Failure;

/// A failed operation, with the resource or file it failed on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// AWS refused, or could not be reached.
    #[error(transparent)]
    Aws(#[from] Failure),
    /// The instance could not be reached, or something went wrong on it.
    #[error(transparent)]
    Host(#[from] jewel_host::Error),
    /// A migration went wrong.
    #[error(transparent)]
    Migration(#[from] jewel_migrations::Error),
    /// The instance is not in a state to be worked on.
    #[error("instance {instance} gave no way in: {reason}")]
    NoAccess {
        /// The Lightsail instance.
        instance: String,
        /// What is missing.
        reason: &'static str,
    },
    /// No release served before the present one.
    #[error("{instance} has no release before the one in service; it has {}", listed(there))]
    NoneBefore {
        /// The Lightsail instance.
        instance: String,
        /// The releases that are there.
        there: Vec<String>,
    },
    /// There is no such release to put back.
    #[error("{instance} has no release {wanted}; it has {}", listed(there))]
    NoRelease {
        /// The Lightsail instance.
        instance: String,
        /// What was asked for.
        wanted: String,
        /// The releases that are there.
        there: Vec<String>,
    },
    /// Several releases are meant.
    #[error("{wanted} may be any of {} on {instance}", listed(there))]
    ManyReleases {
        /// The Lightsail instance.
        instance: String,
        /// What was asked for.
        wanted: String,
        /// The releases that fit.
        there: Vec<String>,
    },
    /// The schema has lost what this release uses.
    #[error(
        "release {release} is written for schema {written_for}; the database is at schema {version}, \
         which only releases for schema {oldest} and later can live with"
    )]
    SchemaTooNew {
        /// The release.
        release: String,
        /// The schema version it was written for.
        written_for: u32,
        /// The database's version.
        version: u32,
        /// The oldest version that a release may be written for.
        oldest: u32,
    },
    /// The database was migrated by a newer program.
    #[error("the database has migration {version:04}, which this version of jewelctl does not know")]
    SchemaUnknown {
        /// The first unknown migration.
        version: u32,
    },
    /// A secret does not hold what it should.
    #[error("secret {secret} cannot be used: {reason}")]
    Secret {
        /// The secret's name.
        secret: String,
        /// Why, without its content.
        reason: &'static str,
    },
    /// A secret that an operator gives does not look like one.
    #[error("this is no {name}: {reason}")]
    SecretForm {
        /// Which it was to be.
        name: &'static str,
        /// What is wrong with its form, without its content.
        reason: &'static str,
    },
    /// The front door could not be opened with it by everyone yet.
    #[error("the origin secret cannot be changed like this: {reason}")]
    OriginSecret {
        /// Who would be shut out.
        reason: &'static str,
    },
    /// Customers are to pay by card, and the account that takes the money is not known.
    #[error("`payments.methods` offers card, and secret {secret} has no {}", missing.join(" and no "))]
    NoPaymentKeys {
        /// The API's secret.
        secret: String,
        /// What is not in it.
        missing: Vec<&'static str>,
    },
    /// The database refused, or could not be reached.
    #[error("{doing} on database {database} failed")]
    Database {
        /// The Lightsail database, or the host of an external one.
        database: String,
        /// What was being done.
        doing: &'static str,
        /// What the server or the driver says.
        #[source]
        source: sqlx::Error,
    },
    /// A backup could not be made, read or restored.
    #[error(transparent)]
    Backup(#[from] jewel_backup::Error),
    /// The journal cannot be read.
    #[error("the journal at {place} cannot be read")]
    Journal {
        /// Where it is.
        place: String,
        /// Why.
        #[source]
        source: jewel_journal::SourceError,
    },
    /// An epoch of the journal could not be ended.
    #[error("the journal at {place} could not be fenced")]
    Fence {
        /// Where it is.
        place: String,
        /// Why.
        #[source]
        source: jewel_journal::FenceError,
    },
    /// The journal could not be replayed.
    #[error("the journal at {place} could not be replayed into database {database}")]
    Replay {
        /// Where it is.
        place: String,
        /// Into which.
        database: String,
        /// Why.
        #[source]
        source: Box<jewel_journal::ReplayError>,
    },
    /// What was ordered did not come to be in time.
    #[error("{what} is not there after {} minutes: {last}", within.as_secs() / 60)]
    NotThere {
        /// What was waited for.
        what: String,
        /// How long.
        within: std::time::Duration,
        /// What was seen last.
        last: String,
    },
    /// A file of the site cannot be read.
    #[error("{} cannot be read", path.display())]
    SiteFile {
        /// The file or folder.
        path: PathBuf,
        /// What the operating system says.
        #[source]
        source: std::io::Error,
    },
    /// The folder is not a site.
    #[error("{} is not a site: {reason}", path.display())]
    NotASite {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: &'static str,
    },
}

impl Error {
    /// What to try next, where there is something to try.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Aws(failure) => failure.hint(),
            Self::Host(error) => error.hint(),
            Self::NoAccess { .. } => Some("an instance has its keys some minutes after it was made; try again then"),
            Self::NoneBefore { .. } | Self::NoRelease { .. } | Self::ManyReleases { .. } => {
                Some("`jewelctl releases` lists them; `jewelctl deploy api --binary PATH` puts any other into service")
            }
            Self::SchemaTooNew { .. } => Some(
                "nothing was changed; put a newer release back, or mend the present one and deploy it: \
                 migrations do not go backwards",
            ),
            Self::SchemaUnknown { .. } => {
                Some("nothing was changed; use the jewelctl that migrated the database, or a later one")
            }
            Self::SecretForm { name: "stripe-webhook-secret", .. } => {
                Some("Stripe shows it with the webhook's endpoint, as its signing secret")
            }
            Self::OriginSecret { .. } => Some(
                "nothing was changed; one change at a time: `jewelctl secrets rotate origin`, `jewelctl deploy api`, \
                 `jewelctl provision`, `jewelctl secrets forget origin`, `jewelctl deploy api`",
            ),
            Self::SecretForm { .. } => Some("Stripe shows it among the developers' API keys"),
            Self::NoPaymentKeys { .. } => Some(
                "`jewelctl secrets set stripe-secret-key` and `jewelctl secrets set stripe-webhook-secret` ask for \
                 them, then run the same command again; or take card out of `payments.methods` in jewel.toml",
            ),
            Self::Journal { .. } | Self::Fence { .. } | Self::Replay { .. } => {
                Some("nothing was put in use and nothing is lost")
            }
            Self::NotThere { .. } => Some("it may still come: going on waits for it again"),
            Self::Secret { .. } => Some("`jewelctl plan` says how the secret is put right"),
            _ => None,
        }
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
